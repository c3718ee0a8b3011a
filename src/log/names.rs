//! Names of files and directories, as Kafka gives them.
//!
//! ```text
//! orders-0/                         one partition; marked ones end in -delete, -stray, -future
//!   00000000000000000018.log        segment; 18 is its base offset
//!   00000000000000000018.index      .timeindex, .txnindex beside it
//!   00000000000000000018.snapshot   producer state up to (not including) offset 18
//!   ....log.deleted                 marks: .deleted (goes soon), .cleaned and .swap (compaction's two steps)
//!   leader-epoch-checkpoint, partition.metadata
//!   00000000000000000018.928.cut    ours: bytes that recovery cut off at position 928, and .cut.txt saying why
//!   damage.txt                      ours: this log has rot in the middle and is served up to there only
//! ```

use crate::types::{Offset, TopicPartition};

/// No offset is larger, so that 32 bits can always be added to one.
pub const MAX_OFFSET: Offset = Offset::MAX - (1 << 32);

pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";
pub const PARTITION_METADATA: &str = "partition.metadata";
pub const DAMAGE: &str = "damage.txt";

pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
pub const LOG_STARTS: &str = "log-start-offset-checkpoint";
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
pub const CLEANER_OFFSETS: &str = "cleaner-offset-checkpoint";
pub const META_PROPERTIES: &str = "meta.properties";
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
pub const LOCK: &str = ".lock";

/// What a file named after an offset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Log,
    OffsetIndex,
    TimeIndex,
    TxnIndex,
    Snapshot,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Log, Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex, Kind::Snapshot];

    pub fn suffix(self) -> &'static str {
        match self {
            Kind::Log => "log",
            Kind::OffsetIndex => "index",
            Kind::TimeIndex => "timeindex",
            Kind::TxnIndex => "txnindex",
            Kind::Snapshot => "snapshot",
        }
    }
}

/// The second suffix of a file that is on its way in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    None,
    Deleted,
    Cleaned,
    Swap,
}

impl Mark {
    pub fn suffix(self) -> &'static str {
        match self {
            Mark::None => "",
            Mark::Deleted => ".deleted",
            Mark::Cleaned => ".cleaned",
            Mark::Swap => ".swap",
        }
    }
}

/// `00000000000000000018.log`
pub fn file_name(base: Offset, kind: Kind) -> String {
    marked_name(base, kind, Mark::None)
}

/// `00000000000000000018.log.deleted`
pub fn marked_name(base: Offset, kind: Kind, mark: Mark) -> String {
    format!("{base:020}.{}{}", kind.suffix(), mark.suffix())
}

/// `00000000000000000018.928.cut`, or with the number of the attempt if there were others: `00000000000000000018.928.1.cut`
pub fn cut_name(base: Offset, position: u64, attempt: u32) -> String {
    if attempt == 0 { format!("{base:020}.{position}.cut") } else { format!("{base:020}.{position}.{attempt}.cut") }
}

/// The base offset of a `.cut` file or of its explanation.
pub fn parse_cut(name: &str) -> Option<Offset> {
    let (base, rest) = name.split_once('.')?;
    let mut rest = rest.split('.');
    rest.next()?.parse::<u64>().ok()?;
    let mut word = rest.next()?;
    if word.bytes().all(|b| b.is_ascii_digit()) {
        word = rest.next()?;
    }
    (word == "cut").then(|| parse_base(base)).flatten()
}

/// Reads a file name; `None` if it is not one of a segment's files or a snapshot.
pub fn parse_file(name: &str) -> Option<(Offset, Kind, Mark)> {
    let (base, rest) = name.split_once('.')?;
    let (kind, mark) = match rest.split_once('.') {
        None => (rest, Mark::None),
        Some((kind, "deleted")) => (kind, Mark::Deleted),
        Some((kind, "cleaned")) => (kind, Mark::Cleaned),
        Some((kind, "swap")) => (kind, Mark::Swap),
        Some(_) => return None,
    };
    let kind = Kind::ALL.into_iter().find(|k| k.suffix() == kind)?;
    Some((parse_base(base)?, kind, mark))
}

