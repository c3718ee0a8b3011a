//! The cluster as a client sees it: calls that find their broker, metadata, coordinators, and trying again.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kfk_wire::describe_cluster_request::DescribeClusterRequest;
use kfk_wire::describe_cluster_response::DescribeClusterBroker;
use kfk_wire::find_coordinator_request::FindCoordinatorRequest;
use kfk_wire::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kfk_wire::metadata_response::{MetadataResponse, MetadataResponseBroker};
use kfk_wire::{ErrorCode, Request, Uuid};
use parking_lot::{Mutex, RwLock};

use super::conn::{CallError, Connection};
use super::error::{Cause, Error, check};
use super::metadata::{self, Metadata, TopicMetadata};
use super::nodes::{Lane, Nodes};
use crate::config::ClientConfig;

/// Which nodes DescribeCluster is asked for.
pub(super) const BROKERS: i8 = 1;
pub(super) const CONTROLLERS: i8 = 2;
/// No limit to the version of a request.
const NEWEST: i16 = i16::MAX;

/// Which kind of coordinator, as numbered in FindCoordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coordinator {
    /// Of a group, by name.
    Group = 0,
    /// Of a producer's transactions, by transactional id.
    Transaction = 1,
    /// Of a share group's partition.
    Share = 2,
}

/// A cluster, reached lazily. Cheap to clone; clones share connections and metadata.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ClientConfig,
    nodes: Nodes,
    metadata: RwLock<Arc<Metadata>>,
    /// Grows with every change of `metadata`.
    metadata_version: AtomicU64,
    coordinators: Mutex<HashMap<(Coordinator, String), i32>>,
}

impl Client {
    /// A client of the cluster behind `config.bootstrap_servers`. Connects with the first call.
    pub fn new(config: ClientConfig) -> Client {
        let mut seed = [0u8; 8];
        // Only jitter depends on it: a system without randomness is no reason to fail.
        let _ = getrandom::fill(&mut seed);
        let nodes = Nodes::new(&config, u64::from_ne_bytes(seed));
        Client {
            inner: Arc::new(Inner {
                config,
                nodes,
                metadata: RwLock::default(),
                metadata_version: AtomicU64::new(0),
                coordinators: Mutex::default(),
            }),
        }
    }

    /// The settings it was made with.
    pub fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    /// The metadata known so far; empty before the first answer.
    pub fn metadata(&self) -> Arc<Metadata> {
        self.inner.metadata.read().clone()
    }

    /// Another number means that `metadata` has changed since.
    pub(super) fn metadata_version(&self) -> u64 {
        self.inner.metadata_version.load(Ordering::Acquire)
    }

    // ---- calls: one attempt each ---------------------------------------------------------------------------------------------

    /// Asks one broker, without trying again.
    pub async fn call_node<R: Request>(&self, node: i32, request: &R) -> Result<R::Response, Error> {
        self.call_on(Lane::Calls, node, request, NEWEST, Duration::ZERO).await
    }

    /// Asks one broker in version `cap` at most: for requests whose newer versions say the same in another form.
    pub async fn call_node_capped<R: Request>(&self, node: i32, request: &R, cap: i16) -> Result<R::Response, Error> {
        self.call_on(Lane::Calls, node, request, cap, Duration::ZERO).await
    }

    /// Asks one broker that may take `thinking` longer than the request timeout before it answers.
    pub(super) async fn call_on<R: Request>(
        &self,
        lane: Lane,
        node: i32,
        request: &R,
        cap: i16,
        thinking: Duration,
    ) -> Result<R::Response, Error> {
        let connection = self.connection(node, lane).await?;
        connection.call(request, cap, thinking).await.map_err(|e| node_error(node, &connection, e))
    }

    /// Sends a request that gets no answer, and returns once the system has taken it.
    pub async fn send_only<R: Request>(&self, node: i32, request: &R) -> Result<(), Error> {
        let connection = self.connection(node, Lane::Calls).await?;
        connection.send_only(request).await.map_err(|e| node_error(node, &connection, e))
    }

    /// Asks any broker, without trying again.
    pub async fn call_any<R: Request>(&self, request: &R) -> Result<R::Response, Error> {
        let connection = self.any_connection().await?;
        connection.call(request, NEWEST, Duration::ZERO).await.map_err(|e| node_error(-1, &connection, e))
    }

    /// Asks the controller (on KRaft clusters any broker, which forwards).
    pub async fn call_controller<R: Request>(&self, request: &R) -> Result<R::Response, Error> {
        let known = self.metadata();
        let metadata = if known.brokers.is_empty() { self.refresh(&[]).await? } else { known };
        if !metadata.brokers.contains_key(&metadata.controller) {
            return self.call_any(request).await;
        }
        let answer = self.call_node(metadata.controller, request).await;
        if matches!(answer, Err(Error::Node { .. })) {
            // It may be gone: the next attempt asks whoever has its place. If nobody answers, that attempt will say so.
            let _ = self.refresh(&[]).await;
        }
        answer
    }

