//! A broker in this process and a plain connection to it, for tests over real sockets.

#![allow(dead_code)]

pub mod elsewhere;
pub mod held_disk;
pub mod records;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kfk::broker::{Running, start_on};
use kfk::config::BrokerConfig;
use kfk::log::{Disk, RealDisk};
use kfk::wire::frame::{read_response_header, write_request};
use kfk::wire::{Message, Reader, Request, Writer};

/// A broker on a free port with a directory of its own, or a given one.
pub struct TestBroker {
    pub addr: SocketAddr,
    /// Where metrics are shown, if the settings say so.
    pub metrics: Option<SocketAddr>,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
    dir: Option<tempfile::TempDir>,
}

impl TestBroker {
    pub fn start(settings: &[(&str, &str)]) -> TestBroker {
        let dir = tempfile::tempdir().unwrap();
        let mut broker = TestBroker::start_in(dir.path(), settings);
        broker.dir = Some(dir);
        broker
    }

    pub fn start_in(dir: &Path, settings: &[(&str, &str)]) -> TestBroker {
        TestBroker::try_start_in(dir, settings).unwrap()
    }

    pub fn try_start_in(dir: &Path, settings: &[(&str, &str)]) -> Result<TestBroker, String> {
        TestBroker::try_start_on(Arc::new(RealDisk), dir, settings)
    }

    /// A broker with a directory of its own over another disk.
    pub fn start_on(disk: Arc<dyn Disk>, settings: &[(&str, &str)]) -> TestBroker {
        let dir = tempfile::tempdir().unwrap();
        let mut broker = TestBroker::try_start_on(disk, dir.path(), settings).unwrap();
        broker.dir = Some(dir);
        broker
    }

    fn try_start_on(disk: Arc<dyn Disk>, dir: &Path, settings: &[(&str, &str)]) -> Result<TestBroker, String> {
        let own =
            [("listeners", "PLAINTEXT://127.0.0.1:0"), ("log.dirs", dir.to_str().unwrap()), ("group.initial.rebalance.delay.ms", "0")];
        // Runs every test under other settings: KFK_TEST_SETTINGS="kfk.durability=group-commit".
        let more = std::env::var("KFK_TEST_SETTINGS").unwrap_or_default();
        let more = more.split_whitespace().filter_map(|pair| pair.split_once('='));
        let pairs = own.into_iter().chain(more).chain(settings.iter().copied()).map(|(k, v)| (k.to_string(), v.to_string()));
        let (config, _) = BrokerConfig::parse(pairs).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let running = runtime.block_on(start_on(config, disk)).map_err(|e| e.to_string())?;
        Ok(TestBroker { addr: running.addr(), metrics: running.metrics_address(), running: Some(running), runtime, dir: None })
    }

    pub fn dir(&self) -> &Path {
        self.dir.as_ref().unwrap().path()
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.addr)
    }

    /// A clean stop; the directory stays until the value is dropped.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One connection; every call waits for its answer.
pub struct Client {
    pub stream: TcpStream,
    next_id: i32,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream, next_id: 1 }
    }

    /// Asks and waits for the answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let id = self.send(version, request);
        let (got, response) = self.receive::<R>(version);
        assert_eq!(got, id);
        response
    }

    /// Asks without waiting; gives the correlation id.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        let id = self.next_id;
        self.next_id += 1;
        let mut w = Writer::new();
        write_request(&mut w, id, Some("test"), version, request).unwrap();
        self.stream.write_all(&w.into_bytes().unwrap()).unwrap();
        id
    }

    pub fn receive<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let mut reader = Reader::new(self.receive_frame().expect("a reply"));
        let id = read_response_header(&mut reader, R::KEY, version).unwrap();
        let response = R::Response::decode(&mut reader, version).unwrap();
        assert_eq!(reader.remaining(), 0, "bytes after the response");
        (id, response)
    }

    /// The next frame, or `None` when the broker closed the connection.
    pub fn receive_frame(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        let mut got = 0;
        while got < 4 {
            match self.stream.read(&mut head[got..]) {
                Ok(0) => return None,
                Ok(n) => got += n,
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(e) => panic!("no reply: {e}"),
            }
        }
        let mut frame = vec![0; i32::from_be_bytes(head) as usize];
        self.stream.read_exact(&mut frame).unwrap();
        Some(frame)
    }

    /// Writes bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }
}