fn parse_base(digits: &str) -> Option<Offset> {
    let base = (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten();
    base.filter(|b| *b <= MAX_OFFSET)
}

/// What a directory in the data directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirName {
    Partition(TopicPartition),
    /// `<topic>-<n>.<hex>-delete`: to be removed.
    Deleted,
    /// `-stray` or `-future`: not ours to touch.
    SetAside,
    Other,
}

pub fn parse_dir(name: &str) -> DirName {
    // A topic may itself be called `x-delete`; a marked directory has a dot and an id before the mark.
    let marked =
        |mark: &str| name.strip_suffix(mark).and_then(|s| s.rsplit_once('.')).is_some_and(|(s, id)| s.contains('-') && is_hex_id(id));
    if marked("-delete") {
        return DirName::Deleted;
    }
    if marked("-stray") || marked("-future") {
        return DirName::SetAside;
    }
    parse_partition(name).map_or(DirName::Other, DirName::Partition)
}

fn parse_partition(name: &str) -> Option<TopicPartition> {
    let (topic, number) = name.rsplit_once('-')?;
    let canonical = number == "0" || number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let valid = !topic.is_empty() && topic.len() <= 249 && topic.bytes().all(allowed) && topic != "." && topic != "..";
    (canonical && valid).then(|| number.parse().ok()).flatten().map(|partition| TopicPartition::new(topic, partition))
}

fn is_hex_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `<topic>-<n>.<32 hex digits><mark>`, the topic cut so that the name stays within 255 bytes. `mark`: `-delete` or `-stray`.
pub fn marked_dir(partition: &TopicPartition, id: u128, mark: &str) -> String {
    let suffix = format!("-{}.{id:032x}{mark}", partition.partition);
    let keep = partition.topic.len().min(255usize.saturating_sub(suffix.len()));
    format!("{}{suffix}", &partition.topic[..keep])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_file_names_round_trip() {
        assert_eq!(file_name(18, Kind::Log), "00000000000000000018.log");
        for kind in Kind::ALL {
            for mark in [Mark::None, Mark::Deleted, Mark::Cleaned, Mark::Swap] {
                assert_eq!(parse_file(&marked_name(MAX_OFFSET, kind, mark)), Some((MAX_OFFSET, kind, mark)));
            }
        }
        for other in [
            "18.log",
            "00000000000000000018.txt",
            "00000000000000000018.log.old",
            "99999999999999999999.log",
            ".log",
            "+0000000000000000018.log",
        ] {
            assert_eq!(parse_file(other), None, "{other}");
        }
        assert_eq!(parse_cut(&cut_name(18, 928, 0)), Some(18));
        assert_eq!(parse_cut(&cut_name(18, 928, 3)), Some(18));
        assert_eq!(parse_cut("00000000000000000018.928.cut.txt"), Some(18));
        assert_eq!(parse_cut("00000000000000000018.log"), None);
    }

    #[test]
    fn l1_directory_names() {
        let tp = |t: &str, p| DirName::Partition(TopicPartition::new(t, p));
        assert_eq!(parse_dir("orders-0"), tp("orders", 0));
        assert_eq!(parse_dir("a-b.c_d-12"), tp("a-b.c_d", 12));
        assert_eq!(parse_dir("__cluster_metadata-0"), tp("__cluster_metadata", 0));
        assert_eq!(parse_dir("x-delete-0"), tp("x-delete", 0));
        for other in ["orders", "orders-", "-0", "orders-00", "orders--1x", "..-0", "or ders-0"] {
            assert_eq!(parse_dir(other), DirName::Other, "{other}");
        }
        let orders = TopicPartition::new("orders", 3);
        assert_eq!(marked_dir(&orders, 255, "-delete"), "orders-3.000000000000000000000000000000ff-delete");
        assert_eq!(parse_dir(&marked_dir(&orders, 255, "-delete")), DirName::Deleted);
        assert_eq!(parse_dir(&marked_dir(&orders, 255, "-stray")), DirName::SetAside);
        let long = marked_dir(&TopicPartition::new("t".repeat(249), 0), u128::MAX, "-delete");
        assert_eq!((long.len(), parse_dir(&long)), (255, DirName::Deleted));
    }
}