    /// The highest version of `R` that `node` and we speak.
    pub async fn version_of<R: Request>(&self, node: i32) -> Result<i16, Error> {
        self.connection(node, Lane::Calls).await?.version_of::<R>()
    }

    /// The versions that `node` speaks: API key to lowest and highest.
    pub async fn versions(&self, node: i32) -> Result<BTreeMap<i16, (i16, i16)>, Error> {
        Ok(self.connection(node, Lane::Calls).await?.versions().clone())
    }

    /// The level of a feature (`transaction.version`, ...) that the cluster has agreed on, as `node` tells it; 0 when it is not known there.
    pub async fn feature(&self, node: i32, name: &str) -> Result<i16, Error> {
        Ok(self.connection(node, Lane::Calls).await?.feature(name))
    }

    // ---- trying again --------------------------------------------------------------------------------------------------------

    /// Runs `attempt` until it succeeds, fails for good, or `limit` is over; waits with growing, jittered pauses between.
    ///
    /// Errors: what `attempt` gave last, if that cannot be cured by time; `TimedOut` with it otherwise. That no broker can be reached
    /// is told as it is, also when time ran out.
    pub async fn retrying<T, F: Future<Output = Result<T, Error>>>(
        &self,
        what: &str,
        limit: Duration,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let start = Instant::now();
        let mut last: Option<Error> = None;
        let timed_out = |last: Option<Error>| match last {
            Some(error @ Error::NoBroker { .. }) => error,
            last => Error::TimedOut { what: what.into(), after: limit, last: last.map(Box::new) },
        };
        for tries in 0.. {
            let left = limit.saturating_sub(start.elapsed());
            let error = match tokio::time::timeout(left, attempt()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => break,
            };
            if !error.is_retriable() || tries >= self.inner.config.retries {
                return Err(error);
            }
            last = Some(error);
            let pause = self.backoff(tries);
            if start.elapsed() + pause >= limit {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Err(timed_out(last))
    }

    /// The default limit of a call with its retries: `default.api.timeout.ms`.
    pub fn api_timeout(&self) -> Duration {
        Duration::from_millis(self.inner.config.default_api_timeout_ms)
    }

    /// The pause before attempt `tries + 1`: doubling from `retry.backoff.ms` to `retry.backoff.max.ms`, 20 % jitter either way.
    pub fn backoff(&self, tries: u32) -> Duration {
        self.inner.nodes.backoff(tries)
    }

    // ---- metadata ------------------------------------------------------------------------------------------------------------

    /// Asks for the metadata of `topics` (none: only the brokers) and returns all that is known. Topics that are gone, or that the
    /// broker does not tell of, are in `refused` afterwards.
    pub async fn refresh(&self, topics: &[&str]) -> Result<Arc<Metadata>, Error> {
        self.refresh_creating(topics, false).await
    }

    /// As `refresh`; `create` lets the broker create what does not exist, if it is set up to.
    pub(super) async fn refresh_creating(&self, topics: &[&str], create: bool) -> Result<Arc<Metadata>, Error> {
        let answer = match self.config().controllers {
            true => self.ask_controllers().await?,
            false => self.ask_metadata(Some(topics), create).await?,
        };
        Ok(self.update(answer, false))
    }

    /// Controllers tell of themselves in another way; they know nothing of topics.
    async fn ask_controllers(&self) -> Result<MetadataResponse, Error> {
        let request = DescribeClusterRequest { endpoint_type: CONTROLLERS, ..Default::default() };
        let answer = self.call_any(&request).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let node = |b: DescribeClusterBroker| MetadataResponseBroker { node_id: b.broker_id, host: b.host, port: b.port, rack: b.rack };
        Ok(MetadataResponse {
            cluster_id: Some(answer.cluster_id),
            controller_id: answer.controller_id,
            brokers: answer.brokers.into_iter().map(node).collect(),
            ..Default::default()
        })
    }

    /// Asks for topics by their ids; brokers know that from Kafka 3.1 on.
    pub(super) async fn refresh_by_id(&self, ids: &[Uuid]) -> Result<Arc<Metadata>, Error> {
        let topics = ids.iter().map(|id| MetadataRequestTopic { name: None, topic_id: *id });
        let request = MetadataRequest { topics: Some(topics.collect()), ..Default::default() };
        let answer = self.call_any(&request).await?;
        check(answer.error_code, None)?;
        Ok(self.update(answer, false))
    }

    /// Asks for all topics of the cluster.
    pub async fn refresh_all(&self) -> Result<Arc<Metadata>, Error> {
        let answer = self.ask_metadata(None, false).await?;
        Ok(self.update(answer, true))
    }

    /// The metadata of one topic, freshly asked for, or the error that the broker gives for it.
    pub async fn topic(&self, topic: &str, create: bool) -> Result<Arc<TopicMetadata>, Error> {
        let known = self.refresh_creating(&[topic], create).await?;
        let refused = known.refused.get(topic).copied().unwrap_or(ErrorCode::UnknownTopicOrPartition);
        known.topics.get(topic).cloned().ok_or(Error::Broker { code: refused, message: None })
    }

    /// Asks for metadata as it is on the wire; `None`: all topics.
    pub async fn ask_metadata(&self, topics: Option<&[&str]>, create: bool) -> Result<MetadataResponse, Error> {
        let named = |name: &&str| MetadataRequestTopic { name: Some(name.to_string()), ..Default::default() };
        let request = MetadataRequest {
            topics: topics.map(|t| t.iter().map(named).collect()),
            allow_auto_topic_creation: create,
            ..Default::default()
        };
        let answer = self.call_any(&request).await?;
        check(answer.error_code, None)?;
        Ok(answer)
    }

    fn update(&self, answer: MetadataResponse, all: bool) -> Arc<Metadata> {
        let next = {
            let mut known = self.inner.metadata.write();
            *known = Arc::new(known.updated(answer, all));
            self.inner.metadata_version.fetch_add(1, Ordering::Release);
            known.clone()
        };
        self.inner.nodes.adopt_bootstrap(&next);
        next
    }

    // ---- coordinators --------------------------------------------------------------------------------------------------------

    /// The broker that coordinates `key`; remembered until `forget_coordinator`.
    pub async fn coordinator(&self, kind: Coordinator, key: &str) -> Result<i32, Error> {
        if let Some(node) = self.inner.coordinators.lock().get(&(kind, key.to_string())) {
            return Ok(*node);
        }
        let connection = self.any_connection().await?;
        let many = connection.version_of::<FindCoordinatorRequest>()? >= 4;
        let request = FindCoordinatorRequest {
            key: if many { String::new() } else { key.to_string() },
            key_type: kind as i8,
            coordinator_keys: if many { vec![key.to_string()] } else { vec![] },
        };
        let answer = connection.call(&request, NEWEST, Duration::ZERO).await.map_err(|e| node_error(-1, &connection, e))?;
        let (code, message, id, host, port) = match answer.coordinators.into_iter().next() {
            Some(c) => (c.error_code, c.error_message, c.node_id, c.host, c.port),
            None => (answer.error_code, answer.error_message, answer.node_id, answer.host, answer.port),
        };
        check(code, message.as_deref().filter(|m| !m.is_empty()))?;
        self.know_broker(metadata::node(id, host, port, None));
        self.inner.coordinators.lock().insert((kind, key.to_string()), id);
        Ok(id)
    }

    /// Puts a broker that a coordinator lookup told of into the metadata, if it is new there or has moved.
    fn know_broker(&self, broker: metadata::BrokerNode) {
        let mut known = self.inner.metadata.write();
        if known.brokers.get(&broker.id).is_none_or(|k| k.address() != broker.address()) {
            let mut next = Metadata::clone(&known);
            next.brokers.insert(broker.id, broker);
            *known = Arc::new(next);
        }
    }

    /// To be called when a broker says that it is not the coordinator, or cannot be reached.
    pub fn forget_coordinator(&self, kind: Coordinator, key: &str) {
        self.inner.coordinators.lock().remove(&(kind, key.to_string()));
    }

    /// Forgets the coordinator of `key` if `error` shows that it is another one now, or gone.
    pub(super) fn forget_if_moved(&self, kind: Coordinator, key: &str, error: &Error) {
        let wrong = matches!(error.code(), Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable));
        if wrong || matches!(error, Error::Node { .. }) {
            self.forget_coordinator(kind, key);
        }
    }

    // ---- connections ---------------------------------------------------------------------------------------------------------

    async fn connection(&self, node: i32, lane: Lane) -> Result<Arc<Connection>, Error> {
        let mut broker = self.metadata().brokers.get(&node).cloned();
        if broker.is_none() {
            broker = self.refresh(&[]).await?.brokers.get(&node).cloned();
        }
        match broker {
            Some(broker) => self.inner.nodes.get(&broker, lane).await,
            None => {
                let cause = Cause::Closed("the cluster does not list it".into());
                Err(Error::Node { node, address: "?".into(), cause })
            }
        }
    }

    async fn any_connection(&self) -> Result<Arc<Connection>, Error> {
        self.inner.nodes.any(&self.metadata()).await
    }
}

/// `node` -1: some broker whose id does not matter.
fn node_error(node: i32, connection: &Connection, error: CallError) -> Error {
    match error {
        CallError::Broken(cause) => Error::Node { node, address: connection.address().to_string(), cause },
        CallError::Other(error) => error,
    }
}
