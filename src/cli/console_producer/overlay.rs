//! What the options say of every record: key, headers, partition, timestamp. It wins over what the input says; headers are added.

use std::borrow::Cow;

use super::Args;
use crate::cli::error::CliError;
use crate::cli::records::line::InputRecord;
use crate::cli::records::times::{self, Bare};

/// Which partition all records go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    One(i32),
    Any,
}

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overlay {
    key: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    partition: Option<To>,
    timestamp: Option<Stamp>,
    tombstone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    At(i64),
    /// Of each record by itself.
    Now,
}

impl Overlay {
    /// Errors: a value that cannot be read.
    pub fn read(args: &Args) -> Result<Overlay, CliError> {
        let partition = match args.partition.as_deref() {
            None => None,
            Some("any") => Some(To::Any),
            Some(text) => Some(To::One(text.parse().ok().filter(|n| *n >= 0).ok_or_else(|| {
                CliError::usage(format!("--partition: \"{text}\" is no partition")).hint("a partition is a number from 0, or any")
            })?)),
        };
        let timestamp = match args.timestamp.as_deref() {
            None => None,
            Some("now") => Some(Stamp::Now),
            Some(text) => {
                let refused = |why| CliError::usage(format!("--timestamp: {why}")).hint(format!("a time looks like {}", times::SHAPES));
                Some(Stamp::At(times::moment(text, times::now(), Bare::Ago).map_err(refused)?.millis))
            }
        };
        let headers = args.header.iter().map(|text| {
            let pair = text.split_once(':').map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
            pair.ok_or_else(|| CliError::usage(format!("--header: there is no colon in \"{text}\"")).hint("a header looks like NAME:VALUE"))
        });
        let headers = headers.collect::<Result<_, _>>()?;
        Ok(Overlay { key: args.key.as_ref().map(|k| k.as_bytes().to_vec()), headers, partition, timestamp, tombstone: args.tombstone })
    }

    /// Nothing is said: records stay as they are.
    pub fn is_empty(&self) -> bool {
        *self == Overlay::default()
    }

    /// Changes a record.
    pub fn apply<'a>(&'a self, record: &mut InputRecord<'a>) {
        if let Some(key) = &self.key {
            record.key = Some(Cow::Borrowed(key));
        }
        record.headers.extend(self.headers.iter().map(|(key, value)| (Cow::Borrowed(&key[..]), Some(Cow::Borrowed(&value[..])))));
        match self.partition {
            Some(To::One(number)) => record.partition = Some(number),
            Some(To::Any) => record.partition = None,
            None => {}
        }
        match self.timestamp {
            Some(Stamp::At(ms)) => record.timestamp = Some(ms),
            Some(Stamp::Now) => record.timestamp = None,
            None => {}
        }
        if self.tombstone && record.value.as_ref().is_some_and(|v| v.is_empty()) {
            record.value = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(args: &Args) -> Overlay {
        Overlay::read(args).unwrap()
    }

    #[test]
    fn options_win_and_headers_are_added() {
        let args = Args {
            key: Some("K".into()),
            header: vec!["b:x:y".into()],
            partition: Some("any".into()),
            timestamp: Some("now".into()),
            tombstone: true,
            ..Args::default()
        };
        let changes = overlay(&args);
        let own = (Cow::Borrowed(&b"a"[..]), None);
        let mut record = InputRecord {
            key: Some(Cow::Borrowed(b"k")),
            value: Some(Cow::Borrowed(b"")),
            partition: Some(3),
            timestamp: Some(5),
            headers: vec![own.clone()],
            topic: None,
        };
        changes.apply(&mut record);
        let added = (Cow::Borrowed(&b"b"[..]), Some(Cow::Borrowed(&b"x:y"[..])));
        let wanted = InputRecord { key: Some(Cow::Borrowed(b"K")), headers: vec![own, added], ..InputRecord::default() };
        assert_eq!(record, wanted);
        assert!(overlay(&Args::default()).is_empty() && !changes.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let one = |text: &str| Some(text.to_owned());
        for bad in [
            Args { partition: one("-1"), ..Args::default() },
            Args { partition: one("x"), ..Args::default() },
            Args { timestamp: one("soon"), ..Args::default() },
            Args { header: vec!["none".into()], ..Args::default() },
        ] {
            assert_eq!(Overlay::read(&bad).unwrap_err().exit_code(), 2, "{bad:?}");
        }
    }
}
