//! The options of `kfk dump-log`.

use super::decode::PlainDecoder;
use super::error::DumpError;
use crate::cli::error::CliError;
use crate::cli::usage::refuse;

const STRING_DECODER: &str = "org.apache.kafka.tools.api.StringDecoder";

/// The options, named as Kafka's.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Files and directories to dump, as in --files.
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath, help_heading = "What to dump")]
    pub paths: Vec<String>,

    /// The files to dump, separated by commas: .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint. A directory stands for the log
    /// in it and for the logs in its directories TOPIC-PARTITION, segment by segment.
    #[arg(long, value_name = "PATH,...", value_hint = clap::ValueHint::AnyPath, help_heading = "What to dump")]
    pub files: Option<String>,

    /// Of directories, dump indexes and producer snapshots too.
    #[arg(long, help_heading = "What to dump")]
    pub all_files: bool,

    /// Only records that match: REGEX (in key, value or a header's value), k:REGEX, v:REGEX, h:NAME=REGEX, hk:REGEX and hv:REGEX (header
    /// keys and values), t:REGEX; with ! before it, those that do not. If given several times, all must hold. Turns on --print-data-log.
    #[arg(long, value_name = "[!][PART:]REGEX", allow_hyphen_values = true, help_heading = "What to dump")]
    pub grep: Vec<String>,

    /// Read at most this many bytes of each log.
    #[arg(long, value_name = "BYTES", default_value_t = i32::MAX, hide_default_value = true, allow_hyphen_values = true)]
    #[arg(help_heading = "What to dump")]
    pub max_bytes: i32,

    /// Print a line for every record, not only for every batch.
    #[arg(long, help_heading = "What to print of a log")]
    pub deep_iteration: bool,

    /// Print keys and values too. Any decoder option turns this on.
    #[arg(long, help_heading = "What to print of a log")]
    pub print_data_log: bool,

    /// Print keys and values alone, without offset, timestamp and sizes; nothing of control records.
    #[arg(long, help_heading = "What to print of a log")]
    pub skip_record_metadata: bool,

    /// Print every byte: where it is, what it is called and what it means. Works for every kind of file.
    #[arg(long, help_heading = "What to print of a log")]
    pub hex: bool,

    /// How to print: in Kafka's own layout, or as JSON, one object a line.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT", help_heading = "What to print of a log")]
    pub output: Option<Output>,

    /// Instead of its batches print what is in each log altogether: records, bytes, codecs, times, holes, producers, transactions.
    #[arg(long, help_heading = "What to print of a log")]
    pub summary: bool,

    /// How to read values: StringDecoder, DefaultDecoder (prints that there are bytes), IntegerDecoder or LongDecoder, with or without
    /// Kafka's package name.
    #[arg(long, value_name = "CLASS", num_args = 0..=1, require_equals = true, default_missing_value = STRING_DECODER)]
    #[arg(help_heading = "How to read keys and values")]
    pub value_decoder_class: Option<String>,

    /// How to read keys; see --value-decoder-class.
    #[arg(long, value_name = "CLASS", num_args = 0..=1, require_equals = true, default_missing_value = STRING_DECODER)]
    #[arg(help_heading = "How to read keys and values")]
    pub key_decoder_class: Option<String>,

    /// Read the records of __consumer_offsets: committed offsets and group members.
    #[arg(long, help_heading = "How to read keys and values")]
    pub offsets_decoder: bool,

    /// Read the records of __transaction_state.
    #[arg(long, help_heading = "How to read keys and values")]
    pub transaction_log_decoder: bool,

    /// Read the records of __cluster_metadata.
    #[arg(long, help_heading = "How to read keys and values")]
    pub cluster_metadata_decoder: bool,

    /// Read the records of __remote_log_metadata (tiered storage).
    #[arg(long, help_heading = "How to read keys and values")]
    pub remote_log_metadata_decoder: bool,

    /// Read the records of __share_group_state.
    #[arg(long, help_heading = "How to read keys and values")]
    pub share_group_state_decoder: bool,

    /// Compare the entries of an index with its log without printing them.
    #[arg(long, help_heading = "What to check")]
    pub verify_index_only: bool,

    /// Make only the check that decides whether a starting broker rebuilds an index.
    #[arg(long, help_heading = "What to check")]
    pub index_sanity_check: bool,

    /// Print nothing but what is wrong: batches against their CRC, offsets, indexes and producer snapshots against the batches. Exit code 1
    /// if something is.
    #[arg(long, help_heading = "What to check")]
    pub verify: bool,

    /// To --verify a log by itself: its topic is compacted, so that gaps between offsets are as they should be. Data directories know.
    #[arg(long, help_heading = "What to check")]
    pub compacted: bool,

    /// How far from an entry's position the batch may end that it points to.
    #[arg(long, value_name = "BYTES", default_value_t = 5 * 1024 * 1024, allow_hyphen_values = true)]
    #[arg(help_heading = "What to check")]
    pub max_message_size: i32,
}

