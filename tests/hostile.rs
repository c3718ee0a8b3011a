//! Bad input over real sockets: the protocol's error or a closed connection, one line in the log, no memory for mere claims, no panic, and
//! nobody else disturbed (facts N, and the refusals of P that guard against lies).

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::records::{batch, batch_with, create, fetch, fetch_request, produce, produce_ok, produce_request, records_of};
use common::{Client, TestBroker};
use kfk::record::{BatchOptions, Codec, Compression, HEADER_LEN};
use kfk::rng::Rng;
use kfk::wire::api_versions_request::ApiVersionsRequest;
use kfk::wire::frame::write_request;
use kfk::wire::metadata_request::MetadataRequest;
use kfk::wire::{ErrorCode, Writer};

const BATCH_LENGTH_AT: usize = 8;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_DELTA_AT: usize = 23;
const COUNT_AT: usize = 57;

fn asked() -> ApiVersionsRequest {
    ApiVersionsRequest { client_software_name: "test".into(), client_software_version: "1.0".into() }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&i32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

fn header(key: i16, version: i16) -> Vec<u8> {
    [&key.to_be_bytes()[..], &version.to_be_bytes(), &7i32.to_be_bytes(), &(-1i16).to_be_bytes()].concat()
}

/// A batch with its CRC set right again after a change.
fn with_crc(mut bytes: Vec<u8>) -> Bytes {
    let crc = crc32c::crc32c(&bytes[ATTRIBUTES_AT..]);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = batch(&["one", "two", "three"]).to_vec();
    change(&mut bytes);
    with_crc(bytes)
}

/// A batch whose records are these bytes, said to be `count` records.
fn batch_of(codec: Codec, body: &[u8], count: i32) -> Bytes {
    let mut bytes = batch_with(BatchOptions::default(), &["x"])[..HEADER_LEN].to_vec();
    bytes.extend_from_slice(body);
    let length = i32::try_from(bytes.len() - 12).unwrap();
    bytes[BATCH_LENGTH_AT..BATCH_LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
    bytes[ATTRIBUTES_AT + 1] = codec.id();
    bytes[LAST_DELTA_AT..LAST_DELTA_AT + 4].copy_from_slice(&(count - 1).to_be_bytes());
    bytes[COUNT_AT..COUNT_AT + 4].copy_from_slice(&count.to_be_bytes());
    with_crc(bytes)
}

/// True once the broker has closed the connection, within the client's read timeout.
fn is_closed(client: &mut Client) -> bool {
    client.receive_frame().is_none()
}

#[test]
fn p13_bad_crcs_lying_counts_lengths_and_varints_are_refused_and_leave_no_trace() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["good"])), 0);
    let good = batch(&["one", "two", "three"]);
    let mut bad_crc = good.to_vec();
    bad_crc[CRC_AT] ^= 1;
    let set = |at: usize, value: i32| changed(|b| b[at..at + 4].copy_from_slice(&value.to_be_bytes()));
    let huge_varint = [&[0xff; 9][..], &[1]].concat();
    let cases: Vec<(&str, Bytes)> = vec![
        ("crc", bad_crc.into()),
        ("count too large", set(COUNT_AT, 4)),
        ("count far too large", set(COUNT_AT, i32::MAX)),
        ("count too small", set(COUNT_AT, 2)),
        ("negative count", set(COUNT_AT, -1)),
        ("last offset delta", set(LAST_DELTA_AT, 7)),
        ("batch length too large", set(BATCH_LENGTH_AT, i32::MAX)),
        ("batch length too small", set(BATCH_LENGTH_AT, 20)),
        ("negative batch length", set(BATCH_LENGTH_AT, -5)),
        ("cut batch", good.slice(..good.len() - 3)),
        ("magic", changed(|b| b[16] = 9)),
        ("codec", changed(|b| b[ATTRIBUTES_AT + 1] |= 7)),
        ("control", changed(|b| b[ATTRIBUTES_AT + 1] |= 0x20)),
        ("record longer than the batch", batch_of(Codec::None, &[0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0], 1)),
        ("varint without an end", batch_of(Codec::None, &huge_varint, 1)),
        ("nothing but a count", batch_of(Codec::None, &[], 1_000_000)),
        ("two batches", [&good[..], &good[..]].concat().into()),
        ("nothing", Bytes::new()),
        ("codec without its data", batch_of(Codec::Gzip, b"no gzip", 1)),
        ("codec without its data", batch_of(Codec::Lz4, b"no lz4", 1)),
        ("codec without its data", batch_of(Codec::Snappy, b"no snappy", 1)),
        ("codec without its data", batch_of(Codec::Zstd, b"no zstd", 1)),
    ];
    for (what, records) in cases {
        let told = produce(&mut client, "t", 0, records);
        let code = ErrorCode::from_code(told.error_code);
        assert!(!matches!(code, ErrorCode::None | ErrorCode::UnknownServerError), "{what}: {code:?}");
    }
    assert_eq!(produce_ok(&mut client, "t", 0, batch(&["after"])), 1, "nothing was written meanwhile");
    let read: Vec<_> = records_of(&fetch(&mut client, "t", 0, 0)).into_iter().map(|(_, value)| value).collect();
    assert_eq!(read, ["good", "after"]);
}

