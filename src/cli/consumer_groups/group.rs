//! One consumer group as the commands see it, whichever protocol its members speak.

use std::fmt;

use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::client::Error;
use crate::client::admin::{Admin, ClassicGroup, ConsumerGroup};
use crate::types::TopicPartition;
use crate::wire::consumer_group_describe_response::Assignment;
use crate::wire::consumer_protocol_assignment::ConsumerProtocolAssignment;
use crate::wire::{ErrorCode, Message, Reader};

/// A described group.
#[derive(Debug)]
pub(in crate::cli) struct Group {
    pub id: String,
    /// As the broker names it: Stable, Empty, ...
    pub state: String,
    pub assignor: String,
    /// The group's epoch and that of its target assignment; the consumer protocol alone has them.
    pub epochs: Option<(i32, i32)>,
    pub coordinator: Coordinator,
    pub members: Vec<Member>,
}

/// The broker that looks after a group.
#[derive(Debug)]
pub(in crate::cli) struct Coordinator {
    pub id: i32,
    pub address: String,
}

impl Coordinator {
    /// The one of the group `id`.
    pub async fn of(admin: &Admin, id: &str) -> Result<Coordinator, CliError> {
        let node = admin.group_coordinator(id).await?;
        let address = admin.client().metadata().brokers.get(&node).map_or_else(|| "?".to_owned(), |b| b.address());
        Ok(Coordinator { id: node, address })
    }
}

#[derive(Debug)]
pub(in crate::cli) struct Member {
    pub id: String,
    pub instance: Option<String>,
    pub host: String,
    pub client: String,
    /// Sorted.
    pub partitions: Vec<TopicPartition>,
    /// Its epoch, and the partitions that it shall get (sorted); the consumer protocol alone has them.
    pub target: Option<(i32, Vec<TopicPartition>)>,
    /// Speaks the classic protocol in a group of the consumer protocol.
    pub not_upgraded: bool,
}

impl Group {
    pub fn is_idle(&self) -> bool {
        matches!(self.state.as_str(), "Empty" | "Dead")
    }
}

/// Partitions as `topic:0,1;other:2`, or `-` for none.
pub(in crate::cli) struct Assigned<'a>(pub &'a [TopicPartition]);

impl fmt::Display for Assigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        let mut before: Option<&str> = None;
        for tp in self.0 {
            match before {
                Some(topic) if topic == tp.topic => write!(f, ",{}", tp.partition)?,
                Some(_) => write!(f, ";{}:{}", tp.topic, tp.partition)?,
                None => write!(f, "{}:{}", tp.topic, tp.partition)?,
            }
            before = Some(&tp.topic);
        }
        Ok(())
    }
}

