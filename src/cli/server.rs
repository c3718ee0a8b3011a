//! `kfk server`: a broker in the foreground. One line on standard output once it accepts; everything else on standard error.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use super::error::CliError;
use super::out::{Format, Out};
use super::tool::{Context, Exit, Tool};
use super::{check, embedded};
use crate::broker::{self, StartError, WantedTopic, WantedTopicError};
use crate::config::{BrokerConfig, DURABILITY, METRICS_LISTENER, parse_properties, settings_from_environment};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Settings in Kafka's own format.
    #[arg(value_name = "server.properties", value_hint = clap::ValueHint::FilePath)]
    pub properties: Option<PathBuf>,

    /// Where to keep topics and metadata; made if it is not there. The same as --override log.dirs=DIR.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Where to accept connections; port 0 picks a free one. The same as --override listeners=PLAINTEXT://HOST:PORT.
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,

    /// What an acknowledgement of acks=all promises: page-cache (as Kafka: the record survives the broker) or group-commit (it survives the
    /// machine; all who wait share a sync). The same as --override kfk.durability=WHEN.
    #[arg(long, value_name = "WHEN", value_parser = ["page-cache", "group-commit"])]
    pub durability: Option<String>,

    /// A setting that wins over the file; may be repeated.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,

    /// Show metrics over HTTP here, in Prometheus' format under /metrics, with /healthz and /readyz beside them; port 0 picks a free one. The
    /// same as --override kfk.metrics.listener=HOST:PORT.
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics: Option<String>,

    /// A topic to have from the start, as NAME[:PARTITIONS[:KEY=VALUE...]]; one that is there already stays as it is. May be repeated.
    #[arg(long = "topic", value_name = "TOPIC")]
    pub topics: Vec<WantedTopic>,

    /// A file of such topics, one a line; empty lines and lines that begin with # do not count.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub topics_file: Option<PathBuf>,

    /// Verify a data directory that no broker uses instead of running one: every file of it, changing nothing. Exit code 1 if something is
    /// wrong.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub check: Option<PathBuf>,

    /// With --check: how to show what was found.
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// How much to tell on standard error.
    #[arg(long, value_name = "LEVEL", env = "KFK_LOG", default_value = "info")]
    pub log_level: LevelFilter,

    /// How to tell it: lines to read, or one JSON object a line.
    #[arg(long, value_name = "FORMAT", env = "KFK_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl Tool for Args {
    const COMMAND: &'static str = "server";
    const KAFKA: &'static str = "kafka-server-start";
    const ABOUT: &'static str = "Run a broker.";

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        if let Some(dir) = &self.check {
            return check::run(dir, Format::pick(self.output, cx));
        }
        if self.output.is_some() {
            return Err(CliError::usage("--output says how --check DIR shows what it finds; a running broker shows nothing"));
        }
        self.log();
        let wanted = self.wanted_topics()?;
        let (config, warnings) = BrokerConfig::parse(self.settings()?).map_err(|e| CliError::config(e.to_string()))?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        raise_file_limit();
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(16)
            .thread_keep_alive(Duration::from_secs(2))
            .enable_all()
            .build()
            .map_err(|e| CliError::failed("cannot start threads").cause(e.to_string()))?;
        runtime.block_on(serve(config, wanted))
    }
}

impl Args {
    /// Lets the broker's words out on standard error.
    fn log(&self) {
        broker::logging::install(self.log_level, self.log_format == LogFormat::Json);
    }

    /// The topics of the command line and of the file.
    fn wanted_topics(&self) -> Result<Vec<WantedTopic>, CliError> {
        let mut wanted = self.topics.clone();
        let Some(path) = &self.topics_file else { return Ok(wanted) };
        let unreadable = |e: std::io::Error| CliError::config(format!("cannot read {}", path.display())).cause(e.to_string());
        for (number, line) in (1..).zip(std::fs::read_to_string(path).map_err(unreadable)?.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |e: WantedTopicError| CliError::config(format!("{}, line {number}: {e}", path.display()));
            wanted.push(line.parse().map_err(wrong)?);
        }
        Ok(wanted)
    }

    /// All settings, weakest first: the file, the environment as Kafka's container images take it, the command line.
    fn settings(&self) -> Result<Vec<(String, String)>, CliError> {
        let mut pairs = Vec::new();
        if let Some(path) = &self.properties {
            let text = std::fs::read_to_string(path)
                .map_err(|e| CliError::config(format!("cannot read {}", path.display())).cause(e.to_string()))?;
            pairs.extend(parse_properties(&text));
        }
        let utf8 = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        pairs.extend(settings_from_environment(std::env::vars_os().filter_map(utf8)));
        for pair in &self.overrides {
            let (key, value) = pair.split_once('=').ok_or_else(|| CliError::usage(format!("--override wants KEY=VALUE, not {pair}")))?;
            pairs.push((key.trim().to_string(), value.trim().to_string()));
        }
        if let Some(dir) = &self.data_dir {
            let dir = dir.to_str().ok_or_else(|| CliError::value(format!("--data-dir {} is not UTF-8", dir.display())))?;
            pairs.push(("log.dirs".to_string(), dir.to_string()));
        }
        if let Some(listen) = &self.listen {
            pairs.push(("listeners".to_string(), format!("PLAINTEXT://{listen}")));
        }
        if let Some(durability) = &self.durability {
            pairs.push((DURABILITY.to_string(), durability.clone()));
        }
        if let Some(metrics) = &self.metrics {
            pairs.push((METRICS_LISTENER.to_string(), metrics.clone()));
        }
        if self.properties.is_none() && !pairs.iter().any(|(key, _)| key == "log.dirs" || key == "log.dir") {
            return Err(CliError::usage("where to keep the data? Give --data-dir DIR or a server.properties"));
        }
        Ok(pairs)
    }
}

async fn serve(config: BrokerConfig, wanted: Vec<WantedTopic>) -> Result<Exit, CliError> {
    let no_signals = |e: std::io::Error| CliError::failed("cannot listen for signals").cause(e.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let dir = config.log_dir.clone();
    let running = broker::start(config).await.map_err(told)?;
    match running.have_topics(wanted).await {
        Ok(differing) => differing.iter().for_each(|t| tracing::warn!("topic {} has {} partitions, not {}", t.topic, t.has, t.wanted)),
        Err(e) => {
            running.stop().await;
            return Err(CliError::failed(e.to_string()));
        }
    }
    let announcement = embedded::announce(&dir, running.addr())?;
    let mut out = Out::stdout();
    out.bytes(format!("ready {}\n", running.addr()).as_bytes())?;
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(announcement);
    tokio::select! {
        biased;
        () = running.stop() => Ok(Exit::OK),
        _ = terminate.recv() => at_once(),
        _ = interrupt.recv() => at_once(),
    }
}

/// The second signal: nothing is waited for. What was acknowledged is in the page cache; the next start looks the logs over.
fn at_once() -> ! {
    tracing::warn!("stopped at once, without a clean shutdown");
    std::process::exit(1)
}

fn told(e: StartError) -> CliError {
    let hint = match &e {
        StartError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
            Some("another process listens there; --listen 127.0.0.1:0 picks a free port")
        }
        _ => None,
    };
    let error = CliError::failed(e.to_string());
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Partitions and connections are files; the usual soft limit of 1024 is small for them.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(e) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("cannot raise the limit of open files: {e}");
    }
}
