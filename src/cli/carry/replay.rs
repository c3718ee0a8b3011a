//! `kfk replay`: a recording into a cluster, at its own pace or as fast as it goes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::file;
use super::sending::Sending;
use super::stop::Stop;
use super::topics::Shape;
use crate::cli::connect::{self, ConnectionArgs, Properties};
use crate::cli::error::{CliError, stderr_line};
use crate::cli::names as complete;
use crate::cli::out::progress::Progress;
use crate::cli::records::line;
use crate::cli::tool::{Context, Exit, Tool};
use crate::client::admin::Admin;
use crate::client::producer::OutgoingRecord;

/// How long to sleep at most before asking whether to stop.
const NAP: Duration = Duration::from_millis(100);

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The recording; - is standard input.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,

    /// Write to this topic in place of the recorded one. For recordings of one topic.
    #[arg(long, value_name = "TOPIC", add = complete::topics())]
    pub topic: Option<String>,

    /// Keep the pace at which the records came, by their timestamps: 1 as they came, 10 ten times as fast. Without it, as fast as it goes.
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,

    /// Pass over the first N records.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: u64,

    /// Properties file for the client.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,
}

/// When records are due.
struct Pace {
    speed: f64,
    start: Instant,
    first: Option<i64>,
}

impl Pace {
    /// How long until a record of that time is due. Records that are out of order are due at once.
    fn left(&mut self, timestamp: i64) -> Duration {
        let after = timestamp.saturating_sub(*self.first.get_or_insert(timestamp));
        let after = Duration::from_millis(u64::try_from(after).unwrap_or(0)).div_f64(self.speed);
        after.saturating_sub(self.start.elapsed())
    }
}

impl Args {
    async fn work(&self, properties: Properties) -> Result<Exit, CliError> {
        let stop = Stop::listen()?;
        let mut lines = BufReader::with_capacity(1 << 18, file::open(&self.file)?);
        let mut line = Vec::new();
        let read = |line: &mut Vec<u8>, lines: &mut BufReader<_>| {
            line.clear();
            lines.read_until(b'\n', line).map_err(|e| file::failed(&self.file, "read", &e))
        };
        let mut bytes = read(&mut line, &mut lines)? as u64;
        let shapes = file::read_head(&line, &self.file)?;
        let mut sending = Sending::new(properties)?;
        self.prepare(&shapes, &sending).await?;
        let mut progress = Progress::of_checking(self.size(), "replaying");
        let mut pace = self.speed.map(|speed| Pace { speed, start: Instant::now(), first: None });
        let (mut number, mut whole) = (0, false);
        let ended = loop {
            let length = match read(&mut line, &mut lines)? {
                0 => break Ok(()),
                n => n as u64,
            };
            if file::read_foot(&line).is_some() {
                whole = true;
                continue;
            }
            if stop.asked().is_some() {
                break Ok(());
            }
            if line.last() != Some(&b'\n') {
                // Half a record is none.
                break Ok(());
            }
            bytes += length;
            number += 1;
            progress.reached(bytes);
            if number <= self.skip {
                continue;
            }
            if let Err(e) = self.record(&line, number, &mut sending, &mut pace, &stop).await {
                break Err(e);
            }
        };
        progress.finish();
        let settled = sending.settle().await;
        sending.close().await;
        let written = settled.and(ended);
        if written.is_ok() {
            stderr_line(format!("replayed {} records", sending.sent));
        }
        written?;
        match stop.asked() {
            Some(signal) => {
                stderr_line(format!("stopped; --skip {} goes on from here", self.skip + sending.sent));
                Ok(Exit(128 + signal))
            }
            None => {
                if !whole {
                    stderr_line("warning: the recording was cut off; all it holds was replayed");
                }
                Ok(Exit::OK)
            }
        }
    }

    async fn record(&self, line: &[u8], number: u64, sending: &mut Sending, pace: &mut Option<Pace>, stop: &Stop) -> Result<(), CliError> {
        let record = line::read(line).map_err(|why| CliError::failed(format!("{}: line {}: {why}", self.file.display(), number + 1)))?;
        if let (Some(pace), Some(timestamp)) = (pace, record.timestamp) {
            loop {
                let left = pace.left(timestamp);
                if left.is_zero() {
                    break;
                }
                if stop.asked().is_some() {
                    return Ok(());
                }
                tokio::time::sleep(left.min(NAP)).await;
            }
        }
        let headers = record.headers();
        let topic = self.topic.as_deref().or(record.topic.as_deref()).unwrap_or_default();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        sending
            .send(OutgoingRecord { topic, partition: record.partition, timestamp: record.timestamp, key, value, headers: &headers })
            .await
    }

    /// Makes the topics that are not there.
    async fn prepare(&self, shapes: &[Shape], sending: &Sending) -> Result<(), CliError> {
        if self.topic.is_some() && shapes.len() != 1 {
            let text = format!("{} is a recording of {} topics: --topic cannot stand for all of them", self.file.display(), shapes.len());
            return Err(CliError::usage(text));
        }
        let client = sending.producer.client().clone();
        client.refresh(&[]).await?;
        let admin = Admin::on(client);
        for shape in shapes {
            let name = self.topic.clone().unwrap_or_else(|| shape.name.clone());
            Shape { name, ..shape.clone() }.ensure(&admin).await?;
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |m| m.len())
    }
}

impl Tool for Args {
    const COMMAND: &'static str = "replay";
    const ABOUT: &'static str = "Write a recording of `kfk record` into topics, which are created if they are not there.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        if self.speed.is_some_and(|s| !s.is_finite() || s <= 0.0) {
            return Err(CliError::usage("--speed must be more than 0."));
        }
        let properties = self.command_config.as_deref().map(connect::load_properties).transpose()?.unwrap_or_default();
        connect::run(&self.connection, properties, cx, connect::CONSUMER, async |properties| self.work(properties).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_due_as_far_apart_as_they_were() {
        let mut pace = Pace { speed: 2.0, start: Instant::now() + Duration::from_secs(3600), first: None };
        assert_eq!((pace.left(5000), pace.left(7000), pace.left(4000)), (Duration::ZERO, Duration::from_secs(1), Duration::ZERO));
    }
}