/// The group, or `None` if the brokers know none of that name.
pub(super) async fn find(admin: &Admin, id: &str) -> Result<Option<Group>, CliError> {
    match describe(admin, id).await {
        Ok(group) => Ok(Some(group)),
        Err(e) if e.java.class == java_class(ErrorCode::GroupIdNotFound) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The group. Errors: it does not exist, or is no consumer group.
pub(in crate::cli) async fn describe(admin: &Admin, id: &str) -> Result<Group, CliError> {
    let coordinator = Coordinator::of(admin, id).await?;
    // What a coordinator of both protocols says of a group of neither.
    let mut refusal = None;
    match admin.describe_consumer_group(id).await {
        Ok(found) if found.error_code == 0 => return Ok(of_consumer(found, coordinator)),
        Ok(found) if !means_classic(found.error_code) => return Err(refused(id, found.error_code, found.error_message)),
        Ok(found) => refusal = found.error_message.filter(|_| found.error_code == ErrorCode::GroupIdNotFound.code()),
        Err(Error::Unsupported { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    let found = admin.describe_classic_group(id).await?;
    match found.error_code {
        0 if found.state_is_dead() => Err(refused(id, ErrorCode::GroupIdNotFound.code(), None)),
        0 => of_classic(found, coordinator),
        code if code == ErrorCode::GroupIdNotFound.code() => Err(refused(id, code, refusal.or(found.error_message))),
        code => Err(refused(id, code, found.error_message)),
    }
}

trait Dead {
    fn state_is_dead(&self) -> bool;
}

impl Dead for ClassicGroup {
    /// How brokers before version 6 of the request say that there is no such group.
    fn state_is_dead(&self) -> bool {
        self.group_state == "Dead" && self.members.is_empty() && self.protocol_type.is_empty()
    }
}

/// The group is not of the consumer protocol (or the broker knows none of that name at all).
fn means_classic(code: i16) -> bool {
    matches!(ErrorCode::from_code(code), ErrorCode::GroupIdNotFound | ErrorCode::UnsupportedVersion)
}

fn refused(id: &str, code: i16, message: Option<String>) -> CliError {
    let code = ErrorCode::from_code(code);
    let message = message.filter(|m| !m.is_empty()).unwrap_or_else(|| match code {
        ErrorCode::GroupIdNotFound => format!("Group {id} not found."),
        code => code.message().to_owned(),
    });
    let error = CliError::failed(message).cause(format!("{} ({})", code.name(), code.code())).exception(java_class(code));
    match code {
        ErrorCode::GroupIdNotFound => error.hint("`kfk consumer-groups --list` shows the groups there are"),
        _ => error,
    }
}

fn of_consumer(found: ConsumerGroup, coordinator: Coordinator) -> Group {
    let partitions = |assignment: &Assignment| {
        let each = assignment.topic_partitions.iter();
        sorted(each.flat_map(|t| t.partitions.iter().map(|p| TopicPartition::new(&t.topic_name, *p))).collect())
    };
    let member = |m: crate::wire::consumer_group_describe_response::Member| Member {
        partitions: partitions(&m.assignment),
        target: Some((m.member_epoch, partitions(&m.target_assignment))),
        not_upgraded: m.member_type == 0,
        id: m.member_id,
        instance: m.instance_id,
        host: m.client_host,
        client: m.client_id,
    };
    Group {
        id: found.group_id,
        state: found.group_state,
        assignor: found.assignor_name,
        epochs: Some((found.group_epoch, found.assignment_epoch)),
        coordinator,
        members: by_share(found.members.into_iter().map(member).collect()),
    }
}

fn of_classic(found: ClassicGroup, coordinator: Coordinator) -> Result<Group, CliError> {
    if !matches!(found.protocol_type.as_str(), "" | "consumer") {
        let message = format!("Group {} is not a consumer group.", found.group_id);
        return Err(refused(&found.group_id, ErrorCode::GroupIdNotFound.code(), Some(message)));
    }
    let member = |m: crate::wire::describe_groups_response::DescribedGroupMember| Member {
        partitions: assignment(&m.member_assignment),
        target: None,
        not_upgraded: false,
        id: m.member_id,
        instance: m.group_instance_id,
        host: m.client_host,
        client: m.client_id,
    };
    Ok(Group {
        id: found.group_id,
        state: found.group_state,
        assignor: found.protocol_data,
        epochs: None,
        coordinator,
        members: by_share(found.members.into_iter().map(member).collect()),
    })
}

/// A classic member's assignment: a version, then the message. Bytes that are none (other clients may put there what they like) are nothing.
fn assignment(bytes: &bytes::Bytes) -> Vec<TopicPartition> {
    let mut reader = Reader::new(bytes.clone());
    let Ok(version) = reader.i16() else { return Vec::new() };
    let version = version.min(ConsumerProtocolAssignment::MAX);
    match ConsumerProtocolAssignment::decode(&mut reader, version) {
        Ok(all) => {
            let each = all.assigned_partitions.iter();
            sorted(each.flat_map(|t| t.partitions.iter().map(|p| TopicPartition::new(&t.topic, *p))).collect())
        }
        Err(_) => Vec::new(),
    }
}

fn sorted(mut all: Vec<TopicPartition>) -> Vec<TopicPartition> {
    all.sort();
    all
}

/// Those with most partitions first, as Kafka's tool has them; else by id, so that the order is always the same.
fn by_share(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by(|a, b| b.partitions.len().cmp(&a.partitions.len()).then_with(|| a.id.cmp(&b.id)));
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Writer;

    #[test]
    fn assignments_are_written_by_topic() {
        let all = [TopicPartition::new("a", 0), TopicPartition::new("a", 1), TopicPartition::new("b", 2)];
        assert_eq!(Assigned(&all).to_string(), "a:0,1;b:2");
        assert_eq!(Assigned(&[]).to_string(), "-");
    }

    #[test]
    fn a_classic_assignment_is_read_and_garbage_is_nothing() {
        let message = ConsumerProtocolAssignment {
            assigned_partitions: vec![crate::wire::consumer_protocol_assignment::TopicPartition {
                topic: "t".into(),
                partitions: vec![1, 0],
            }],
            user_data: None,
        };
        let mut w = Writer::new();
        w.i16(3);
        message.encode(&mut w, 3).unwrap();
        assert_eq!(assignment(&w.into_bytes().unwrap()), [TopicPartition::new("t", 0), TopicPartition::new("t", 1)]);
        assert!(assignment(&bytes::Bytes::from_static(b"\0\0\x7f\xff\xff\xff")).is_empty());
        assert!(assignment(&bytes::Bytes::new()).is_empty());
    }
}
