//! Requests and responses with their headers.
//!
//! ```text
//! int32 length of the rest | header | body
//!
//! request header 1:  int16 api key | int16 version | int32 correlation id | nullable string client id
//! request header 2:  the same | tagged fields          (the client id keeps its classic int16 length)
//! response header 0: int32 correlation id
//! response header 1: the same | tagged fields
//! ```

use crate::request_header::RequestHeader;
use crate::response_header::ResponseHeader;
use crate::{ApiKey, DecodeError, EncodeError, Message, Reader, Request, Writer};

/// Appends a request with its length and header.
pub fn write_request<R: Request>(
    w: &mut Writer,
    correlation_id: i32,
    client_id: Option<&str>,
    version: i16,
    body: &R,
) -> Result<(), EncodeError> {
    w.framed(|w| {
        w.i16(R::KEY.code());
        w.i16(version);
        w.i32(correlation_id);
        w.opt_string(client_id, false)?;
        if R::KEY.request_header_version(version) >= 2 {
            w.no_tags();
        }
        body.encode(w, version)
    })
}

/// Appends a response to a request of kind `key` and `version`, with its length and header.
pub fn write_response<M: Message>(w: &mut Writer, key: ApiKey, version: i16, correlation_id: i32, body: &M) -> Result<(), EncodeError> {
    w.framed(|w| {
        ResponseHeader { correlation_id }.encode(w, key.response_header_version(version))?;
        body.encode(w, version)
    })
}

/// Reads the header of a request, whose length has been taken off already.
///
/// The version of the request need not be one that we support (`ApiKey::supports`); its key must be known, because the key decides
/// the header's form.
pub fn read_request_header(r: &mut Reader) -> Result<(ApiKey, RequestHeader), DecodeError> {
    let mut peek = r.clone();
    let (key, version) = (peek.i16()?, peek.i16()?);
    let key = ApiKey::from_code(key).ok_or(DecodeError::UnknownApiKey { key })?;
    let header = RequestHeader::decode(r, key.request_header_version(version))?;
    Ok((key, header))
}

/// Reads the header of a response to a request of kind `key` and `version`: its correlation id.
pub fn read_response_header(r: &mut Reader, key: ApiKey, version: i16) -> Result<i32, DecodeError> {
    Ok(ResponseHeader::decode(r, key.response_header_version(version))?.correlation_id)
}
