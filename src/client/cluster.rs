//! The cluster as a client sees it: brokers, who leads what, connections kept per broker, and calls that try again.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kfk_wire::find_coordinator_request::FindCoordinatorRequest;
use kfk_wire::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kfk_wire::metadata_response::{MetadataResponse, MetadataResponseTopic};
use kfk_wire::{ErrorCode, Request, Uuid};
use parking_lot::{Mutex, RwLock};

use super::conn::{CallError, ConnectOptions, Connection};
use super::error::{Cause, Error, check};
use crate::config::ClientConfig;
use crate::rng::Rng;

/// A broker's id and the address it advertises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerNode {
    pub id: i32,
    pub host: String,
    pub port: u16,
    pub rack: Option<String>,
}

impl BrokerNode {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

/// One partition of a topic. -1 for "no leader".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMetadata {
    pub partition: i32,
    pub leader: i32,
    pub leader_epoch: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub offline: Vec<i32>,
}

/// One topic; partitions sorted by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata {
    pub name: String,
    pub id: Uuid,
    pub is_internal: bool,
    pub partitions: Vec<PartitionMetadata>,
}

/// What is known of the cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    pub cluster_id: Option<String>,
    pub controller: i32,
    pub brokers: BTreeMap<i32, BrokerNode>,
    pub topics: BTreeMap<String, Arc<TopicMetadata>>,
}

impl Metadata {
    /// The leader of a partition, if there is one.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<i32> {
        let topic = self.topics.get(topic)?;
        let at = topic.partitions.binary_search_by_key(&partition, |p| p.partition).ok()?;
        Some(topic.partitions[at].leader).filter(|l| *l >= 0)
    }
}

/// Which kind of coordinator, as numbered in FindCoordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coordinator {
    Group = 0,
    Transaction = 1,
    Share = 2,
}

/// A cluster, reached lazily. Cheap to clone; clones share connections and metadata.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ClientConfig,
    metadata: RwLock<Arc<Metadata>>,
    /// One slot a broker. The asynchronous lock makes callers share one attempt to connect.
    slots: Mutex<HashMap<i32, Arc<Slot>>>,
    bootstrap: tokio::sync::Mutex<Option<Arc<Connection>>>,
    coordinators: Mutex<HashMap<(Coordinator, String), i32>>,
    rng: Mutex<Rng>,
}

#[derive(Default)]
struct Slot {
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
    failures: Mutex<(u32, Option<Instant>)>,
}

impl Client {
    /// A client of the cluster behind `config.bootstrap_servers`. Connects with the first call.
    pub fn new(config: ClientConfig) -> Client {
        let mut seed = [0u8; 8];
        // Only jitter depends on it: a system without randomness is no reason to fail.
        let _ = getrandom::fill(&mut seed);
        Client {
            inner: Arc::new(Inner {
                config,
                metadata: RwLock::default(),
                slots: Mutex::default(),
                bootstrap: tokio::sync::Mutex::default(),
                coordinators: Mutex::default(),
                rng: Mutex::new(Rng::new(u64::from_ne_bytes(seed))),
            }),
        }
    }

    pub fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    /// The metadata known so far.
    pub fn metadata(&self) -> Arc<Metadata> {
        self.inner.metadata.read().clone()
    }

    /// Asks one broker, without trying again.
    pub async fn call_node<R: Request>(&self, node: i32, request: &R) -> Result<R::Response, Error> {
        self.call_node_waiting(node, request, Duration::ZERO).await
    }

    /// Asks one broker that may take `thinking` longer than the request timeout before it answers (Fetch, JoinGroup).
    pub async fn call_node_waiting<R: Request>(&self, node: i32, request: &R, thinking: Duration) -> Result<R::Response, Error> {
        let connection = self.connection(node).await?;
        connection.call(request, thinking).await.map_err(|e| node_error(node, connection.address(), e))
    }

    /// Asks one broker in version `cap` at most: for requests whose newer versions say the same in another form.
    pub async fn call_node_capped<R: Request>(&self, node: i32, request: &R, cap: i16) -> Result<R::Response, Error> {
        let connection = self.connection(node).await?;
        connection.call_capped(request, cap, Duration::ZERO).await.map_err(|e| node_error(node, connection.address(), e))
    }

