//! The life of a broker: registered, unfenced, fenced, shutting down (Q5, Q6), and what each step does to its partitions.

use crate::types::{NodeId, TopicId, Uuid};
use crate::wire::ErrorCode;
use crate::wire::broker_heartbeat_request::BrokerHeartbeatRequest;
use crate::wire::broker_heartbeat_response::BrokerHeartbeatResponse;
use crate::wire::broker_registration_change_record::BrokerRegistrationChangeRecord;
use crate::wire::broker_registration_request::BrokerRegistrationRequest;
use crate::wire::broker_registration_response::BrokerRegistrationResponse;
use crate::wire::partition_change_record::PartitionChangeRecord;
use crate::wire::register_broker_record::{BrokerEndpoint, BrokerFeature, RegisterBrokerRecord};
use crate::wire::unregister_broker_record::UnregisterBrokerRecord;
use crate::wire::unregister_broker_request::UnregisterBrokerRequest;
use crate::wire::unregister_broker_response::UnregisterBrokerResponse;

use super::election::{Election, PartitionChange, without};
use super::features::METADATA_VERSION;
use super::record::MetadataRecord;
use super::state::{Broker, ClusterState, Partition, Topic, directory};
use super::{ApiError, Command, Context, Controller, Decision};

/// Refuses what an older incarnation of a broker sends (W7).
pub(super) fn check_epoch(state: &ClusterState, broker: NodeId, epoch: i64) -> Result<(), ApiError> {
    let stale = |text: String| Err(ApiError::new(ErrorCode::StaleBrokerEpoch, text));
    match state.broker(broker) {
        None => stale(format!("No broker registration found for broker id {broker}")),
        Some(known) if known.epoch != epoch => stale(format!("Expected broker epoch {}, but got broker epoch {epoch}", known.epoch)),
        Some(_) => Ok(()),
    }
}

/// The broker that lives in the same process as the only controller starts: it is registered and at work in one step.
#[derive(Clone, Debug)]
pub struct NodeStart {
    pub registration: BrokerRegistrationRequest,
    /// Did its previous run end in order, with everything written on disk? If not, leader epochs move on, so that a client
    /// which saw records that are lost can find out (O of the semantics: offsets for leader epochs).
    pub clean: bool,
}

impl Command for NodeStart {
    /// The broker's epoch.
    type Response = Result<i64, ApiError>;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<Self::Response> {
        let id = self.registration.broker_id;
        let record = match checked_registration(controller, cx, &self.registration) {
            Ok(record) => RegisterBrokerRecord { fenced: false, broker_epoch: cx.next_offset, ..record },
            Err(error) => return Decision::answer(Err(error)),
        };
        let cordons = controller.state.metadata_version().has_cordoned_directories();
        let record = RegisterBrokerRecord { cordoned_log_dirs: cordons.then(Vec::new), ..record };
        let mut records = vec![record.into()];
        for (topic, number, partition) in partitions(controller.state()) {
            if !partition.replicas.contains(&id) {
                continue;
            }
            if partition.leader == id && partition.isr == [id] {
                let next = PartitionChangeRecord { partition_id: number, topic_id: topic.id, leader: id, ..Default::default() };
                records.extend((!self.clean).then(|| next.into()));
                continue;
            }
            let (isr, unclean_stop) = match self.clean {
                true => (partition.isr.clone(), None),
                false => (without(&partition.isr, id), Some(id)),
            };
            let scope = Scope { may_lead: &|r| r == id || controller.state().is_active(r), unclean_stop };
            records.extend(change(controller, cx, topic, number, partition, isr, &scope));
        }
        Decision { records, response: Ok(cx.next_offset) }
    }
}

impl Command for BrokerRegistrationRequest {
    type Response = BrokerRegistrationResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<BrokerRegistrationResponse> {
        match register(self, controller, cx) {
            Ok((records, epoch)) => {
                Decision { records, response: BrokerRegistrationResponse { broker_epoch: epoch, ..Default::default() } }
            }
            Err(error) => {
                let response = BrokerRegistrationResponse { error_code: error.code.code(), broker_epoch: -1, ..Default::default() };
                Decision::answer(response)
            }
        }
    }
}

