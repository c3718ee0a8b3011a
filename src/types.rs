//! Small plain types that every room shares. No behaviour beyond arithmetic on themselves.

pub use kfk_wire::Uuid;

/// A position in a partition's log. Plain on purpose: it is `i64` on the wire and on disk.
pub type Offset = i64;
/// Grows by one with every change of a partition's leader.
pub type LeaderEpoch = i32;
/// A broker's or controller's id.
pub type NodeId = i32;
/// A topic's id, never reused.
pub type TopicId = Uuid;

/// Milliseconds since 1970, as in record timestamps. May jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallMs(pub i64);

/// Milliseconds on a clock that never goes back, for deadlines. Comparable only within one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoMs(pub u64);

impl MonoMs {
    /// The moment `ms` later; saturates.
    pub fn plus(self, ms: u64) -> MonoMs {
        MonoMs(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`, 0 if `earlier` is later.
    pub fn since(self, earlier: MonoMs) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both clocks, read once where an event enters the synchronous rooms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub wall: WallMs,
    pub mono: MonoMs,
}

/// A topic's name with a partition number; prints as `topic-partition`, the name of its directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        TopicPartition { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

const MAX_TOPIC_NAME_LENGTH: usize = 249;

/// Checks a topic's name; what is wrong with it is told in Kafka's words.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let what = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.encode_utf16().count() > MAX_TOPIC_NAME_LENGTH {
        format!("the length of '{name}' is longer than the max allowed length {MAX_TOPIC_NAME_LENGTH}")
    } else if !name.chars().all(legal) {
        format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
    } else {
        return Ok(());
    };
    Err(format!("Topic name is invalid: {what}"))
}