    /// Sends a request that gets no answer.
    pub async fn send_only<R: Request>(&self, node: i32, request: &R) -> Result<(), Error> {
        let connection = self.connection(node).await?;
        connection.send_only(request).await.map_err(|e| node_error(node, connection.address(), e))
    }

    /// The highest version of `R` that `node` and we speak.
    pub async fn version_of<R: Request>(&self, node: i32) -> Result<i16, Error> {
        self.connection(node).await?.version_of::<R>()
    }

    /// The versions that `node` speaks: API key to lowest and highest.
    pub async fn versions(&self, node: i32) -> Result<BTreeMap<i16, (i16, i16)>, Error> {
        Ok(self.connection(node).await?.versions().clone())
    }

    /// Asks any broker, without trying again.
    pub async fn call_any<R: Request>(&self, request: &R) -> Result<R::Response, Error> {
        let connection = self.any_connection().await?;
        connection.call(request, Duration::ZERO).await.map_err(|e| node_error(-1, connection.address(), e))
    }

    /// Asks the controller (on KRaft clusters any broker, which forwards).
    pub async fn call_controller<R: Request>(&self, request: &R) -> Result<R::Response, Error> {
        let known = self.metadata();
        let metadata = if known.brokers.is_empty() { self.refresh(&[]).await? } else { known };
        match metadata.brokers.contains_key(&metadata.controller) {
            true => self.call_node(metadata.controller, request).await,
            false => self.call_any(request).await,
        }
    }

