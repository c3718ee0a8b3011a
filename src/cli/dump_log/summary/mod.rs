//! `--summary`: what is in a log altogether. Everything but the timestamp of a batch's first record comes from the headers of batches, so
//! that nothing is decompressed.

mod count;
mod show;

use serde_json::json;

use super::Dump;
use super::error::DumpError;
use super::places::{LogDir, Place, dir_partition};
use super::text;
use crate::cli::out::progress::Progress;
use crate::log::names::{self, Kind};
use count::Counts;

/// The files of one log, in order.
struct Source {
    name: String,
    topic: Option<(String, i32)>,
    files: Vec<String>,
}

/// A summary of each log that the places name. Files of one directory that are named one after the other are one log.
pub fn dump(dump: &mut Dump<'_, '_>, places: &[Place]) -> Result<(), DumpError> {
    for (at, source) in sources(dump, places)?.iter().enumerate() {
        let mut counts = Counts::default();
        let size = source.files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|meta| meta.len()).sum();
        let mut progress = Progress::of_checking(size, &source.name);
        for path in &source.files {
            if let Err(e) = counts.file(path, dump.args.max_bytes, &mut progress) {
                dump.told(e)?;
            }
        }
        progress.finish();
        if dump.args.prints_json() {
            let line = show::json(source, &counts).to_string();
            dump.out.line(&line)?;
            continue;
        }
        if at > 0 {
            dump.out.line("")?;
        }
        dump.out.line(&source.name)?;
        for (name, value) in show::rows(&counts) {
            dump.out.line(&format!("  {name:<13} {value}"))?;
        }
    }
    Ok(())
}

fn sources(dump: &mut Dump<'_, '_>, places: &[Place]) -> Result<Vec<Source>, DumpError> {
    let mut sources: Vec<Source> = Vec::new();
    for place in places {
        match place {
            Place::Log(log) => sources.extend(of_directory(log)),
            Place::File(path) => {
                let dir = path.strip_suffix(text::file_name(path)).unwrap_or_default().trim_end_matches('/');
                if path.ends_with(".checkpoint") {
                    sources.push(Source { name: path.clone(), topic: None, files: vec![path.clone()] });
                } else if names::parse_file(text::file_name(path)).is_none_or(|(_, kind, _)| kind != Kind::Log) {
                    dump.told(DumpError::NoLog(path.clone()))?;
                } else if let Some(same) = sources.last_mut().filter(|s| s.name == dir || s.name == "." && dir.is_empty()) {
                    same.files.push(path.clone());
                } else {
                    let name = if dir.is_empty() { "." } else { dir };
                    sources.push(Source { name: name.to_owned(), topic: dir_partition(name), files: vec![path.clone()] });
                }
            }
        }
    }
    Ok(sources)
}

fn of_directory(log: &LogDir) -> Option<Source> {
    let files: Vec<String> = log.paths(|kind| kind == Kind::Log, false).into_iter().map(str::to_owned).collect();
    (!files.is_empty()).then(|| Source { name: log.dir.clone(), topic: dir_partition(&log.dir), files })
}

impl Source {
    fn fields(&self) -> serde_json::Map<String, serde_json::Value> {
        let (topic, partition) = (self.topic.as_ref().map(|(t, _)| t), self.topic.as_ref().map(|(_, p)| p));
        match json!({"type": "summary", "log": self.name, "topic": topic, "partition": partition}) {
            serde_json::Value::Object(fields) => fields,
            _ => serde_json::Map::new(),
        }
    }
}