/// `-o` of this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Kafka's own layout.
    Plain,
    /// One JSON object a line.
    #[value(alias = "jsonl")]
    Json,
}

/// How keys and values are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoding {
    Plain { key: PlainDecoder, value: PlainDecoder },
    Offsets,
    Transactions,
    ClusterMetadata,
    RemoteLogMetadata,
    ShareGroupState,
}

impl Args {
    /// True if JSON is printed.
    pub fn prints_json(&self) -> bool {
        self.output == Some(Output::Json)
    }

    /// True if an index is compared with its log, and not its entries printed.
    pub fn checks_indexes(&self) -> bool {
        self.verify_index_only || self.index_sanity_check
    }

    /// Refuses options that make no sense together.
    pub fn check(&self) -> Result<(), CliError> {
        let (json, hex, grep) = (("output", self.prints_json()), ("hex", self.hex), ("grep", !self.grep.is_empty()));
        let (summary, indexes) = (("summary", self.summary), ("index-sanity-check", self.index_sanity_check));
        let only = ("verify-index-only", self.verify_index_only);
        refuse(("verify", self.verify), &[summary, hex, grep, only, indexes])?;
        refuse(summary, &[hex, grep, only, indexes])?;
        refuse(hex, &[json, grep])?;
        refuse(grep, &[only, indexes])?;
        refuse(json, &[only, indexes, ("skip-record-metadata", self.skip_record_metadata)])
    }

    /// The paths in `--files`; empty ones at the end do not count.
    pub fn files(&self) -> Vec<&str> {
        let Some(list) = self.files.as_deref() else { return Vec::new() };
        let mut paths: Vec<&str> = list.split(',').collect();
        while paths.len() > 1 && paths.last().is_some_and(|p| p.is_empty()) {
            paths.pop();
        }
        if paths == [""] && !list.is_empty() { Vec::new() } else { paths }
    }

    /// True if keys and values are printed.
    pub fn prints_contents(&self) -> bool {
        self.print_data_log
            || self.offsets_decoder
            || self.transaction_log_decoder
            || self.cluster_metadata_decoder
            || self.remote_log_metadata_decoder
            || self.share_group_state_decoder
            || self.value_decoder_class.is_some()
            || self.key_decoder_class.is_some()
            || !self.grep.is_empty()
    }

    /// True if records are read, not only batch headers.
    pub fn goes_deep(&self) -> bool {
        self.deep_iteration || self.prints_contents()
    }

    /// The decoder that was asked for; of several, the first in the order of the help. Error: `UnknownDecoder`.
    pub fn decoding(&self) -> Result<Decoding, DumpError> {
        if self.offsets_decoder {
            return Ok(Decoding::Offsets);
        }
        if self.transaction_log_decoder {
            return Ok(Decoding::Transactions);
        }
        if self.cluster_metadata_decoder {
            return Ok(Decoding::ClusterMetadata);
        }
        if self.remote_log_metadata_decoder {
            return Ok(Decoding::RemoteLogMetadata);
        }
        if self.share_group_state_decoder {
            return Ok(Decoding::ShareGroupState);
        }
        let plain = |class: &Option<String>| PlainDecoder::from_class(class.as_deref().unwrap_or(STRING_DECODER));
        Ok(Decoding::Plain { value: plain(&self.value_decoder_class)?, key: plain(&self.key_decoder_class)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    pub(crate) fn parse(words: &[&str]) -> Args {
        let command = Args::augment_args(clap::Command::new("dump-log").no_binary_name(true));
        Args::from_arg_matches(&command.try_get_matches_from(words).unwrap()).unwrap()
    }

    #[test]
    fn files_are_split_as_in_java() {
        assert_eq!(parse(&["--files", "a,b,,"]).files(), ["a", "b"]);
        assert_eq!(parse(&["--files", "a,,b"]).files(), ["a", "", "b"]);
        assert_eq!(parse(&["--files="]).files(), [""]);
        assert!(parse(&["--files", ",,"]).files().is_empty());
    }

    #[test]
    fn any_decoder_prints_contents_and_goes_deep() {
        assert!(!parse(&[]).goes_deep());
        assert!(parse(&["--deep-iteration"]).goes_deep() && !parse(&["--deep-iteration"]).prints_contents());
        for option in ["--print-data-log", "--offsets-decoder", "--share-group-state-decoder", "--value-decoder-class"] {
            assert!(parse(&[option]).prints_contents() && parse(&[option]).goes_deep(), "{option}");
        }
    }

    #[test]
    fn of_several_decoders_the_first_counts() {
        assert_eq!(parse(&["--transaction-log-decoder", "--offsets-decoder"]).decoding().unwrap(), Decoding::Offsets);
        let plain = parse(&["--value-decoder-class=org.apache.kafka.tools.api.LongDecoder", "--key-decoder-class"]);
        assert_eq!(plain.decoding().unwrap(), Decoding::Plain { key: PlainDecoder::Text, value: PlainDecoder::Long });
        assert!(parse(&["--key-decoder-class=no.such.Class"]).decoding().is_err());
    }
}
