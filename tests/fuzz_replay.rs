//! The fuzz targets of `fuzz/`, without a fuzzer: every committed input is run again, and a bounded number of mutations of each. With
//! `KFK_FUZZ_ROUNDS=1000000` it is a fuzzer of its own, if a blind one.

use std::path::{Path, PathBuf};

use kfk::rng::Rng;

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code)]
mod targets;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())).map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs one input; one that fails is kept where the message says.
fn run(name: &str, target: fn(&[u8]), data: &[u8], from: &Path) {
    if let Err(why) = std::panic::catch_unwind(|| target(data)) {
        let kept = std::env::temp_dir().join(format!("kfk-fuzz-{name}-{:08x}", crc32c::crc32c(data)));
        std::fs::write(&kept, data).unwrap();
        eprintln!("target {name} fails on {}, made of {}", kept.display(), from.display());
        std::panic::resume_unwind(why);
    }
}

/// A few changes such as a fuzzer makes: bits, bytes, numbers at the edges, pieces cut out, doubled, or taken from another input.
fn mutate(rng: &mut Rng, data: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..1 + rng.below(4) {
        let at = rng.below(data.len() as u64 + 1) as usize;
        let len = (rng.below(16) as usize).min(data.len() - at);
        match rng.below(8) {
            0 if at < data.len() => data[at] ^= 1 << rng.below(8),
            1 if at < data.len() => data[at] = rng.next_u64() as u8,
            2 => {
                const EDGES: [i64; 8] = [0, 1, -1, 127, 128, i32::MAX as i64, i32::MIN as i64, i64::MIN];
                let edge = EDGES[rng.below(8) as usize].to_be_bytes();
                let edge = &edge[8 - [1, 2, 4, 8][rng.below(4) as usize]..];
                let end = (at + edge.len()).min(data.len());
                data[at..end].copy_from_slice(&edge[..end - at]);
            }
            3 => _ = data.drain(at..at + len),
            4 => {
                let piece = data[at..at + len].to_vec();
                data.splice(at..at, piece);
            }
            5 => data.truncate(at),
            6 if !other.is_empty() => {
                let from = rng.below(other.len() as u64) as usize;
                let piece = &other[from..(from + 1 + len).min(other.len())];
                data.splice(at..at, piece.iter().copied());
            }
            _ => data.insert(at, rng.next_u64() as u8),
        }
    }
    data.truncate(1 << 16);
}

fn rounds() -> u64 {
    std::env::var("KFK_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

/// All inputs of a target, then mutations of them.
fn replay(name: &str, rounds: u64) {
    let (_, target) = targets::TARGETS.iter().find(|(n, _)| *n == name).unwrap();
    let inputs = corpus(name);
    assert!(!inputs.is_empty(), "fuzz/corpus/{name} is empty");
    for (path, data) in &inputs {
        run(name, *target, data, path);
    }
    let mut rng = Rng::new(0x6b66_6b00);
    for _ in 0..rounds {
        let (path, data) = &inputs[rng.below(inputs.len() as u64) as usize];
        let (_, other) = &inputs[rng.below(inputs.len() as u64) as usize];
        let mut data = data.clone();
        mutate(&mut rng, &mut data, other);
        run(name, *target, &data, path);
    }
}

#[test]
fn every_target_takes_its_corpus_and_mutations_of_it() {
    for (name, _) in targets::TARGETS {
        let begun = std::time::Instant::now();
        replay(name, rounds());
        eprintln!("{name}: {} ms", begun.elapsed().as_millis());
    }
}

#[test]
fn every_target_has_its_file_and_its_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        assert!(root.join(format!("fuzz_targets/{name}.rs")).exists(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let mut total = 0;
    for (name, _) in targets::TARGETS {
        total += corpus(name).iter().map(|(_, data)| data.len()).sum::<usize>();
    }
    assert!(total < 1 << 20, "the corpora take {total} bytes");
}

/// Writes first inputs: real messages, batches and files. `cargo test --test fuzz_replay -- --ignored seeds`.
#[test]
#[ignore = "writes fuzz/corpus"]
fn seeds() {
    for (name, inputs) in seed::all() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for data in inputs {
            std::fs::write(dir.join(format!("{:08x}", crc32c::crc32c(&data))), data).unwrap();
        }
    }
}

#[path = "fuzz_seeds/mod.rs"]
mod seed;
