//! What is known of each kind of request: its name, its versions, the forms of its headers.

pub use crate::generated::api_key::ApiKey;
use crate::generated::api_key::TABLE;

/// One kind of request. `min..=max` can be spoken; `advertised_min` is what a broker lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: ApiKey,
    pub name: &'static str,
    pub min: i16,
    pub max: i16,
    /// Above `max` where the newest version is still called unstable.
    pub latest: i16,
    pub advertised_min: i16,
    /// The first version with varint lengths and tagged fields.
    pub first_flexible: i16,
    /// Whether a broker's listener answers it.
    pub broker: bool,
    /// Whether a controller's listener answers it.
    pub controller: bool,
}

impl ApiKey {
    /// Every kind of request, by number.
    pub fn all() -> impl Iterator<Item = ApiKey> {
        TABLE.iter().map(|row| row.key)
    }

    pub fn from_code(code: i16) -> Option<ApiKey> {
        let at = TABLE.binary_search_by_key(&code, |row| row.key as i16).ok()?;
        Some(TABLE[at].key)
    }

    /// The number on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// All that is known of it.
    pub fn row(self) -> &'static Row {
        let at = TABLE.partition_point(|row| row.key < self);
        &TABLE[at]
    }

    /// Kafka's name, such as `FindCoordinator`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The lowest version that can be spoken.
    pub fn min_version(self) -> i16 {
        self.row().min
    }

    /// The highest version that is offered to others.
    pub fn max_version(self) -> i16 {
        self.row().max
    }

    /// Whether a request of this version can be decoded.
    pub fn supports(self, version: i16) -> bool {
        (self.row().min..=self.row().latest).contains(&version)
    }

    fn is_flexible(self, version: i16) -> bool {
        version >= self.row().first_flexible
    }

    /// The version of [`RequestHeader`](crate::request_header::RequestHeader) in front of a request.
    pub fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of [`ResponseHeader`](crate::response_header::ResponseHeader) in front of a response.
    ///
    /// Always 0 for ApiVersions: a client must be able to read that answer before it knows what the broker speaks (fact N5).
    pub fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && self != ApiKey::ApiVersions { 1 } else { 0 }
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_finds_every_key() {
        for key in ApiKey::all() {
            assert_eq!(ApiKey::from_code(key.code()), Some(key));
            assert_eq!(key.row().key, key);
        }
        assert_eq!(ApiKey::from_code(4), None, "LeaderAndIsr is gone");
        assert_eq!(ApiKey::from_code(-1), None);
    }

    #[test]
    fn n5_header_versions() {
        assert_eq!(ApiKey::ApiVersions.request_header_version(2), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
        assert_eq!(ApiKey::ApiVersions.request_header_version(i16::MAX), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(4), 0);
        assert_eq!((ApiKey::Fetch.request_header_version(11), ApiKey::Fetch.response_header_version(11)), (1, 0));
        assert_eq!((ApiKey::Fetch.request_header_version(12), ApiKey::Fetch.response_header_version(12)), (2, 1));
        assert_eq!((ApiKey::SaslHandshake.request_header_version(1), ApiKey::SaslHandshake.response_header_version(1)), (1, 0));
    }
}
