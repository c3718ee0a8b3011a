//! `partition.metadata`: which topic a directory belongs to. Written before any record.
//!
//! ```text
//! version: 0
//! topic_id: Q4-GXiVhSf-K1ldDfk81DQ      (no line end)
//! ```

use crate::types::TopicId;

/// The file's bytes.
pub fn encode(topic_id: TopicId) -> Vec<u8> {
    format!("version: 0\ntopic_id: {topic_id}").into_bytes()
}

/// `None` if this is not such a file, of version 0, with an id that is not zero.
pub fn decode(bytes: &[u8]) -> Option<TopicId> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    (lines.next()?.split_once(':')? == ("version", " 0")).then_some(())?;
    let id: TopicId = lines.next()?.strip_prefix("topic_id: ")?.parse().ok()?;
    (!id.is_zero() && lines.next().is_none()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l12_kafkas_file_round_trips() {
        let kafka = b"version: 0\ntopic_id: Q4-GXiVhSf-K1ldDfk81DQ";
        let id = decode(kafka).unwrap();
        assert_eq!(encode(id), kafka);
    }

    #[test]
    fn l12_every_flipped_byte_is_noticed_or_names_another_topic() {
        let good = encode("Q4-GXiVhSf-K1ldDfk81DQ".parse().unwrap());
        let id = decode(&good);
        for i in 0..good.len() {
            for mask in [1, 0x20, 0x80] {
                let mut bad = good.clone();
                bad[i] ^= mask;
                // The last character carries four unused bits; elsewhere a changed id is another topic's, so the directory is stray.
                assert!(decode(&bad) != id || i == good.len() - 1, "byte {i} mask {mask}");
            }
        }
        for cut in 0..good.len() {
            assert_eq!(decode(&good[..cut]), None);
        }
    }
}
