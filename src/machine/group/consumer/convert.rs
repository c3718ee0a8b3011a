//! A group changes its kind while its members go on (fact K11).

use std::collections::{BTreeMap, BTreeSet};

use super::classic_members::encode_assignment;
use super::member::{Owned, Profile, State};
use super::records::Records;
use super::{ConsumerGroup, Member, Partitions, Refusal};
use crate::machine::assign::consumer_protocol;
use crate::machine::group::classic::{ClassicGroup, Moving};
use crate::machine::group::records::GroupRecord;
use crate::machine::group::turn::Turn;
use crate::types::{TopicId, TopicPartition};
use crate::wire::ErrorCode;
use crate::wire::consumer_group_member_metadata_value::{ClassicMemberMetadata, ClassicProtocol};
use crate::wire::group_metadata_key::GroupMetadataKey;

impl ConsumerGroup {
    /// A classic group with members becomes a consumer group: its generation is the epoch of all and everything, its assignment the target.
    pub fn upgrade(classic: &ClassicGroup, turn: &mut Turn, records: &mut Records) -> Result<ConsumerGroup, Refusal> {
        may_upgrade(classic, turn)?;
        let generation = classic.generation();
        let mut group = ConsumerGroup { epoch: generation, target_epoch: generation, has_epoch_record: true, ..ConsumerGroup::new() };
        let mut taken = BTreeSet::new();
        for moving in classic.moving() {
            let (member, target) = upgraded(moving, generation, turn, &mut taken)?;
            group.targets.insert(member.id.clone(), target);
            group.members.insert(member.id.clone(), member);
        }
        group.index = group.count();
        group.metadata_hash = turn.cluster.hash(group.index.topics.keys().map(String::as_str));
        records.push(GroupRecord::group_tombstone(turn.group_id));
        records.whole(&group);
        Ok(group)
    }

    /// The clocks of members that have just come with their classic group.
    pub fn start_moved_clocks(&self, living: &mut super::living::Living, turn: &Turn) {
        for member in self.members.values() {
            let timeout = member.profile.classic.as_ref().map_or(0, |classic| classic.session_timeout_ms);
            let at = turn.now.mono.plus(u64::try_from(timeout).unwrap_or(0));
            living.set(super::living::Clock::Session, &member.id, member.epoch, at);
        }
    }

    /// Without these members, and with so many in their place, all members speak the classic protocol, and a classic group may be made.
    pub(super) fn may_downgrade(&self, turn: &Turn, without: &BTreeSet<String>, added: usize) -> bool {
        let remain = || self.members.values().filter(|m| !without.contains(&m.id));
        let size = remain().count() + added;
        remain().all(Member::is_classic) && size > 0 && turn.config.consumer.migration.downgrades() && size <= turn.config.max_size
    }

    pub(super) fn downgrade_without(&self, turn: &mut Turn, without: &BTreeSet<String>, records: &mut Records) -> Option<ClassicGroup> {
        if !self.may_downgrade(turn, without, 0) {
            return None;
        }
        let remain = self.members.values().filter(|m| !without.contains(&m.id)).map(|m| (m, m.id.as_str()));
        self.downgrade(turn, remain.collect(), true, |id| id.to_string(), records)
    }

    /// The member has taken the place of another one, the last of the new protocol.
    pub(super) fn downgrade_with(
        &self,
        turn: &mut Turn,
        member: &Member,
        replaced: &str,
        rebalances: bool,
        records: &mut Records,
    ) -> Option<ClassicGroup> {
        let others = self.members.values().filter(|m| m.id != replaced).map(|m| (m, m.id.as_str()));
        let members = others.chain([(member, replaced)]).collect();
        self.downgrade(turn, members, rebalances, |id| if id == replaced { member.id.clone() } else { id.to_string() }, records)
    }

