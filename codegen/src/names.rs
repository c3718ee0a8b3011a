//! From the definitions' CamelCase to Rust's snake_case.

/// `TopicId` -> `topic_id`, `V3AndBelowTopics` -> `v3_and_below_topics`, `KRaftVersionRecord` -> `kraft_version_record`.
pub fn snake(name: &str) -> String {
    let name = name.replace("KRaft", "Kraft");
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|j| chars[j]);
        let after = chars.get(i + 1);
        // A new word starts at a capital after a small letter or digit, and at the last capital of a run ("DNSName").
        let word = c.is_uppercase() && before.is_some_and(|b| !b.is_uppercase() || after.is_some_and(|a| a.is_lowercase()) && i > 0);
        if word {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// A field's name in Rust; names that Rust keeps for itself get an underscore at the end.
pub fn field(name: &str) -> String {
    match snake(name).as_str() {
        "type" => "type_".into(),
        "match" => "match_".into(),
        other => other.into(),
    }
}

/// A field's name in Kafka's JSON: the first letter small.
pub fn json(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// `FeatureLevelRecord` -> `FEATURE_LEVEL_RECORD`.
pub fn upper_snake(name: &str) -> String {
    snake(name).to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (camel, want) in [
            ("TopicId", "topic_id"),
            ("V3AndBelowTopics", "v3_and_below_topics"),
            ("KRaftVersionRecord", "kraft_version_record"),
            ("SnapshotId", "snapshot_id"),
            ("offset", "offset"),
            ("IsrWithEpochs", "isr_with_epochs"),
            ("BeginQuorumEpochRequest", "begin_quorum_epoch_request"),
        ] {
            assert_eq!(snake(camel), want);
        }
        assert_eq!(field("Type"), "type_");
        assert_eq!(json("KRaftVersion"), "kRaftVersion");
        assert_eq!(upper_snake("FeatureLevelRecord"), "FEATURE_LEVEL_RECORD");
    }
}