/// Registers a broker, fenced until its heartbeats show that it has read its own registration.
fn register(
    request: &BrokerRegistrationRequest,
    controller: &mut Controller,
    cx: &mut Context<'_>,
) -> Result<(Vec<MetadataRecord>, i64), ApiError> {
    let id = request.broker_id;
    let mut record = checked_registration(controller, cx, request)?;
    let known = controller.state.broker(id).cloned();
    let mut records = Vec::new();
    match known.filter(|k| k.incarnation == request.incarnation_id) {
        Some(same) => {
            record.broker_epoch = same.epoch;
            record.fenced = same.fenced;
            record.in_controlled_shutdown = same.in_controlled_shutdown;
        }
        None => {
            let clean = controller.state.broker(id).is_none_or(|k| k.epoch == request.previous_broker_epoch);
            records = leave(controller, cx, id, !clean);
            record.broker_epoch = cx.next_offset + records.len() as i64;
            controller.sessions.remove(&id);
        }
    }
    let epoch = record.broker_epoch;
    records.push(record.into());
    controller.sessions.insert(id, cx.now.mono);
    Ok((records, epoch))
}

/// Everything a registration must satisfy, and the record without its epoch.
fn checked_registration(
    controller: &Controller,
    cx: &Context<'_>,
    request: &BrokerRegistrationRequest,
) -> Result<RegisterBrokerRecord, ApiError> {
    let (state, id) = (controller.state(), request.broker_id);
    let ours = &controller.options.cluster_id;
    if *ours != request.cluster_id {
        let text = format!("Expected cluster ID {ours}, but got cluster ID {}", request.cluster_id);
        return Err(ApiError::new(ErrorCode::InconsistentClusterId, text));
    }
    if state.broker(id).is_some_and(|known| known.incarnation != request.incarnation_id) && has_session(controller, cx, id) {
        let text = "Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve \
                    once the heartbeat manager expires the broker's session.";
        return Err(ApiError::new(ErrorCode::DuplicateBrokerRegistration, text));
    }
    check_directories(state, request)?;
    let features = request.features.iter().map(|f| {
        check_feature(state, &f.name, f.min_supported_version, f.max_supported_version)?;
        let (min_supported_version, max_supported_version) = (f.min_supported_version, f.max_supported_version);
        Ok(BrokerFeature { name: f.name.clone(), min_supported_version, max_supported_version })
    });
    let features = features.collect::<Result<Vec<_>, ApiError>>()?;
    for (name, _) in state.features().filter(|(name, _)| !request.features.iter().any(|f| f.name == *name)) {
        check_feature(state, name, 0, 0)?;
    }
    let endpoints = request.listeners.iter().map(|l| BrokerEndpoint {
        name: l.name.clone(),
        host: l.host.clone(),
        port: l.port,
        security_protocol: l.security_protocol,
    });
    let directories = state.metadata_version().has_directories();
    Ok(RegisterBrokerRecord {
        broker_id: id,
        is_migrating_zk_broker: false,
        incarnation_id: request.incarnation_id,
        broker_epoch: -1,
        end_points: endpoints.collect(),
        features,
        rack: request.rack.clone(),
        fenced: true,
        in_controlled_shutdown: false,
        log_dirs: if directories { request.log_dirs.clone() } else { Vec::new() },
        cordoned_log_dirs: None,
    })
}

fn check_directories(state: &ClusterState, request: &BrokerRegistrationRequest) -> Result<(), ApiError> {
    let invalid = |text: String| Err(ApiError::new(ErrorCode::InvalidRegistration, text));
    if !state.metadata_version().has_directories() {
        return Ok(());
    }
    let mut dirs: Vec<Uuid> = request.log_dirs.clone();
    dirs.sort_unstable();
    if dirs.is_empty() {
        return invalid("No directories specified in request".into());
    }
    if dirs.iter().any(|d| directory::is_reserved(*d)) {
        return invalid("Reserved directory ID in request".into());
    }
    if dirs.windows(2).any(|pair| pair[0] == pair[1]) {
        return invalid("Duplicate directory ID in request".into());
    }
    for other in state.brokers().filter(|b| b.id != request.broker_id) {
        if let Some(taken) = dirs.iter().find(|d| other.log_dirs.contains(d)) {
            return invalid(format!("Broker {} is already registered with directory {taken}", other.id));
        }
    }
    Ok(())
}

