//! What generated files use.

pub(crate) use bytes::Bytes;
pub(crate) use serde_json::Value;

pub(crate) use crate::api_key::ApiKey;
pub(crate) use crate::json::{self, FromJson, Json, JsonError, Object};
pub(crate) use crate::message::{DecodeError, EncodeError, Message, Request, Struct, may_write, not_null};
pub(crate) use crate::reader::Reader;
pub(crate) use crate::uuid::Uuid;
pub(crate) use crate::writer::{Records, Writer};
