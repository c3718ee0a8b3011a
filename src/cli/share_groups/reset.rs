//! `--reset-offsets`: where a share group would begin in each partition, and with `--execute` the move itself.

use super::Args;
use super::describe::find;
use crate::cli::consumer_groups::plan::{Plan, TopicArg};
use crate::cli::consumer_groups::reset::{Offsets, all_partitions, listed, print_plan, since};
use crate::cli::consumer_groups::when;
use crate::cli::error::{CliError, Kind};
use crate::cli::failure::java_class;
use crate::cli::tool::Context;
use crate::client::admin::{Admin, OffsetSpec};
use crate::types::TopicPartition;
use crate::wire::ErrorCode;

/// Where offsets go.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    Earliest,
    Latest,
    /// The first record not older than this, milliseconds since 1970.
    Time(i64),
}

/// What to reset, with every value read that needs no broker.
#[derive(Debug)]
pub(super) struct Reset {
    scenario: Scenario,
    /// `None`: all topics that the group has consumed from.
    topics: Option<Vec<TopicArg>>,
}

impl Reset {
    /// Reads the values of the options. Errors: one of them is wrong.
    pub fn read(args: &Args) -> Result<Reset, CliError> {
        // With both, Kafka's tool heeds the topics that are named.
        let topics = if args.topic.is_empty() { None } else { Some(TopicArg::read_all(&args.topic)?) };
        let scenario = match &args.to_datetime {
            Some(at) => Scenario::Time(when::datetime(at)?),
            None if args.to_earliest => Scenario::Earliest,
            None => Scenario::Latest,
        };
        Ok(Reset { scenario, topics })
    }
}

/// Shows where the start of the group goes, and moves it if that was asked for. Errors: the group has members.
pub(super) async fn reset(admin: &Admin, args: &Args, what: &Reset, cx: &Context) -> Result<(), CliError> {
    let id = args.one_group();
    match find(admin, id).await {
        Ok(group) if !matches!(group.group_state.as_str(), "Empty" | "Dead") => {
            return Err(plainly(CliError::failed(format!("Share group '{id}' is not empty.")), cx));
        }
        Ok(_) => {}
        // It is made by the move.
        Err(e) if e.java.class == java_class(ErrorCode::GroupIdNotFound) => {}
        Err(e) => return Err(plainly(e, cx)),
    }
    let partitions = match &what.topics {
        Some(topics) => all_partitions(admin, topics).await?,
        None => admin.share_group_offsets(id, None).await?.into_keys().collect(),
    };
    let offsets = prepare(admin, &partitions, what.scenario, cx).await?;
    if args.execute && !offsets.is_empty() {
        for (_, result) in admin.alter_share_group_offsets(id, &offsets).await? {
            result?;
        }
    }
    print_plan(args.output, &Plan::from([(id.to_owned(), offsets)]), cx)
}

async fn prepare(admin: &Admin, partitions: &[TopicPartition], scenario: Scenario, cx: &Context) -> Result<Offsets, CliError> {
    match scenario {
        Scenario::Earliest => listed(admin, partitions, OffsetSpec::Earliest).await,
        Scenario::Latest => listed(admin, partitions, OffsetSpec::Latest).await,
        Scenario::Time(at) => since(admin, partitions, at, cx).await,
    }
}

/// Kafka's tool tells this without more ado.
fn plainly(error: CliError, cx: &Context) -> CliError {
    if cx.is_kafka() { CliError { kind: Kind::Value, ..error } } else { error }
}
