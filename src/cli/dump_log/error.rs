//! What can stop a dump, and how Kafka's own tool would have put it.

use std::io;

use crate::cli::error::CliError;
use crate::record::RecordError;

/// Why a dump ended early.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A file could not be opened or read.
    #[error("cannot {action} {path}: {}", reason(source))]
    File { action: &'static str, path: String, source: io::Error },
    /// Standard output is gone.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// The file name should begin with an offset, as `00000000000000000042.log` does. Holds the path and that part of the name.
    #[error("{path}: the name does not begin with an offset")]
    NoOffsetInName { path: String, found: String },
    /// A `.checkpoint` should be called `<20 digits offset>-<10 digits epoch>.checkpoint`.
    #[error("{0}: not the name of a snapshot, which is OFFSET-EPOCH.checkpoint with 20 and 10 digits")]
    NoSnapshotId(String),
    /// A directory in which no log is.
    #[error("{0}: no log in this directory, and none in directories TOPIC-PARTITION of it")]
    NoLogs(String),
    /// A file that holds no batches.
    #[error("{0}: not a log, whose name would be OFFSET.log with 20 digits")]
    NoLog(String),
    /// The length field of a batch makes no sense, and so its end cannot be found.
    #[error("{path}: the batch at {position} claims a length of {length} bytes, less than the 14 of the smallest batch")]
    BatchLength { path: String, position: u64, length: i32 },
    /// A batch whose header says that it ends within the file, but the file ends inside its header.
    #[error("{path}: the file ends inside the header of the batch at {position}")]
    HeaderCut { path: String, position: u64 },
    /// The records of a batch cannot be read.
    #[error("{path}: batch at {position}: {source}")]
    Record { path: String, position: u64, source: RecordError },
    /// An index entry points behind the end of its log.
    #[error("{log}: an index entry points to {position}, but the log has only {size} bytes")]
    BehindEnd { log: String, position: i64, size: u64 },
    /// An index entry points to where no whole batch is.
    #[error("{log}: no whole batch at {position}, where an index entry points")]
    NoBatch { log: String, position: i64 },
    /// An index fails the check that a broker makes when it starts.
    #[error("{0}")]
    CorruptIndex(String),
    /// A record in a file of an internal topic lacks what every such record has.
    #[error("{0}")]
    Undecodable(String),
    /// A class name that is none of the built-in decoders.
    #[error("no decoder {0}: built in are StringDecoder, DefaultDecoder, IntegerDecoder and LongDecoder of org.apache.kafka.tools.api")]
    UnknownDecoder(String),
    /// A key or value is too short for the decoder that was asked for.
    #[error("offset {offset}: a {what} of {len} bytes is too short for a decoder that needs {needed}")]
    TooShort { offset: i64, what: &'static str, len: usize, needed: usize },
    /// `--max-bytes` below 0. Holds what the message needs to know about the file.
    #[error("{path}: --max-bytes {max_bytes} is negative")]
    NegativeSize { path: String, size: u64, max_bytes: i32 },
}

impl DumpError {
    /// The exception that ends Kafka's tool in this case, as Java prints it; `None` where it makes no sense to say.
    fn exception(&self) -> Option<String> {
        Some(match self {
            DumpError::File { path, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                format!("java.nio.file.NoSuchFileException: {path}")
            }
            DumpError::NoOffsetInName { found, .. } => format!("java.lang.NumberFormatException: For input string: \"{found}\""),
            DumpError::BatchLength { path, length, .. } => format!(
                "org.apache.kafka.common.errors.CorruptRecordException: Found record size {length} smaller than minimum record overhead (14) in \
                 file {path}."
            ),
            DumpError::Record { source: RecordError::UnknownCodec(id), .. } => {
                format!("java.lang.IllegalArgumentException: Unknown compression type id: {id}")
            }
            DumpError::Record { source: RecordError::BadMagic(magic), .. } => {
                format!("java.lang.IllegalArgumentException: Invalid magic used in LegacyRecord: {magic}")
            }
            DumpError::Record { source: RecordError::Undecodable { .. }, .. } => {
                "org.apache.kafka.common.KafkaException: Failed to decompress record stream".to_owned()
            }
            DumpError::Record { source, .. } => format!("org.apache.kafka.common.InvalidRecordException: {source}"),
            DumpError::BehindEnd { log, position, size } => format!(
                "java.lang.IllegalArgumentException: Slice from position {position} exceeds end position of FileRecords(size={size}, \
                 file={log}, start=0, end=2147483647)"
            ),
            DumpError::NegativeSize { path, size, max_bytes } => format!(
                "java.lang.IllegalArgumentException: Invalid size: {max_bytes} in read from FileRecords(size={size}, file={path}, start=0, \
                 end=2147483647)"
            ),
            DumpError::NoBatch { .. } => "java.util.NoSuchElementException".to_owned(),
            DumpError::CorruptIndex(text) => format!("org.apache.kafka.storage.internals.log.CorruptIndexException: {text}"),
            DumpError::Undecodable(text) => format!("java.lang.RuntimeException: {text}"),
            DumpError::UnknownDecoder(_) => "java.lang.RuntimeException: Failed to load decoder class".to_owned(),
            DumpError::TooShort { .. } => "java.nio.BufferUnderflowException".to_owned(),
            DumpError::File { .. }
            | DumpError::Output(_)
            | DumpError::NoSnapshotId(_)
            | DumpError::NoLogs(_)
            | DumpError::NoLog(_)
            | DumpError::HeaderCut { .. } => return None,
        })
    }
}

impl From<DumpError> for CliError {
    fn from(e: DumpError) -> CliError {
        let exception = e.exception();
        match e {
            DumpError::Output(io) => CliError::from(io),
            other => {
                let error = CliError::failed(other.to_string());
                match exception {
                    Some(exception) => error.exception(exception),
                    None => error,
                }
            }
        }
    }
}

/// The usual reasons without the operating system's number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
