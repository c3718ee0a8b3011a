//! One file per request, named after it: check, ask the node, shape the response.

pub mod api_versions;
