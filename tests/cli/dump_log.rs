//! `kafka-dump-log`: needs no broker, but the files that the recording was made on. More recorded dumps are in `tests/dump_log.rs`.

use std::fs;
use std::path::Path;

use crate::replay::Replay;

#[test]
fn dump_log_replays() {
    Replay {
        file: "kafka-dump-log",
        // Nobody is asked: all commands are run.
        bootstrap: Some(String::from("nowhere")),
        any_order: |_| false,
        side_by_side: |_| true,
        before: &|_, case, dir| {
            case.stderr = case.stderr.replace("$PWD", dir.to_str().unwrap());
            if !dir.join("orders-0").exists() {
                prepare(dir);
            }
        },
    }
    .run();
}

/// Copies, and the files whose content shows only in their sizes.
fn prepare(dir: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dump-log-fixtures");
    for (from, to) in [("basic/orders-0", "orders-0"), ("transactional/txn-0", "txn-0")] {
        fs::create_dir(dir.join(to)).unwrap();
        for file in fs::read_dir(fixtures.join(from)).unwrap().map(|entry| entry.unwrap().path()) {
            fs::copy(&file, dir.join(to).join(file.file_name().unwrap())).unwrap();
        }
    }
    fs::copy(fixtures.join("cluster-metadata/__cluster_metadata-0/bootstrap.checkpoint"), dir.join("bootstrap.checkpoint")).unwrap();
    fs::write(dir.join("00000000000000000005.log"), "this is not a log ".repeat(4).split_at(59).0).unwrap();
    fs::write(dir.join("00000000000000000006.log"), "").unwrap();
    fs::write(dir.join("00000000000000000007.log"), "four").unwrap();
}
