//! `kfk record`: topics into a file.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::file;
use super::stop::Stop;
use super::topics::Shape;
use crate::cli::connect::{self, ConnectionArgs, Properties};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::names as complete;
use crate::cli::out::progress::Progress;
use crate::cli::records::json::JsonLines;
use crate::cli::records::span::Spans;
use crate::cli::tool::{Context, Exit, Tool};
use crate::client::admin::Admin;
use crate::client::{Consumer, RecordChunk};
use crate::types::TopicPartition;

/// How long to wait for records before looking whether all has been read.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to record. May be given several times, or hold several names with commas between them.
    #[arg(long, value_name = "TOPIC", add = complete::topics())]
    pub topic: Vec<String>,

    /// The file to write; - is standard output.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,

    /// Go on with what is new until Ctrl-C. Without it, what there is when recording begins is recorded.
    #[arg(long)]
    pub follow: bool,

    /// Go on with a recording that was begun, behind its last record of each partition.
    #[arg(long)]
    pub resume: bool,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,
}

/// A recording under way.
struct Recording {
    out: BufWriter<Box<dyn Write + Send>>,
    path: PathBuf,
    lines: JsonLines,
    buffer: Vec<u8>,
    records: u64,
}

impl Recording {
    fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.out.write_all(bytes).map_err(|e| file::failed(&self.path, "write", &e))
    }

    fn chunk(&mut self, chunk: &RecordChunk, end: i64) -> Result<(), CliError> {
        self.buffer.clear();
        for record in chunk.iter().take_while(|r| r.offset < end) {
            self.lines.write(&record, &mut self.buffer);
            self.records += 1;
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer)?;
        self.buffer = buffer;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CliError> {
        self.out.flush().map_err(|e| file::failed(&self.path, "write", &e))
    }
}

impl Args {
    async fn work(&self, properties: Properties) -> Result<Exit, CliError> {
        let stop = Stop::listen()?;
        let mut consumer = super::consumer(properties)?;
        consumer.client().refresh(&[]).await?;
        let (mut recording, topics, next) = self.begin(&consumer).await?;
        let partitions = super::partitions(&consumer, &topics).await?;
        let (first, ends) = (consumer.beginning_offsets(&partitions).await?, consumer.end_offsets(&partitions).await?);
        let mut stretches = BTreeMap::new();
        for tp in &partitions {
            let (Some(first), Some(end)) = (first.get(tp), ends.get(tp)) else { continue };
            let start = next.get(tp).copied().unwrap_or(*first);
            if start < *first {
                stderr_line(format!("warning: {} records of {tp} were gone before they were recorded", first - start));
            }
            stretches.insert(tp.clone(), (start.max(*first), if self.follow { i64::MAX } else { *end }));
        }
        consumer.assign(&partitions)?;
        let before = recording.records;
        let mut progress = Progress::of_records(if self.follow { 0 } else { super::total(&stretches) }, "recording");
        let mut spans = Spans::of(&mut consumer, &stretches)?;
        while stop.asked().is_none() && !spans.all_read(&mut consumer).await? {
            let polled = consumer.poll(LOOK).await?;
            for chunk in &polled.chunks {
                recording.chunk(chunk, spans.end_of(chunk.topic(), chunk.partition()))?;
            }
            if polled.is_empty() && self.follow {
                recording.flush()?;
            }
            progress.reached(recording.records - before);
        }
        progress.finish();
        // A recording that follows is whole whenever it is ended.
        if stop.asked().is_none() || self.follow {
            let foot = file::foot(recording.records);
            recording.write(&foot)?;
        }
        recording.flush()?;
        stderr_line(format!("recorded {} records", recording.records - before));
        match stop.asked() {
            None => Ok(Exit::OK),
            Some(signal) => {
                if !self.follow {
                    stderr_line("stopped; the same command with --resume goes on from here");
                }
                Ok(Exit(128 + signal))
            }
        }
    }

    /// A new file, or one to go on with: its topics, and where each partition goes on.
    async fn begin(&self, consumer: &Consumer) -> Result<(Recording, Vec<String>, BTreeMap<TopicPartition, i64>), CliError> {
        let recording = |out, records| Recording { out, path: self.file.clone(), lines: JsonLines::default(), buffer: Vec::new(), records };
        if self.resume {
            let begun = file::resume(&self.file)?;
            let topics: Vec<String> = begun.shapes.into_iter().map(|s| s.name).collect();
            let asked = super::names(&self.topic).unwrap_or_default();
            if !asked.is_empty() && asked != topics {
                let text = format!("{} is a recording of {}, not of {}", self.file.display(), topics.join(","), asked.join(","));
                return Err(CliError::usage(text));
            }
            return Ok((recording(begun.out, begun.records), topics, begun.next));
        }
        let topics = super::names(&self.topic)?;
        let admin = Admin::on(consumer.client().clone());
        let mut shapes = Vec::new();
        for topic in &topics {
            shapes.push(Shape::of(&admin, topic).await?);
        }
        let mut new = recording(file::create(&self.file)?, 0);
        new.write(&file::head(&shapes))?;
        Ok((new, topics, BTreeMap::new()))
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "record";
    const ABOUT: &'static str = "Write topics into a file: keys, headers, timestamps, partitions, settings. `kfk replay` writes them back.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        if !self.resume {
            super::names(&self.topic)?;
        } else if file::is_pipe(&self.file) {
            return Err(CliError::usage("--resume needs a file."));
        }
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::CONSUMER, async |properties| self.work(properties).await)
    }
}
