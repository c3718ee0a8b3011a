//! Levels of features: which a release has, which go together, which are asked for.

use std::collections::BTreeMap;

use super::thrown;
use crate::cli::error::CliError;
use crate::cli::out::facts::{Cell, Column, Facts, number, row, text};
use crate::cli::out::{Format, Out};
use crate::node::quorum::storage::{ELR_VERSION, KRAFT_VERSION, METADATA_VERSION};

/// The levels of `metadata.version` from 7 on. The last one is not finished: it can be asked about, and not be used.
const VERSIONS: [&str; 25] = [
    "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3",
    "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0",
    "4.4-IV0",
];
const FIRST: i16 = 7;
/// The newest that can be used.
pub(in crate::cli) const LATEST: i16 = 30;
/// SCRAM users stand in the metadata from this one on.
pub(super) const SCRAM: i16 = 11;
/// Eligible leader replicas need this one.
const ELR_NEEDS: i16 = 23;

/// A feature: its highest level, and the level that releases have from a `metadata.version` on.
struct Feature {
    name: &'static str,
    max: i16,
    from: i16,
    /// At the feature's level before `max` nothing is told of.
    level: i16,
}

/// In the order in which Kafka's tool tells of them.
const FEATURES: [Feature; 6] = [
    Feature { name: KRAFT_VERSION, max: 1, from: 21, level: 1 },
    Feature { name: "transaction.version", max: 2, from: 24, level: 2 },
    Feature { name: "group.version", max: 1, from: 22, level: 1 },
    Feature { name: ELR_VERSION, max: 1, from: 26, level: 1 },
    Feature { name: "share.version", max: 1, from: 28, level: 1 },
    Feature { name: "streams.version", max: 1, from: 29, level: 1 },
];

impl Feature {
    fn at(&self, version: i16) -> i16 {
        if version >= self.from { self.level } else { 0 }
    }
}

/// The levels of the features other than `metadata.version` that belong to this level of it, in Kafka's order.
pub(in crate::cli) fn others(version: i16) -> impl Iterator<Item = (&'static str, i16)> {
    FEATURES.iter().map(move |f| (f.name, f.at(version)))
}

/// The highest level of a feature other than `metadata.version`.
pub(in crate::cli) fn highest(name: &str) -> Option<i16> {
    find(name).map(|f| f.max)
}

/// The level of `metadata.version` that a level of another feature needs; `None`: any will do.
pub(in crate::cli) fn needs(name: &str, level: i16) -> Option<i16> {
    (name == ELR_VERSION && level > 0).then_some(ELR_NEEDS)
}

fn find(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|f| f.name == name)
}

/// `4.3-IV0`
pub(in crate::cli) fn version_name(level: i16) -> &'static str {
    known_name(level).unwrap_or("unknown")
}

/// `4.3-IV0`; `None`: there is no such level.
pub(in crate::cli) fn known_name(level: i16) -> Option<&'static str> {
    usize::try_from(i32::from(level) - i32::from(FIRST)).ok().and_then(|at| VERSIONS.get(at)).copied()
}

/// The level of `4.3-IV0`, or of `4.3` or `4.3.1`, the last of that release. `unfinished`: also those that cannot be used.
pub(in crate::cli) fn version(text: &str, unfinished: bool) -> Result<i16, CliError> {
    let release = text.split('.').take(2).collect::<Vec<_>>().join(".");
    let count = if unfinished { VERSIONS.len() } else { VERSIONS.len() - 1 };
    let known = &VERSIONS[..count];
    let last_of = |v: &&str| v.split_once('-').is_some_and(|(start, _)| start == release);
    let finished = &VERSIONS[..VERSIONS.len() - 1];
    let found = known.iter().position(|v| *v == release).or_else(|| finished.iter().rposition(last_of));
    let unknown = || CliError::usage(format!("Unknown metadata.version '{text}'. Supported metadata.version are: {}", known.join(", ")));
    found.and_then(|at| i16::try_from(at).ok()).map(|at| FIRST + at).ok_or_else(unknown)
}