/// A broker must support the level every feature stands at.
fn check_feature(state: &ClusterState, name: &str, min: i16, max: i16) -> Result<(), ApiError> {
    let level = if name == METADATA_VERSION { state.metadata_version().0 } else { state.feature(name) };
    if (min..=max).contains(&level) {
        return Ok(());
    }
    let text = format!(
        "Unable to register because the broker does not support finalized version {level} of {name}. \
         The broker wants a version between {min} and {max}, inclusive."
    );
    Err(ApiError::new(ErrorCode::UnsupportedVersion, text))
}

fn has_session(controller: &Controller, cx: &Context<'_>, broker: NodeId) -> bool {
    let heard = controller.sessions.get(&broker);
    heard.is_some_and(|heard| cx.now.mono.since(*heard) < controller.options.session_timeout_ms)
}

impl Command for BrokerHeartbeatRequest {
    type Response = BrokerHeartbeatResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<BrokerHeartbeatResponse> {
        if let Err(error) = check_epoch(controller.state(), self.broker_id, self.broker_epoch) {
            return Decision::answer(BrokerHeartbeatResponse { error_code: error.code.code(), ..Default::default() });
        }
        controller.sessions.insert(self.broker_id, cx.now.mono);
        let Some(broker) = controller.state.broker(self.broker_id).cloned() else {
            return Decision::answer(BrokerHeartbeatResponse::default());
        };
        let is_caught_up = self.current_metadata_offset >= broker.registered_at;
        let next = next_step(controller, &broker, self, is_caught_up);
        let mut records = match (broker.fenced, next) {
            (true, Step::Unfence) => join(controller, cx, &broker),
            (false, Step::Fence | Step::ShutDown) => {
                let mut records = leave(controller, cx, broker.id, false);
                records.push(BrokerRegistrationChangeRecord { fenced: 1, ..change_of(&broker) }.into());
                records
            }
            (false, Step::StartShutDown) if !broker.in_controlled_shutdown => {
                let mut records = vec![BrokerRegistrationChangeRecord { in_controlled_shutdown: 1, ..change_of(&broker) }.into()];
                records.extend(leave(controller, cx, broker.id, false));
                records
            }
            _ => Vec::new(),
        };
        if self.cordoned_log_dirs.is_some() && self.cordoned_log_dirs != broker.cordoned_log_dirs {
            let cordoned_log_dirs = self.cordoned_log_dirs.clone();
            records.push(BrokerRegistrationChangeRecord { cordoned_log_dirs, ..change_of(&broker) }.into());
        }
        let is_fenced = matches!(next, Step::Fence | Step::ShutDown);
        let response = BrokerHeartbeatResponse { is_caught_up, is_fenced, should_shut_down: next == Step::ShutDown, ..Default::default() };
        Decision { records, response }
    }
}

/// What a heartbeat leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Fence,
    Unfence,
    /// Stays in service until its leaderships have moved.
    StartShutDown,
    ShutDown,
}

fn next_step(controller: &Controller, broker: &Broker, asked: &BrokerHeartbeatRequest, caught_up: bool) -> Step {
    let leads = || partitions(controller.state()).any(|(_, _, p)| p.leader == broker.id);
    match (broker.fenced, asked.want_shut_down) {
        (true, true) => Step::ShutDown,
        (true, false) if !asked.want_fence && caught_up => Step::Unfence,
        (true, false) => Step::Fence,
        (false, true) if asked.want_fence || !leads() => Step::ShutDown,
        (false, true) => Step::StartShutDown,
        (false, false) if asked.want_fence => Step::Fence,
        (false, false) => Step::Unfence,
    }
}

fn change_of(broker: &Broker) -> BrokerRegistrationChangeRecord {
    BrokerRegistrationChangeRecord { broker_id: broker.id, broker_epoch: broker.epoch, ..Default::default() }
}

impl Command for UnregisterBrokerRequest {
    type Response = UnregisterBrokerResponse;

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<UnregisterBrokerResponse> {
        let Some(broker) = controller.state.broker(self.broker_id).cloned() else {
            let text = format!("Broker ID {} is not currently registered", self.broker_id);
            let error_code = ErrorCode::BrokerIdNotRegistered.code();
            return Decision::answer(UnregisterBrokerResponse { error_code, error_message: Some(text), ..Default::default() });
        };
        let mut records = leave(controller, cx, broker.id, false);
        records.push(UnregisterBrokerRecord { broker_id: broker.id, broker_epoch: broker.epoch }.into());
        Decision { records, response: UnregisterBrokerResponse::default() }
    }
}

