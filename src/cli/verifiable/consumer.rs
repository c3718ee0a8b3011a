//! The options of `verifiable-consumer`.

use std::path::PathBuf;

use super::{from_file, read, spec};
use crate::cli::argparse::Spec;
use crate::cli::connect::{self, ConnectionArgs, Properties, set};
use crate::cli::error::CliError;
use crate::cli::names;
use crate::cli::tool::{Context, Entry, Exit, Tool};
use crate::cli::usage::require;

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// The topic to read.
    #[arg(long, value_name = "TOPIC", add = names::topics())]
    pub topic: Option<String>,

    /// How many records to read; -1: go on until a signal comes. Default -1.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub max_messages: Option<i32>,

    /// Tell of every record, too.
    #[arg(long)]
    pub verbose: bool,

    /// The group to read as.
    #[arg(long, value_name = "GROUP", help_heading = "Group", add = names::groups())]
    pub group_id: Option<String>,

    /// The id of a static member.
    #[arg(long, value_name = "ID", help_heading = "Group")]
    pub group_instance_id: Option<String>,

    /// classic or consumer. Default classic.
    #[arg(long, value_name = "PROTOCOL", help_heading = "Group")]
    pub group_protocol: Option<String>,

    /// The coordinator's assignor, with the protocol consumer.
    #[arg(long, value_name = "NAME", help_heading = "Group")]
    pub group_remote_assignor: Option<String>,

    /// The assignor's class, with the protocol classic. Default org.apache.kafka.clients.consumer.RangeAssignor.
    #[arg(long, value_name = "CLASS", help_heading = "Group")]
    pub assignment_strategy: Option<String>,

    /// How long the group waits for a member that says nothing (session.timeout.ms).
    #[arg(long, value_name = "MS", allow_hyphen_values = true, help_heading = "Group")]
    pub session_timeout: Option<i32>,

    /// Commit in the background, not after every poll.
    #[arg(long, help_heading = "Group")]
    pub enable_autocommit: bool,

    /// Where to start without a committed offset: earliest, latest, none. Default earliest.
    #[arg(long, value_name = "POLICY", help_heading = "Group")]
    pub reset_policy: Option<String>,

    /// Properties file with client settings; the options beat them.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub command_config: Option<PathBuf>,

    /// Deprecated spelling of --command-config.
    #[arg(long = "consumer.config", value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Deprecated")]
    pub consumer_config: Option<PathBuf>,
}

impl Tool for Args {
    const COMMAND: &'static str = "verifiable-consumer";
    const KAFKA: &'static str = "kafka-verifiable-consumer";
    const ABOUT: &'static str = "Read a topic and tell, as lines of JSON, of partitions, records and commits.";
    const ARGPARSE: Option<&'static Spec> = Some(&spec::CONSUMER);

    fn run(self, cx: &Context) -> Result<Exit, CliError> {
        require(&[("topic", self.topic.is_some()), ("group-id", self.group_id.is_some())])?;
        let properties = self.properties(cx)?;
        connect::run(&self.connection, properties, cx, connect::CONSUMER, async |properties| read::read(&self, &properties).await)
    }

    fn report_as_kafka(error: &CliError, _: &Entry) -> Exit {
        super::report(&spec::CONSUMER, error)
    }
}

impl Args {
    fn properties(&self, cx: &Context) -> Result<Properties, CliError> {
        let mut all = from_file(("--consumer.config", self.consumer_config.as_ref()), self.command_config.as_ref(), cx)?;
        let protocol = self.group_protocol.as_deref().unwrap_or("classic");
        let mut put = |key: &str, value: &Option<String>| {
            if let Some(value) = value {
                set(&mut all, key, value.as_str());
            }
        };
        if protocol.eq_ignore_ascii_case("consumer") {
            put("group.remote.assignor", &self.group_remote_assignor);
        } else {
            let range = "org.apache.kafka.clients.consumer.RangeAssignor".to_owned();
            put("partition.assignment.strategy", &self.assignment_strategy.clone().or(Some(range)));
        }
        put("group.protocol", &Some(protocol.to_ascii_lowercase()));
        put("session.timeout.ms", &self.session_timeout.map(|ms| ms.to_string()));
        put("group.id", &self.group_id);
        put("group.instance.id", &self.group_instance_id);
        put("enable.auto.commit", &Some(self.enable_autocommit.to_string()));
        put("auto.offset.reset", &Some(self.reset_policy.clone().unwrap_or_else(|| "earliest".to_owned())));
        Ok(all)
    }
}