/// Prints the levels that a release has, with `metadata.version`.
pub(in crate::cli) fn print_mapping(out: &mut Out, format: Format, release: Option<&str>) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("feature"), number("level"), text("release").if_any()];
    let shown = release.unwrap_or(version_name(LATEST));
    let level = version(shown, true)?;
    let first = row![METADATA_VERSION, level, shown];
    let rows = std::iter::once(first).chain(others(level).map(|(name, level)| row![name, level, Cell::Null]));
    Facts::new(COLUMNS, rows).print(out, format, |out| {
        out.line(format!("{METADATA_VERSION}={level} ({shown})"))?;
        others(level).try_for_each(|(name, level)| out.line(format!("{name}={level}")))
    })
}

/// Prints what these levels need. They must be known ones.
pub(in crate::cli) fn print_needs(out: &mut Out, format: Format, asked: &[(String, i16)]) -> Result<(), CliError> {
    const COLUMNS: &[Column] = &[text("feature"), number("level"), text("requires")];
    let requires = |name: &str, level: i16| needs(name, level).map(|needed| format!("{METADATA_VERSION}={needed}"));
    let rows = asked.iter().map(|(name, level)| row![name, *level, requires(name, *level).into_iter().collect::<Vec<_>>()]);
    Facts::new(COLUMNS, rows).print(out, format, |out| {
        asked.iter().try_for_each(|(name, level)| match needs(name, *level) {
            Some(needed) => {
                out.line(format!("{name}={level} requires:"))?;
                out.line(format!("    {METADATA_VERSION}={needed} ({})", version_name(needed)))
            }
            None if name == METADATA_VERSION => out.line(format!("{name}={level} ({}) has no dependencies.", version_name(*level))),
            None => out.line(format!("{name}={level} has no dependencies.")),
        })
    })
}

/// Reads levels: `name=level`.
pub(super) fn known_levels(asked: &[String]) -> Result<Vec<(String, i16)>, CliError> {
    let read = |text: &String| {
        let (name, number) = text.split_once('=').ok_or_else(|| {
            let expected = "Expected format: 'feature=version' (e.g. 'group.version=1')";
            CliError::usage(format!("Invalid feature format: {text}. {expected}"))
        })?;
        let level: i16 = number.parse().map_err(|_| CliError::usage(format!("Invalid version format: {number} for feature {name}")))?;
        if name == METADATA_VERSION {
            return match known_name(level) {
                Some(_) => Ok((name.to_owned(), level)),
                None => Err(CliError::usage(format!("Unknown metadata.version {level}"))),
            };
        }
        let feature = find(name).ok_or_else(|| CliError::usage(format!("Unknown feature: {name}")))?;
        match (0..=feature.max).contains(&level) {
            true => Ok((name.to_owned(), level)),
            false => Err(CliError::usage(format!("Feature level {level} is not supported for feature {name}"))),
        }
    };
    asked.iter().map(read).collect()
}

/// The levels to format with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub version: i16,
    /// Those above 0 that stand in the log, `metadata.version` first.
    pub written: Vec<(String, i16)>,
}

