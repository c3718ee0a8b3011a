//! A broker that says what a test wants it to say, over a real socket: for failures that a good broker does not have.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kfk::client::{ClientConfig, ConsumerConfig, ProducerConfig};
use kfk::wire::api_versions_response::{ApiVersion, ApiVersionsResponse};
use kfk::wire::frame::{read_request_header, write_response};
use kfk::wire::init_producer_id_response::InitProducerIdResponse;
use kfk::wire::metadata_request::MetadataRequest;
use kfk::wire::metadata_response::{MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kfk::wire::{ApiKey, ErrorCode, Message, Reader, Request, Uuid, Writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came in.
pub struct Call {
    pub key: ApiKey,
    pub version: i16,
    /// Counts the connections of this broker, from 0.
    pub connection: usize,
    correlation_id: i32,
    body: Reader,
}

impl Call {
    /// The request, of the kind that `key` says.
    pub fn read<R: Request>(&self) -> R {
        assert_eq!(R::KEY, self.key);
        R::decode(&mut self.body.clone(), self.version).unwrap()
    }

    /// An answer with its frame.
    pub fn answer<M: Message>(&self, body: &M) -> Answer {
        let mut w = Writer::new();
        write_response(&mut w, self.key, self.version, self.correlation_id, body).unwrap();
        Answer::Bytes(w.into_bytes().unwrap())
    }
}

/// What the broker does about a request.
pub enum Answer {
    Bytes(Bytes),
    /// Nothing, ever.
    Silence,
    /// Closes the connection.
    Cut,
    /// Sends this many bytes of the answer and then closes the connection.
    CutAfter(usize, Box<Answer>),
    /// After this time.
    Later(Duration, Box<Answer>),
}

type Script = dyn Fn(&Call) -> Option<Answer> + Send + Sync;

/// See the file's head. What the script leaves to it (`None`) it answers as a broker with one topic `t` of one partition would.
pub struct FakeBroker {
    pub address: String,
    seen: Arc<Mutex<Vec<ApiKey>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeBroker {
    pub async fn start(script: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> FakeBroker {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let script: Arc<Script> = Arc::new(script);
        let (told, counted, port) = (seen.clone(), connections.clone(), listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, number, port, script.clone(), told.clone()));
            }
        });
        FakeBroker { address, seen, connections, task }
    }

    /// Requests of this kind so far.
    pub fn count(&self, key: ApiKey) -> usize {
        self.seen.lock().unwrap().iter().filter(|k| **k == key).count()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn client(&self, settings: &[(&str, &str)]) -> ClientConfig {
        ClientConfig::parse(&values(&self.address, settings)).unwrap()
    }

    pub fn producer(&self, settings: &[(&str, &str)]) -> ProducerConfig {
        ProducerConfig::parse(&values(&self.address, settings)).unwrap()
    }

    pub fn consumer(&self, settings: &[(&str, &str)]) -> ConsumerConfig {
        ConsumerConfig::parse(&values(&self.address, settings)).unwrap()
    }
}

pub fn values(bootstrap: &str, settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = [("bootstrap.servers", bootstrap)];
    own.iter().chain(settings).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

async fn serve(mut stream: TcpStream, connection: usize, port: u16, script: Arc<Script>, seen: Arc<Mutex<Vec<ApiKey>>>) {
    while let Ok(size) = stream.read_i32().await {
        let mut frame = vec![0; size as usize];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let mut body = Reader::new(frame);
        let Ok((key, header)) = read_request_header(&mut body) else { return };
        let call = Call { key, version: header.request_api_version, connection, correlation_id: header.correlation_id, body };
        seen.lock().unwrap().push(key);
        let mut answer = script(&call).unwrap_or_else(|| usual(&call, port));
        if let Answer::Later(after, then) = answer {
            tokio::time::sleep(after).await;
            answer = *then;
        }
        match answer {
            Answer::Bytes(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Answer::CutAfter(most, then) => {
                if let Answer::Bytes(bytes) = *then {
                    let _ = stream.write_all(&bytes[..most.min(bytes.len())]).await;
                }
                return;
            }
            Answer::Cut => return,
            Answer::Silence => std::future::pending().await,
            Answer::Later(..) => unreachable!("one delay is enough"),
        }
    }
}

/// One broker, number 1, that leads `t-0`.
fn usual(call: &Call, port: u16) -> Answer {
    match call.key {
        ApiKey::ApiVersions => {
            let of = |k: ApiKey| ApiVersion { api_key: k.code(), min_version: k.min_version(), max_version: k.max_version() };
            call.answer(&ApiVersionsResponse { api_keys: ApiKey::all().map(of).collect(), ..Default::default() })
        }
        ApiKey::Metadata => call.answer(&metadata(&call.read(), port)),
        ApiKey::InitProducerId => call.answer(&InitProducerIdResponse { producer_id: 7, producer_epoch: 0, ..Default::default() }),
        _ => Answer::Cut,
    }
}

fn metadata(request: &MetadataRequest, port: u16) -> MetadataResponse {
    let named = request.topics.clone().unwrap_or_default().into_iter().filter_map(|t| t.name);
    let topic = |name: String| {
        let known = name == "t";
        let partition = MetadataResponsePartition { leader_id: 1, replica_nodes: vec![1], isr_nodes: vec![1], ..Default::default() };
        MetadataResponseTopic {
            error_code: if known { 0 } else { ErrorCode::UnknownTopicOrPartition.code() },
            name: Some(name),
            topic_id: Uuid([7; 16]),
            partitions: if known { vec![partition] } else { vec![] },
            ..Default::default()
        }
    };
    MetadataResponse {
        brokers: vec![MetadataResponseBroker { node_id: 1, host: "127.0.0.1".into(), port: port.into(), rack: None }],
        controller_id: 1,
        topics: named.map(topic).collect(),
        ..Default::default()
    }
}
