//! `kafka-storage`, which needs no broker; and a directory that it formatted has one.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::replay::{Replay, dead_address};

#[test]
fn storage_replay() {
    Replay {
        file: "kafka-storage",
        bootstrap: Some(dead_address()),
        // Directories are formatted in the order of a Java hash map.
        any_order: |case| case.stdout.contains("stor/c"),
        side_by_side: |_| false,
        before: &|_, case, dir| {
            let work = dir.to_str().expect("a path");
            for (name, text) in case.files.iter().filter(|(name, _)| !name.starts_with('$')) {
                std::fs::write(dir.join(name), text.replace("$WORK", work)).unwrap();
            }
            case.stdout = case.stdout.replace("$WORK", work);
            case.stderr = case.stderr.replace("$WORK", work);
            if case.remarked("one directory lost") {
                std::fs::remove_dir_all(dir.join("stor/c")).unwrap();
            }
        },
    }
    .run();
}

fn kfk(args: &[&str], dir: &Path) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_kfk")).args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

#[test]
fn a_directory_that_was_formatted_keeps_its_id_and_features() {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path();
    let config = "process.roles=broker,controller\nnode.id=1\nlog.dirs=data\ncontroller.listener.names=CONTROLLER\n\
                  listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0\n";
    std::fs::write(dir.join("s.properties"), config).unwrap();
    let format = ["storage", "format", "-c", "s.properties", "-st", "MkU3OEVBNTcwNTJENDM2Qg", "-r", "4.2"];
    let (done, told) = kfk(&format, dir);
    assert!(done && told.contains("Formatting dynamic metadata voter directory data with metadata.version 4.2-IV1."), "{told}");
    let (done, told) = kfk(&["storage", "info", "-c", "s.properties", "-o", "json"], dir);
    let found: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(done && found[0]["cluster_id"] == "MkU3OEVBNTcwNTJENDM2Qg", "{told}");
    let (done, told) = kfk(&["metadata-quorum", "--embedded", "data", "describe", "--replication", "-o", "json"], dir);
    let found: serde_json::Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    let voter = &found[0]["directory_id"];
    let meta = std::fs::read_to_string(dir.join("data/meta.properties")).unwrap();
    assert!(done && meta.contains(&format!("directory.id={}", voter.as_str().unwrap())), "the voter stands in the log: {told} {meta}");
    let (done, told) = kfk(&format, dir);
    assert!(!done && told.contains("is already formatted"), "{told}");
}