/// `features` as given, the rest as the release has them. `dynamic`: the voters stand in the log.
pub(super) fn levels(release: Option<&str>, features: &[String], dynamic: bool) -> Result<Levels, CliError> {
    let release = release.map(|r| version(r, false)).transpose()?;
    let mut asked: BTreeMap<String, i16> = BTreeMap::new();
    for text in features {
        let bad = |why: &str| thrown("java.lang.RuntimeException", format!("Can't parse feature=level string {text}: {why}"));
        let (name, level) = text.split_once('=').ok_or_else(|| bad("equals sign not found."))?;
        let level = level.trim().parse().map_err(|_| bad("unable to parse level as a number."))?;
        asked.insert(name.trim().to_owned(), level);
    }
    let version = match (asked.remove(METADATA_VERSION), release) {
        (Some(_), Some(_)) => {
            const BOTH: &str = "Use --release-version instead of --feature metadata.version=X to avoid ambiguity.";
            return Err(CliError::usage(BOTH));
        }
        (Some(level), None) if (FIRST..=LATEST).contains(&level) => level,
        (Some(level), None) => {
            return Err(thrown("java.lang.IllegalArgumentException", format!("No MetadataVersion with feature level {level}")));
        }
        (None, release) => release.unwrap_or(LATEST),
    };
    if let Some(unknown) = asked.keys().find(|name| find(name).is_none()) {
        let mut known: Vec<&str> = FEATURES.iter().map(|f| f.name).collect();
        known.sort_unstable();
        return Err(CliError::usage(format!("Unsupported feature: {unknown}. Supported features are: {}", known.join(", "))));
    }
    check_kraft(asked.get(KRAFT_VERSION).copied(), dynamic)?;
    let mut all: BTreeMap<&str, i16> = FEATURES.iter().filter(|f| f.name != KRAFT_VERSION).map(|f| (f.name, f.at(version))).collect();
    for (name, level) in &asked {
        let Some(feature) = find(name) else { continue };
        if !(0..=feature.max).contains(level) {
            return Err(thrown("java.lang.IllegalArgumentException", format!("No feature:{name} with feature level {level}")));
        }
        if feature.name != KRAFT_VERSION {
            all.insert(feature.name, *level);
        }
    }
    if all.get(ELR_VERSION).is_some_and(|l| *l > 0) && version < ELR_NEEDS {
        let text = format!("{ELR_VERSION} could not be set to 1 because it depends on {METADATA_VERSION} level {ELR_NEEDS}");
        return Err(thrown("java.lang.IllegalArgumentException", text));
    }
    let first = (METADATA_VERSION.to_owned(), version);
    let rest = all.into_iter().filter(|(_, level)| *level > 0).map(|(name, level)| (name.to_owned(), level));
    Ok(Levels { version, written: std::iter::once(first).chain(rest).collect() })
}

/// The level of `kraft.version` follows from where the voters stand.
fn check_kraft(asked: Option<i16>, dynamic: bool) -> Result<(), CliError> {
    match asked {
        Some(0) if dynamic => Err(CliError::usage(
            "Cannot set kraft.version to 0 if controller.quorum.voters is empty and one of the flags --standalone, --initial-controllers, or \
             --no-initial-controllers is used. For dynamic controllers support, try removing the --feature flag for kraft.version.",
        )),
        Some(level) if level > 0 && !dynamic => Err(CliError::usage(format!(
            "Cannot set kraft.version to {level} unless controller.quorum.voters is empty and one of the flags --standalone, \
             --initial-controllers, or --no-initial-controllers is used. For dynamic controllers support, try using one of --standalone, \
             --initial-controllers, or --no-initial-controllers and removing controller.quorum.voters."
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_stands_for_its_last_level() {
        let known = |text| version(text, false).unwrap();
        assert_eq!((known("4.0"), known("4.0-IV1"), known("4.3.1"), known("3.9")), (25, 23, 30, 21));
        assert!(version("9.9", false).unwrap_err().message.ends_with("4.2-IV1, 4.3-IV0"));
        assert!(version("4.4-IV0", false).is_err() && version("4.4", true).is_err());
        assert_eq!(version("4.4-IV0", true).unwrap(), 31);
    }

    #[test]
    fn levels_follow_the_release_and_what_is_asked_for() {
        let of = |release, features: &[&str], dynamic| {
            let features: Vec<String> = features.iter().map(|f| (*f).to_owned()).collect();
            levels(release, &features, dynamic)
                .map(|l| l.written.into_iter().map(|(n, l)| format!("{n}={l}")).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of(Some("3.9"), &[], false).unwrap(), "metadata.version=21");
        assert_eq!(of(Some("4.0"), &["group.version=0"], false).unwrap(), "metadata.version=25 transaction.version=2");
        assert_eq!(of(None, &["metadata.version=22", "kraft.version=1"], true).unwrap(), "metadata.version=22 group.version=1");
        assert!(of(None, &["kraft.version=1"], false).unwrap_err().message.starts_with("Cannot set kraft.version to 1 unless"));
        assert!(of(Some("3.9"), &["eligible.leader.replicas.version=1"], false).unwrap_err().message.contains("level 23"));
        assert!(of(None, &["x"], false).is_err() && of(None, &["transaction.version=3"], false).is_err());
        assert!(of(Some("4.3"), &["metadata.version=30"], false).is_err() && of(None, &["metadata.version=31"], false).is_err());
    }
}
