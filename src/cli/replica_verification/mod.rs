//! `kfk replica-verification`, `kafka-replica-verification.sh`: whether all replicas of partitions hold the same records.

mod compare;
mod fetch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use super::connect::{self, ConnectionArgs, Properties};
use super::error::{CliError, Kind, log4j_line};
use super::out::Out;
use super::perf::dates::Pattern;
use super::perf::stop::Stop;
use super::perf::wall_ms;
use super::tool::{Context, Entry, Exit, Tool};
use super::topic_pattern::expression;
use super::usage::{self, require};
use crate::client::admin::{Admin, OffsetSpec};
use crate::types::TopicPartition;
use compare::{Finding, Verification};
use fetch::Replicas;

const CLASS: &str = "org.apache.kafka.tools.ReplicaVerificationTool";
const DEPRECATED: &str = "This tool is deprecated and may be removed in a future major release.";

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Brokers to contact first, separated by commas. Else $KFK_BROKERS, localhost:9092.
    #[arg(long, alias = "bootstrap-server", value_name = "HOST:PORT,...", add = super::names::brokers())]
    pub broker_list: Option<String>,

    /// Only topics whose whole name matches this regular expression. Default: all.
    #[arg(long, value_name = "REGEX")]
    pub topics_include: Option<String>,

    /// Where to begin: -1 at the end, -2 at the beginning, or at the first record not older than this, in milliseconds since 1970. Default -1.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub time: Option<i64>,

    /// How often to tell the largest lag. Default 30000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub report_interval_ms: Option<i64>,

    /// How many bytes to fetch of one partition at once. Default 1048576.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    pub fetch_size: Option<i32>,

    /// How long a broker may wait for records. Default 1000.
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    pub max_wait_ms: Option<i32>,
}

impl Tool for Args {
    const COMMAND: &'static str = "replica-verification";
    const KAFKA: &'static str = "kafka-replica-verification";
    const ABOUT: &'static str = "Verify that all replicas of partitions hold the same records.";

    /// The first thing that Kafka's tool says, whatever the command line is.
    fn translate(_: &[OsString], _: &Context) -> Result<Option<Vec<OsString>>, CliError> {
        log4j_line("WARN", DEPRECATED, CLASS);
        Ok(None)
    }

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        let connection = ConnectionArgs { bootstrap_server: self.broker_list.clone(), ..ConnectionArgs::default() };
        require(&[("broker-list", connection.given(cx))])?;
        connect::run(&connection, Properties::new(), cx, connect::CONSUMER, async |properties| self.verify(&properties, cx).await)
    }

    fn report_as_kafka(error: &CliError, entry: &Entry) -> Exit {
        match error.kind {
            Kind::Usage => usage::report(error, entry),
            _ if error.java.class == CLASS => log4j_line("ERROR", &error.message, CLASS),
            _ => usage::report_with_trace("", error, entry),
        }
        Exit::FAILED
    }
}

impl Args {
    async fn verify(&self, properties: &Properties, cx: &Context) -> Result<Exit, CliError> {
        let mut stop = Stop::new()?;
        let admin = connect::admin(properties, cx).await?;
        let replicas = self.find(&admin).await?;
        let offsets = self.offsets(&admin, &replicas).await?;
        let mut verification = Verification::new(offsets);
        let dates = Pattern::read("yyyy-MM-dd HH:mm:ss,SSS")?;
        say(&dates, "verification process is started")?;
        match stop.unless(self.rounds(&admin, &replicas, &mut verification, &dates)).await {
            Ok(result) => result.map(|()| Exit::FAILED),
            // Whoever ends it wants to know what was found.
            Err(_) if verification.differs() && !cx.is_kafka() => Err(CliError::failed("replicas differ")),
            Err(number) => Err(CliError::stopped(number)),
        }
    }

    /// The partitions that are meant, and who has them.
    async fn find(&self, admin: &Admin) -> Result<Replicas, CliError> {
        let names = expression(self.topics_include.as_deref().unwrap_or(".*"))?;
        let metadata = admin.client().refresh_all().await?;
        let topics: Vec<_> = metadata.topics.values().filter(|t| names.is_match(&t.name)).cloned().collect();
        if topics.is_empty() {
            let text = "No topics found. [topics-include] if specified, is either filtering out all topics or there is no topic.";
            return Err(CliError::failed(text).exception(CLASS));
        }
        Ok(Replicas::new(&topics, self.fetch_size.unwrap_or(1024 * 1024), self.max_wait_ms.unwrap_or(1000)))
    }

    /// Where to begin in each.
    async fn offsets(&self, admin: &Admin, replicas: &Replicas) -> Result<BTreeMap<TopicPartition, i64>, CliError> {
        let spec = match self.time.unwrap_or(-1) {
            -1 => OffsetSpec::Latest,
            -2 => OffsetSpec::Earliest,
            time => OffsetSpec::Timestamp(time),
        };
        let wanted = |spec| replicas.partitions().map(|tp| (tp.clone(), spec)).collect();
        let ends = admin.list_offsets(&wanted(OffsetSpec::Latest), false).await?;
        let mut found = admin.list_offsets(&wanted(spec), false).await?;
        let mut offsets = BTreeMap::new();
        for (tp, end) in ends {
            let end = end?.offset;
            let begin = found.remove(&tp).transpose()?.map_or(-1, |listed| listed.offset);
            // No record is as new: nothing to compare yet.
            offsets.insert(tp, if begin < 0 { end } else { begin });
        }
        Ok(offsets)
    }

    /// Errors: a replica holds another record where one is expected; a broker cannot be asked.
    async fn rounds(&self, admin: &Admin, replicas: &Replicas, verification: &mut Verification, dates: &Pattern) -> Result<(), CliError> {
        let interval = self.report_interval_ms.unwrap_or(30_000);
        let mut reported = wall_ms();
        loop {
            let began = std::time::Instant::now();
            let fetched = replicas.fetch(admin.client(), verification.offsets()).await?;
            for finding in verification.compare(fetched) {
                say(dates, &finding.to_string())?;
                if matches!(finding, Finding::Offset { .. }) {
                    return Err(CliError::told());
                }
            }
            let now = wall_ms();
            if i64::try_from(now.saturating_sub(reported)).unwrap_or(i64::MAX) > interval {
                if let Some(lag) = verification.lag() {
                    say(dates, &lag)?;
                }
                reported = now;
            }
            // Brokers that have nothing to wait for must not be asked without a pause.
            if began.elapsed() < Duration::from_millis(1) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

fn say(dates: &Pattern, text: &str) -> Result<(), CliError> {
    let mut out = Out::stdout();
    out.line(format!("{}: {text}", dates.format(wall_ms())))?;
    out.flush()
}