    /// `members`, each with the id under which its target stands; `None` if they have no protocol in common.
    fn downgrade(
        &self,
        turn: &mut Turn,
        members: Vec<(&Member, &str)>,
        rebalances: bool,
        rename: impl Fn(&str) -> String,
        records: &mut Records,
    ) -> Option<ClassicGroup> {
        let moving = members.iter().map(|(member, place)| self.moving(member, place, turn)).collect::<Option<Vec<_>>>()?;
        let cluster = &**turn.cluster;
        let encode = |target: &Partitions, metadata: &bytes::Bytes| {
            let each = |(topic, partitions): (&TopicId, &BTreeSet<i32>)| {
                let name = cluster.topic_name(*topic);
                partitions.iter().filter_map(|p| Some(TopicPartition::new(name?, *p))).collect::<Vec<_>>()
            };
            encode_assignment(target.iter().flat_map(each).collect(), metadata)
        };
        let (mut classic, value) = ClassicGroup::from_moving(turn.now, self.epoch, moving, encode)?;
        records.no_group(self, rename);
        records.push(GroupRecord::Group { key: GroupMetadataKey { group: turn.group_id.into() }, value: Some(value) });
        classic.start_clocks(turn);
        if rebalances {
            classic.prepare_rebalance(turn);
        }
        Some(classic)
    }

    fn moving(&self, member: &Member, place: &str, _turn: &Turn) -> Option<Moving<Partitions>> {
        let classic = member.profile.classic.as_ref()?;
        Some(Moving {
            id: member.id.clone(),
            instance_id: member.profile.instance_id.clone(),
            client_id: member.profile.client_id.clone(),
            client_host: member.profile.client_host.clone(),
            rebalance_timeout_ms: member.profile.rebalance_timeout_ms,
            session_timeout_ms: classic.session_timeout_ms,
            protocols: classic.supported_protocols.iter().map(|p| (p.name.clone(), p.metadata.clone())).collect(),
            metadata: bytes::Bytes::new(),
            assignment: self.target(place),
        })
    }
}

fn may_upgrade(classic: &ClassicGroup, turn: &Turn) -> Result<(), Refusal> {
    let because = if !turn.config.consumer.migration.upgrades() {
        "online upgrade is disabled"
    } else if !classic.uses_consumer_protocol() {
        "the group does not use the consumer embedded protocol"
    } else if classic.len() > turn.config.consumer.max_size {
        "the group size exceeds the consumer group maximum size"
    } else {
        return Ok(());
    };
    Err(cannot_upgrade(turn, because))
}

fn cannot_upgrade(turn: &Turn, because: &str) -> Refusal {
    let message = format!("Cannot upgrade classic group {} to consumer group because {because}.", turn.group_id);
    Refusal::new(ErrorCode::GroupIdNotFound, message)
}

/// A member of a classic group, and its target. A partition that another member has already it does not get, whatever its leader said.
fn upgraded(
    moving: Moving<bytes::Bytes>,
    generation: i32,
    turn: &Turn,
    taken: &mut BTreeSet<(TopicId, i32)>,
) -> Result<(Member, Partitions), Refusal> {
    let malformed = || cannot_upgrade(turn, "the embedded consumer protocol is malformed");
    let (partitions, user_data) = consumer_protocol::decode_assignment(&moving.assignment).map_err(|_| malformed())?;
    if user_data.is_some_and(|data| !data.is_empty()) {
        return Err(cannot_upgrade(turn, "an unsupported custom assignor is in use; switch to a default assignor before upgrading"));
    }
    let subscription = consumer_protocol::decode_subscription(&moving.metadata).map_err(|_| malformed())?;
    let mut assigned = Owned::new();
    for tp in partitions {
        let Some(topic) = turn.cluster.topic(&tp.topic) else { continue };
        if taken.insert((topic.id, tp.partition)) {
            assigned.entry(topic.id).or_default().insert(tp.partition, generation);
        }
    }
    let target = assigned.iter().map(|(topic, partitions): (_, &BTreeMap<i32, i32>)| (*topic, partitions.keys().copied().collect()));
    let target = target.collect();
    let supported = moving.protocols.into_iter().map(|(name, metadata)| ClassicProtocol { name, metadata });
    let profile = Profile {
        instance_id: moving.instance_id,
        rack_id: subscription.rack,
        client_id: moving.client_id,
        client_host: moving.client_host,
        topic_names: subscription.topics.into_iter().collect(),
        rebalance_timeout_ms: moving.rebalance_timeout_ms,
        classic: Some(ClassicMemberMetadata { session_timeout_ms: moving.session_timeout_ms, supported_protocols: supported.collect() }),
        ..Profile::default()
    };
    let member =
        Member { profile, epoch: generation, previous_epoch: generation, state: State::Stable, assigned, ..Member::new(&moving.id) };
    Ok((member, target))
}
