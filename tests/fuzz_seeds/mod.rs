//! First inputs for the fuzz targets: what Kafka itself wrote (the fixtures of `dump-log`), and what this crate writes.

use std::path::{Path, PathBuf};

use kfk::record::{BatchBuilder, BatchOptions, BatchView, Codec, Compression, batches};
use kfk::wire::Message;

/// Larger files are no good seeds.
const LARGE: usize = 4 << 10;

fn files(ending: &str) -> Vec<Vec<u8>> {
    let mut stack = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures")];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(dir) = stack.pop() {
        for path in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                stack.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found.into_iter().map(|path| std::fs::read(path).unwrap()).filter(|b| !b.is_empty() && b.len() <= LARGE).collect()
}

fn some(all: Vec<Vec<u8>>, count: usize) -> Vec<Vec<u8>> {
    let every = all.len().div_ceil(count).max(1);
    all.into_iter().step_by(every).collect()
}

/// The small batches of all fixtures, one by one.
fn stored() -> Vec<Vec<u8>> {
    let logs = files(".log");
    let each = |log: &Vec<u8>| batches(log).map_while(Result::ok).map(|b| b.bytes.to_vec()).filter(|b| b.len() < 600).collect::<Vec<_>>();
    logs.iter().flat_map(each).collect()
}

fn requests() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    macro_rules! row {
        ($module:ident, $message:ident, spoken) => {
            row!(@ $module, $message, stringify!($message).ends_with("Request"));
        };
        ($module:ident, $message:ident, stored) => {};
        (@ $module:ident, $message:ident, $is:expr) => {
            if $is {
                all.extend(frames::<kfk::wire::$module::$message>(stringify!($message)));
            }
        };
    }
    kfk::wire::for_each_message!(row);
    all
}

/// The newest version of a request as a frame without its length: header version 2, then the body.
fn frames<M: Message>(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_suffix("Request")?;
    let key = (0..128).find_map(|key| kfk::wire::ApiKey::from_code(key).filter(|k| format!("{k:?}") == name))?;
    let body = M::default().to_bytes(M::MAX).ok()?;
    let mut frame = Vec::new();
    frame.extend((key as i16).to_be_bytes());
    frame.extend(M::MAX.to_be_bytes());
    frame.extend([0, 0, 0, 7, 0, 1, b'c', 0]);
    frame.extend(body);
    Some(frame)
}

fn messages() -> Vec<Vec<u8>> {
    let mut at: u16 = 0;
    let mut all = Vec::new();
    macro_rules! row {
        ($module:ident, $message:ident, $sort:ident) => {
            let version = <kfk::wire::$module::$message as Message>::MAX;
            if let Ok(body) = kfk::wire::$module::$message::default().to_bytes(version) {
                let selected = (at << 5) | (version as u16 & 31);
                all.push([&selected.to_be_bytes()[..], &body].concat());
            }
            at += 1;
        };
    }
    kfk::wire::for_each_message!(row);
    let _ = at;
    all
}

fn built() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for codec in Codec::ALL {
        let compression = Compression { codec, level: None };
        let mut batch = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
        for i in 0..5 {
            batch.append(1_700_000_000_000 + i, Some(b"key"), Some(&[b'v'; 40]), &[]).unwrap();
        }
        all.push(batch.finish().unwrap().to_vec());
    }
    all
}

fn payloads() -> Vec<Vec<u8>> {
    let all = built().into_iter().chain(stored());
    let of = |bytes: Vec<u8>| {
        let view = BatchView::parse(&bytes).ok()?;
        let codec = view.header.codec().ok()?;
        Some([&[codec.id()], view.body()].concat())
    };
    all.filter_map(of).collect()
}

fn coordinator_records() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for batch in stored() {
        let Ok(view) = BatchView::parse(&batch) else { continue };
        let Ok(data) = view.data(1 << 20) else { continue };
        for record in data.iter().map_while(Result::ok) {
            let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
            if key.len() < 255 && value.len() < 400 {
                all.push([&[key.len() as u8], key, value].concat());
            }
        }
    }
    all
}