/// The deadline of a session may have passed: fences every broker that has been silent too long.
#[derive(Clone, Copy, Debug)]
pub struct BrokerTick;

impl Command for BrokerTick {
    type Response = ();

    fn decide(&self, controller: &mut Controller, cx: &mut Context<'_>) -> Decision<()> {
        let mut records = Vec::new();
        let others: Vec<Broker> =
            controller.state().brokers().filter(|b| !b.fenced && b.id != controller.options.node).map(|b| b.as_ref().clone()).collect();
        for broker in others {
            // A controller that has just started gives every broker a full session to be heard of.
            controller.sessions.entry(broker.id).or_insert(cx.now.mono);
            if has_session(controller, cx, broker.id) {
                continue;
            }
            records.extend(leave(controller, cx, broker.id, false));
            records.push(BrokerRegistrationChangeRecord { fenced: 1, ..change_of(&broker) }.into());
            // One broker at a time: the next one's records must be decided on a state that has these.
            break;
        }
        Decision { records, response: () }
    }
}

impl Controller {
    /// When [`BrokerTick`] should be given next; `None` while no other broker is at work.
    pub fn next_deadline(&self) -> Option<crate::types::MonoMs> {
        let others = self.state.brokers().filter(|b| !b.fenced && b.id != self.options.node);
        let deadline = |id: &NodeId| self.sessions.get(id).copied().unwrap_or_default().plus(self.options.session_timeout_ms);
        others.map(|b| deadline(&b.id)).min()
    }
}

fn partitions(state: &ClusterState) -> impl Iterator<Item = (&Topic, i32, &Partition)> {
    state.topics().flat_map(|topic| topic.partitions.iter().map(move |(number, p)| (topic.as_ref(), *number, p)))
}

/// What holds for all partitions that one step touches.
struct Scope<'a> {
    may_lead: &'a dyn Fn(NodeId) -> bool,
    unclean_stop: Option<NodeId>,
}

fn change(
    controller: &Controller,
    cx: &Context<'_>,
    topic: &Topic,
    number: i32,
    partition: &Partition,
    isr: Vec<NodeId>,
    scope: &Scope<'_>,
) -> Option<MetadataRecord> {
    let election = if controller.unclean_election_allowed(cx, &topic.name) { Election::Unclean } else { Election::Clean };
    let change = PartitionChange {
        partition,
        topic: TopicId::to_owned(&topic.id),
        number,
        isr,
        unclean_stop: scope.unclean_stop,
        may_lead: scope.may_lead,
        election,
        elr_enabled: controller.elr_enabled(),
        min_isr: controller.min_isr(cx, &topic.name).min(partition.replicas.len()),
    };
    change.record().map(MetadataRecord::from)
}

/// The broker is out: it leaves every ISR and leads nothing (Q6).
fn leave(controller: &Controller, cx: &Context<'_>, broker: NodeId, unclean: bool) -> Vec<MetadataRecord> {
    let state = controller.state();
    let scope = Scope { may_lead: &|r| r != broker && state.is_active(r), unclean_stop: unclean.then_some(broker) };
    let touched = |p: &Partition| p.isr.contains(&broker) || p.leader == broker || (unclean && p.elr.contains(&broker));
    let each = |(topic, number, p): (&Topic, i32, &Partition)| change(controller, cx, topic, number, p, without(&p.isr, broker), &scope);
    partitions(state).filter(|(_, _, p)| touched(p)).filter_map(each).collect()
}

/// The broker is in: what has no leader may find one now.
fn join(controller: &Controller, cx: &Context<'_>, broker: &Broker) -> Vec<MetadataRecord> {
    let state = controller.state();
    let scope = Scope { may_lead: &|r| r == broker.id || state.is_active(r), unclean_stop: None };
    let each = |(topic, number, p): (&Topic, i32, &Partition)| change(controller, cx, topic, number, p, p.isr.clone(), &scope);
    let first = MetadataRecord::from(BrokerRegistrationChangeRecord { fenced: -1, ..change_of(broker) });
    let leaderless = partitions(state).filter(|(_, _, p)| !p.has_leader()).filter_map(each);
    std::iter::once(first).chain(leaderless).collect()
}