#[test]
fn n3_n7_lying_arrays_strings_and_varints_close_the_connection() {
    let broker = TestBroker::start(&[]);
    let mut witness = broker.connect();
    let old = |body: &[u8]| framed(&[&header(3, 1)[..], body].concat());
    let flexible = |body: &[u8]| framed(&[&header(3, 12)[..], &[0], body].concat());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("array of 2^31-1", old(&i32::MAX.to_be_bytes())),
        ("string longer than the frame", old(&[0, 0, 0, 1, 0x7f, 0xff, b'a'])),
        ("negative string", old(&[0, 0, 0, 1, 0xff, 0xfe])),
        ("compact array of 2^32", flexible(&[0xff, 0xff, 0xff, 0xff, 0x0f])),
        ("compact array of a million", flexible(&[0x80, 0x89, 0x7a, 0, 0, 0, 0])),
        ("varint of six bytes", flexible(&[0x80, 0x80, 0x80, 0x80, 0x80, 1])),
        ("compact string longer than the frame", flexible(&[2, 0xff, 0x7f, b'a'])),
        ("tagged field longer than the frame", flexible(&[1, 1, 0, 1, 0, 0xff, 0x7f])),
        ("a million tagged fields", flexible(&[1, 1, 0, 0xc0, 0x84, 0x3d])),
        ("string that is not UTF-8", old(&[0, 0, 0, 1, 0, 2, 0xff, 0xfe])),
        (
            "produce with records longer than the frame",
            framed(
                &[
                    &header(0, 7)[..],
                    &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff],
                ]
                .concat(),
            ),
        ),
        ("api from the future", framed(&header(i16::MAX, 0))),
        ("version from the future", framed(&header(1, i16::MAX))),
        ("negative version", framed(&header(1, -1))),
    ];
    for (what, bytes) in cases {
        let mut client = broker.connect();
        client.send_raw(&bytes);
        assert!(is_closed(&mut client), "{what}");
        assert_eq!(witness.call(4, &asked()).error_code, 0, "{what}");
    }
}

#[test]
fn n4_versions_of_api_versions_from_the_future_are_answered_and_the_connection_lives() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    for version in [5, 6, 100, i16::MAX, -1, i16::MIN] {
        client.send_raw(&framed(&[&header(18, version)[..], &[0, 1, 2, 3]].concat()));
        let reply = client.receive_frame().unwrap();
        assert_eq!(reply[..6], [0, 0, 0, 7, 0, 35], "version {version}");
        assert_eq!(client.call(4, &asked()).error_code, 0);
    }
}