fn selected(kinds: impl Iterator<Item = (u16, Vec<u8>)>) -> Vec<Vec<u8>> {
    kinds.map(|(kind, bytes)| [&kind.to_be_bytes()[..], &bytes].concat()).collect()
}

fn words(tool: u8, line: &str) -> Vec<u8> {
    [&[tool], line.replace(' ', "\0").as_bytes()].concat()
}

/// Inputs of every target.
pub fn all() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let texts = |texts: &[&str]| texts.iter().map(|t| t.as_bytes().to_vec()).collect::<Vec<_>>();
    let endings = [".index", ".timeindex", ".txnindex", ".snapshot", "leader-epoch-checkpoint"];
    let beside = endings.iter().enumerate().flat_map(|(kind, ending)| {
        some(files(ending), 6).into_iter().flat_map(move |bytes| [(kind as u16, bytes), (kind as u16 | 8 | 64, vec![0xff; 3])])
    });
    let small = [".snapshot", ".txnindex", "leader-epoch-checkpoint", "partition.metadata"];
    let small = small.iter().flat_map(|ending| some(files(ending), 8)).chain(texts(&[
        "0\n2\nt 0 5\nt 1 17\n",
        "0\n0\n",
        "0\n1\n0 0\n",
        "0\n2\n0 0\n3 120\n",
        "version=1\nnode.id=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n",
        "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n",
    ]));
    let metadata = (0..8u16).map(|kind| (kind | 8 | 16, vec![0, 0xff])).chain([
        (
            1,
            b"{\"leaderId\":1,\"leaderEpoch\":3,\"votedId\":-1,\"appliedOffset\":0,\"currentVoters\":[{\"voterId\":1}],\"data_version\":0}"
                .to_vec(),
        ),
        (4, b"0\n1\n__cluster_metadata 0 3\n".to_vec()),
    ]);
    let metadata = metadata.chain(some(stored(), 6).into_iter().map(|batch| (7, batch)));
    vec![
        ("request", requests()),
        ("message", some(messages(), 60)),
        ("record_batch", built().into_iter().chain(some(stored(), 40)).collect()),
        ("batch_body", built().into_iter().chain(some(stored(), 20)).collect()),
        ("codec", some(payloads(), 40)),
        ("log_files", selected(beside)),
        ("small_files", small.collect()),
        ("metadata_dir", selected(metadata)),
        (
            "properties",
            texts(&[
                "listeners=PLAINTEXT://:9092\nlog.dirs=/tmp/x\nnode.id=3\n",
                "a=b\\\n   c\n# no\n! no\nk:v\nk v\n\\u0041=\\t\n",
                "PLAINTEXT://127.0.0.1:9092,SSL://[::1]:9093",
                "num.partitions=x\nlog.retention.hours=168\n",
            ]),
        ),
        ("coordinator_records", some(coordinator_records(), 60)),
        (
            "member_bytes",
            vec![
                b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0".to_vec(),
                b"\0\0\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x01\xff\xff\xff\xff".to_vec(),
                b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0\0\0\0\x05".to_vec(),
                b"\0\0\0\x07".to_vec(),
            ],
        ),
        (
            "command_line",
            vec![
                words(0, "--bootstrap-server localhost:9092 --create --topic t --partitions 3 --config a=b"),
                words(1, "-topic t --list --describe"),
                words(2, "--topic t --bootstrap-server x:1 --reader-property parse.key=true"),
                words(4, "--topic t --from-beginning --max-messages 5 --formatter-property print.key=true"),
                words(6, "--group g --reset-offsets --shift-by -2 --topic t:0,1 --execute"),
                words(7, "--group=g --describe --members --verbose extra"),
                words(8, "--files a.log,b.log --print-data-log --max-message-size x"),
                words(10, "server.properties --override a=b --override"),
            ],
        ),
        (
            "reset_plan",
            texts(&[
                "t,0,5\nt,1,7\n",
                "g,t,0,5\n",
                "\"a\"\"b\",0,1\n",
                "t:0,1,2",
                "t",
                "\n\n,,\n",
                "g,\"x,y\",2147483647,-9223372036854775808\n",
            ]),
        ),
    ]
}