    /// Runs `attempt` until it succeeds, fails for good, or `limit` is over; waits with growing, jittered pauses between.
    pub async fn retrying<T, F: Future<Output = Result<T, Error>>>(
        &self,
        what: &str,
        limit: Duration,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let start = Instant::now();
        let mut tries = 0;
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let error = match tokio::time::timeout(left, attempt()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(Error::TimedOut { what: what.into(), after: limit, last: None }),
            };
            let pause = self.backoff(tries);
            tries += 1;
            if !error.is_retriable() || tries > self.inner.config.retries {
                return Err(error);
            }
            if start.elapsed() + pause >= limit {
                // No address at all says more than that time has passed.
                let unreachable = matches!(error, Error::NoBroker { .. });
                return Err(if unreachable {
                    error
                } else {
                    Error::TimedOut { what: what.into(), after: limit, last: Some(Box::new(error)) }
                });
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The default limit of a call with its retries.
    pub fn api_timeout(&self) -> Duration {
        Duration::from_millis(self.inner.config.default_api_timeout_ms)
    }

    /// The pause before attempt `tries + 1`: doubling, at most `retry.backoff.max.ms`, 20 % jitter either way.
    pub fn backoff(&self, tries: u32) -> Duration {
        let c = &self.inner.config;
        self.jittered(c.retry_backoff_ms.saturating_mul(1 << tries.min(16)).min(c.retry_backoff_max_ms.max(c.retry_backoff_ms)))
    }

    fn jittered(&self, ms: u64) -> Duration {
        let part = 80 + self.inner.rng.lock().below(41);
        Duration::from_micros(ms.saturating_mul(part * 10))
    }

    // ---- metadata ------------------------------------------------------------------------------------------------------------

    /// Asks for the metadata of `topics` (none: only the brokers) and returns all that is known. Topics that have gone are dropped.
    pub async fn refresh(&self, topics: &[&str]) -> Result<Arc<Metadata>, Error> {
        let response = self.ask_metadata(Some(topics), false).await?;
        Ok(self.merge(response))
    }

    /// Asks for all topics of the cluster.
    pub async fn refresh_all(&self) -> Result<Arc<Metadata>, Error> {
        let response = self.ask_metadata(None, false).await?;
        self.inner.metadata.write().clone_from(&Arc::new(Metadata::default()));
        Ok(self.merge(response))
    }

    /// The metadata of one topic, freshly asked for, or the error that the broker gives for it.
    pub async fn topic(&self, topic: &str, create: bool) -> Result<Arc<TopicMetadata>, Error> {
        let response = self.ask_metadata(Some(&[topic]), create).await?;
        let code = response.topics.iter().find(|t| t.name.as_deref() == Some(topic)).map(|t| t.error_code);
        let metadata = self.merge(response);
        match (code, metadata.topics.get(topic)) {
            (Some(0), Some(found)) => Ok(found.clone()),
            (Some(code), Some(found)) if ErrorCode::from_code(code) == ErrorCode::LeaderNotAvailable => Ok(found.clone()),
            (code, _) => {
                check(code.unwrap_or(ErrorCode::UnknownTopicOrPartition.code()), None)?;
                check(ErrorCode::UnknownTopicOrPartition.code(), None)?;
                unreachable!("a code other than 0 is an error")
            }
        }
    }

    /// Asks for metadata as it is on the wire; `None`: all topics.
    pub async fn ask_metadata(&self, topics: Option<&[&str]>, create: bool) -> Result<MetadataResponse, Error> {
        let named = |name: &&str| MetadataRequestTopic { name: Some(name.to_string()), ..Default::default() };
        let request = MetadataRequest {
            topics: topics.map(|t| t.iter().map(named).collect()),
            allow_auto_topic_creation: create,
            ..Default::default()
        };
        let response = self.call_any(&request).await?;
        check(response.error_code, None)?;
        Ok(response)
    }

    fn merge(&self, response: MetadataResponse) -> Arc<Metadata> {
        let mut known = self.inner.metadata.write();
        let mut next = Metadata::clone(&known);
        next.cluster_id = response.cluster_id;
        next.controller = response.controller_id;
        let node = |b: &kfk_wire::metadata_response::MetadataResponseBroker| BrokerNode {
            id: b.node_id,
            host: b.host.clone(),
            port: u16::try_from(b.port).unwrap_or(0),
            rack: b.rack.clone(),
        };
        next.brokers = response.brokers.iter().map(|b| (b.node_id, node(b))).collect();
        for topic in response.topics {
            let Some(name) = topic.name.clone() else { continue };
            match ErrorCode::from_code(topic.error_code) {
                ErrorCode::None | ErrorCode::LeaderNotAvailable => next.topics.insert(name.clone(), Arc::new(topic_metadata(name, topic))),
                _ => next.topics.remove(&name),
            };
        }
        *known = Arc::new(next);
        known.clone()
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
        let answer = connection.call(&request, Duration::ZERO).await.map_err(|e| node_error(-1, connection.address(), e))?;
        let (code, message, id, host, port) = match answer.coordinators.first() {
            Some(c) => (c.error_code, c.error_message.clone(), c.node_id, c.host.clone(), c.port),
            None => (answer.error_code, answer.error_message, answer.node_id, answer.host, answer.port),
        };
        check(code, message.as_deref().filter(|m| !m.is_empty()))?;
        let mut known = self.inner.metadata.write();
        if !known.brokers.contains_key(&id) {
            let mut next = Metadata::clone(&known);
            next.brokers.insert(id, BrokerNode { id, host, port: u16::try_from(port).unwrap_or(0), rack: None });
            *known = Arc::new(next);
        }
        drop(known);
        self.inner.coordinators.lock().insert((kind, key.to_string()), id);
        Ok(id)
    }

    /// To be called when a broker says that it is not the coordinator, or cannot be reached.
    pub fn forget_coordinator(&self, kind: Coordinator, key: &str) {
        self.inner.coordinators.lock().remove(&(kind, key.to_string()));
    }

    /// Asks the coordinator of `key`, forgetting it when it turns out to be the wrong one. `code_of` finds the answer's error code.
    pub async fn call_coordinator<R: Request>(
        &self,
        kind: Coordinator,
        key: &str,
        request: &R,
        thinking: Duration,
        code_of: impl Fn(&R::Response) -> i16,
    ) -> Result<R::Response, Error> {
        let node = self.coordinator(kind, key).await?;
        let answer = self.call_node_waiting(node, request, thinking).await;
        let wrong = match &answer {
            Ok(answer) => matches!(ErrorCode::from_code(code_of(answer)), ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable),
            Err(Error::Node { .. }) => true,
            Err(_) => false,
        };
        if wrong {
            self.forget_coordinator(kind, key);
        }
        answer
    }

    // ---- connections ---------------------------------------------------------------------------------------------------------

    async fn connection(&self, node: i32) -> Result<Arc<Connection>, Error> {
        let slot = self.inner.slots.lock().entry(node).or_default().clone();
        let mut held = slot.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|c| !c.is_closed()) {
            return Ok(connection.clone());
        }
        let mut broker = self.metadata().brokers.get(&node).cloned();
        if broker.is_none() {
            broker = self.refresh(&[]).await?.brokers.get(&node).cloned();
        }
        let Some(broker) = broker else {
            let cause = Cause::Closed("the cluster does not list it".into());
            return Err(Error::Node { node, address: "?".into(), cause });
        };
        self.wait_before_reconnect(&slot).await;
        let address = broker.address();
        match self.open(&address).await {
            Ok(connection) => {
                *slot.failures.lock() = (0, None);
                *held = Some(connection.clone());
                Ok(connection)
            }
            Err(cause) => {
                let mut failures = slot.failures.lock();
                *failures = (failures.0 + 1, Some(Instant::now()));
                Err(Error::Node { node, address, cause })
            }
        }
    }

    async fn wait_before_reconnect(&self, slot: &Slot) {
        let (count, last) = *slot.failures.lock();
        let (Some(last), true) = (last, count > 0) else { return };
        let c = &self.inner.config;
        let grown = c.reconnect_backoff_ms.saturating_mul(1 << (count - 1).min(16)).min(c.reconnect_backoff_max_ms);
        tokio::time::sleep(self.jittered(grown).saturating_sub(last.elapsed())).await;
    }

    /// A connection to some broker: one of those known, else one of the bootstrap servers.
    async fn any_connection(&self) -> Result<Arc<Connection>, Error> {
        let live = {
            let slots = self.inner.slots.lock();
            let mut idle = slots.values().filter_map(|s| s.connection.try_lock().ok().and_then(|c| c.clone()));
            idle.find(|c| !c.is_closed())
        };
        if let Some(connection) = live {
            return Ok(connection);
        }
        let mut held = self.inner.bootstrap.lock().await;
        if let Some(connection) = held.as_ref().filter(|c| !c.is_closed()) {
            return Ok(connection.clone());
        }
        let start = Instant::now();
        let mut tried = Vec::new();
        for address in self.candidates() {
            match self.open(&address).await {
                Ok(connection) => {
                    *held = Some(connection.clone());
                    return Ok(connection);
                }
                Err(cause) => tried.push((address, cause)),
            }
        }
        Err(Error::NoBroker { tried, after: start.elapsed() })
    }

    /// Bootstrap servers first, then the brokers that metadata told of.
    fn candidates(&self) -> Vec<String> {
        let mut all = self.inner.config.bootstrap_servers.clone();
        for broker in self.metadata().brokers.values() {
            let address = broker.address();
            if !all.contains(&address) {
                all.push(address);
            }
        }
        all
    }

    async fn open(&self, address: &str) -> Result<Arc<Connection>, Cause> {
        let c = &self.inner.config;
        let options = ConnectOptions {
            client_id: &c.client_id,
            setup_timeout: Duration::from_millis(c.connection_setup_timeout_ms),
            request_timeout: Duration::from_millis(c.request_timeout_ms),
            send_buffer: c.send_buffer_bytes,
            receive_buffer: c.receive_buffer_bytes,
        };
        Connection::open(address, &options).await.map(Arc::new)
    }
}

fn node_error(node: i32, address: &str, error: CallError) -> Error {
    match error {
        CallError::Broken(cause) => Error::Node { node, address: address.to_string(), cause },
        CallError::Other(error) => error,
    }
}

fn topic_metadata(name: String, topic: MetadataResponseTopic) -> TopicMetadata {
    let mut partitions: Vec<PartitionMetadata> = topic
        .partitions
        .into_iter()
        .map(|p| PartitionMetadata {
            partition: p.partition_index,
            leader: p.leader_id,
            leader_epoch: p.leader_epoch,
            replicas: p.replica_nodes,
            isr: p.isr_nodes,
            offline: p.offline_replicas,
        })
        .collect();
    partitions.sort_by_key(|p| p.partition);
    TopicMetadata { name, id: topic.topic_id, is_internal: topic.is_internal, partitions }
}