/// A batch of 60 MB of zeros is a fair batch by Kafka's rules if it is small enough when compressed: it must not be held whole to be checked.
#[test]
fn decompression_bombs_take_no_memory_and_the_broker_goes_on() {
    let server = Process::start(&["message.max.bytes=10000000"]);
    let mut client = server.connect();
    create(&mut client, "t", 1, &[]);
    produce_ok(&mut client, "t", 0, batch(&["before"]));
    let zeros = vec![0; 60 << 20];
    let text = std::str::from_utf8(&zeros).unwrap();
    let before = server.peak_kib();
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let options = BatchOptions { compression: Compression { codec, level: None }, ..BatchOptions::default() };
        let began = Instant::now();
        let fair = batch_with(options, &[text]);
        let built = began.elapsed();
        // As it is, and with a count that lies, so that all of it must be looked at.
        let mut lying = fair.to_vec();
        lying[COUNT_AT + 3] = 2;
        lying[LAST_DELTA_AT + 3] = 1;
        let began = Instant::now();
        for (records, good) in [(fair, true), (with_crc(lying), false)] {
            let told = produce(&mut client, "t", 0, records);
            assert_eq!(told.error_code == 0, good, "{codec}: {:?}", told.error_message);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{codec}: {:?}, built in {built:?}", began.elapsed());
    }
    let grown = server.peak_kib() - before;
    assert!(grown < 40 * 1024, "{grown} KiB for eight batches of less than 6 MB");
    produce_ok(&mut client, "t", 0, batch(&["after"]));
    let said = server.stop();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn n14_random_bytes_never_disturb_another_connection() {
    let broker = TestBroker::start(&[("connections.max.idle.ms", "3000")]);
    let mut witness = broker.connect();
    create(&mut witness, "t", 1, &[]);
    for seed in 0..300u64 {
        let mut rng = Rng::new(seed);
        let mut bytes: Vec<u8> = (0..rng.below(200)).map(|_| rng.next_u64() as u8).collect();
        if rng.below(4) > 0 {
            // A good frame's beginning, so that the garbage gets further.
            let key = [0, 1, 2, 3, 8, 9, 10, 11, 18, 19, 20, 22, 32, 75][rng.below(14) as usize];
            let version = rng.below(14) as i16;
            bytes = framed(&[header(key, version), bytes].concat());
        }
        let mut stream = TcpStream::connect(broker.addr).unwrap();
        stream.write_all(&bytes).unwrap();
        drop(stream);
        if seed % 20 == 0 {
            assert_eq!(witness.call(4, &asked()).error_code, 0, "seed {seed}");
        }
    }
    assert_eq!(produce_ok(&mut witness, "t", 0, batch(&["still here"])), 0);
}

#[test]
fn n14_mutated_requests_never_disturb_another_connection() {
    let broker = TestBroker::start(&[]);
    let mut witness = broker.connect();
    create(&mut witness, "t", 1, &[]);
    let mut frames = Vec::new();
    let mut frame = |write: &dyn Fn(&mut Writer)| {
        let mut w = Writer::new();
        write(&mut w);
        frames.push(w.into_bytes().unwrap().to_vec());
    };
    frame(&|w| write_request(w, 1, Some("test"), 12, &produce_request("t", 0, -1, batch(&["a", "b"]))).unwrap());
    frame(&|w| write_request(w, 1, Some("test"), 12, &fetch_request("t", 0, 0)).unwrap());
    frame(&|w| write_request(w, 1, Some("test"), 12, &MetadataRequest::default()).unwrap());
    for seed in 0..400u64 {
        let mut rng = Rng::new(seed);
        let mut bytes = frames[(seed % 3) as usize].clone();
        for _ in 0..1 + rng.below(3) {
            let at = 4 + rng.below(bytes.len() as u64 - 4) as usize;
            bytes[at] = rng.next_u64() as u8;
        }
        let mut stream = TcpStream::connect(broker.addr).unwrap();
        stream.write_all(&bytes).unwrap();
        if seed % 20 == 0 {
            assert_eq!(witness.call(4, &asked()).error_code, 0, "seed {seed}");
        }
    }
    for (offset, _) in records_of(&fetch(&mut witness, "t", 0, 0)) {
        assert!(offset >= 0, "what was stored can be read, CRC and all");
    }
}

#[test]
fn n12_half_a_frame_and_then_silence_has_a_deadline() {
    let broker = TestBroker::start(&[("connections.max.idle.ms", "300")]);
    for bytes in [&[0u8, 0][..], &[0, 0, 1, 0, 0, 18], &[0, 0x50, 0, 0, 0, 18]] {
        let mut client = broker.connect();
        client.send_raw(bytes);
        let began = Instant::now();
        assert!(is_closed(&mut client));
        assert!(began.elapsed() < Duration::from_secs(3));
    }
}

#[test]
fn n12_a_frame_that_drips_has_a_deadline_too() {
    let broker = TestBroker::start(&[("connections.max.idle.ms", "300")]);
    let mut client = broker.connect();
    client.send_raw(&1000i32.to_be_bytes());
    let began = Instant::now();
    // Never silent for long, yet never finished.
    while began.elapsed() < Duration::from_secs(3) && client.stream.write_all(&[0]).is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "the frame may go on for ever");
}

