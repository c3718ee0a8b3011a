//! What a connection passes before its first request: encryption (`stream`) and telling who we are (`sasl`, `scram`).

mod sasl;
mod scram;
mod stream;

pub(super) use sasl::authenticate;
pub(super) use stream::{Duplex, ReadHalf, Stream, WriteHalf, secure, tls_trouble};