#[test]
fn n12_replies_that_nobody_reads_have_a_deadline() {
    let broker = TestBroker::start(&[("connections.max.idle.ms", "300")]);
    let mut witness = broker.connect();
    create(&mut witness, "t", 1, &[]);
    let large = "x".repeat(900_000);
    for _ in 0..8 {
        produce_ok(&mut witness, "t", 0, batch(&[&large]));
    }
    let mut client = broker.connect();
    for _ in 0..20 {
        client.send(12, &fetch_request("t", 0, 0));
    }
    let began = Instant::now();
    // The broker gives the connection up, whatever still lies in the socket's buffers.
    std::thread::sleep(Duration::from_millis(1500));
    let mut read = 0u64;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(n @ 1..) = client.stream.read(&mut buffer) {
        read += n as u64;
    }
    assert!(began.elapsed() < Duration::from_secs(6));
    assert!(read < 18 * 900_000, "all replies came: nothing was given up ({read} bytes)");
    let mut again = broker.connect();
    assert_eq!(again.call(4, &asked()).error_code, 0);
}

#[test]
fn n9_pipelined_requests_of_all_speeds_are_answered_in_order() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    let mut slow = fetch_request("t", 0, 0);
    (slow.max_wait_ms, slow.min_bytes) = (150, 1_000_000);
    for round in 0..3 {
        let first = client.send(12, &slow);
        let second = client.send(12, &produce_request("t", 0, -1, batch(&["a"])));
        let third = client.send(4, &asked());
        assert_eq!(client.receive::<kfk::wire::fetch_request::FetchRequest>(12).0, first);
        let (id, produced) = client.receive::<kfk::wire::produce_request::ProduceRequest>(12);
        assert_eq!((id, produced.responses[0].partition_responses[0].base_offset), (second, round));
        assert_eq!(client.receive::<ApiVersionsRequest>(4).0, third);
    }
}

#[test]
fn n13_an_error_without_acknowledgement_closes_the_connection_after_earlier_replies() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    client.send(12, &produce_request("t", 0, 0, batch(&["fine"])));
    let id = client.send(4, &asked());
    client.send(12, &produce_request("nowhere", 0, 0, batch(&["lost"])));
    client.send(4, &asked());
    assert_eq!(client.receive::<ApiVersionsRequest>(4).0, id, "what came before is still answered");
    assert!(is_closed(&mut client));
    assert_eq!(records_of(&fetch(&mut broker.connect(), "t", 0, 0)).len(), 1);
}

/// `kfk server` in a process of its own, to see its memory and what it says.
struct Process {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Process {
    fn start(settings: &[&str]) -> Process {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfk"));
        command.args(["server", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.path());
        command.args(settings.iter().flat_map(|s| ["--override", s]));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
        Process { child, port, _dir: dir }
    }

    fn connect(&self) -> Client {
        Client::connect(([127, 0, 0, 1], self.port).into())
    }

    fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Stops it; gives what it said.
    fn stop(mut self) -> String {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn n1_n8_connections_that_claim_100_mb_each_take_no_memory_for_it() {
    let server = Process::start(&[]);
    server.connect().call(4, &asked());
    let before = server.resident_kib();
    let claim = [&100_000_000i32.to_be_bytes()[..], &header(0, 7), &[0; 20_000]].concat();
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send_raw(&claim);
    }
    server.connect().call(4, &asked());
    std::thread::sleep(Duration::from_millis(300));
    let grown = server.resident_kib().saturating_sub(before);
    // 100 * 100 MB are claimed, 2 MB were sent. A first buffer of 64 KiB each is fair.
    assert!(grown < 24 * 1024, "{grown} KiB for claims");
    drop(clients);
    let said = server.stop();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn n14_each_lost_connection_is_one_line_of_the_log() {
    let server = Process::start(&["socket.request.max.bytes=100000"]);
    let bad: Vec<Vec<u8>> = vec![
        (-1i32).to_be_bytes().to_vec(),
        100_001i32.to_be_bytes().to_vec(),
        framed(&header(999, 0)),
        framed(&header(3, 99)),
        framed(&[&header(3, 1)[..], &i32::MAX.to_be_bytes()].concat()),
        framed(&[]),
    ];
    for bytes in &bad {
        let mut client = server.connect();
        client.send_raw(bytes);
        assert!(is_closed(&mut client));
    }
    // A client that goes away by itself is nothing to tell of.
    server.connect().call(4, &asked());
    let said = server.stop();
    let lost = said.lines().filter(|l| l.contains("closed:")).count();
    assert_eq!(lost, bad.len(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
