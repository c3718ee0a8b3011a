//! Bits that rot where no CRC is: in a batch's base offset and its leader epoch.

use std::collections::BTreeSet;

use kfk::log::sim_disk::{SimDisk, Survives};
use kfk::log::{Log, LogConfig, LogDir, LogError};
use kfk::record::{BatchHeader, batches};

use crate::support::*;

/// Where a batch stands, and what its header says.
struct Written {
    file: String,
    position: usize,
    header: BatchHeader,
}

/// Bytes of a header that its CRC does not cover and that say nothing of its size: base offset and leader epoch.
const UNCOVERED: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15];
const EPOCHS: [i64; 4] = [0, 2, 3, 9];

/// Some bits of such bytes for batch `i`: all for two of them, others for each of the rest.
fn bits(i: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = UNCOVERED.into_iter().flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
    all.enumerate().filter(move |(n, _)| [5, 14].contains(&i) || (n + 5 * i).is_multiple_of(12)).map(|(_, bit)| bit)
}

/// A log of several segments under several leader epochs.
fn written(stop_cleanly: bool) -> (SimDisk, Vec<Written>) {
    let disk = SimDisk::new();
    let (dir, mut log) = open(&disk, &small());
    for i in 0..24_i64 {
        let end = log.end_offset();
        let records: Vec<i64> = (0..1 + i % 3).map(|k| T0 + end + k).collect();
        try_append(&mut log, at(0), EPOCHS[i as usize / 6] as i32, &batch(&records, &format!("value-{end:05}"))).unwrap();
    }
    if stop_cleanly {
        stop(dir, log);
    } else {
        log.flush().unwrap();
        disk.crash(Survives::Everything);
    }
    let found = on_disk(&disk);
    assert!(found.len() == 24 && found.iter().map(|w| &w.file).collect::<BTreeSet<_>>().len() > 2);
    (disk, found)
}

fn stop(dir: LogDir, mut log: Log) {
    log.close().unwrap();
    drop(log);
    assert!(dir.close(0).unwrap());
}

fn on_disk(disk: &SimDisk) -> Vec<Written> {
    let mut all = Vec::new();
    for name in names(disk).into_iter().filter(|n| n.ends_with(".log")) {
        let bytes = disk.get(path(&name)).unwrap();
        let mut position = 0;
        for batch in batches(&bytes) {
            let header = batch.unwrap().header;
            all.push(Written { file: path(&name), position, header });
            position += header.size_in_bytes();
        }
    }
    all
}

/// What can be read from `from` on in one piece.
fn headers(log: &mut Log, from: i64, max_bytes: usize) -> Result<Vec<BatchHeader>, LogError> {
    let Some(slice) = log.read(from, max_bytes, true, i64::MAX)? else { return Ok(Vec::new()) };
    let bytes = slice.read()?;
    Ok(batches(&bytes).map(|b| b.unwrap().header).collect())
}

/// Reads in pieces from every offset; everything that comes must have been written so, and all below `good` must come.
fn nothing_wrong_is_served(log: &mut Log, written: &[Written], good: i64, what: &str) {
    for max_bytes in [1, 250] {
        for from in (log.start_offset()..log.end_offset()).rev() {
            let got = match headers(log, from, max_bytes) {
                Ok(got) => got,
                Err(e) => {
                    assert!(matches!(e, LogError::Corrupt { .. }), "{what}: {e}");
                    assert!(from >= good, "{what}: {from} cannot be read: {e}");
                    continue;
                }
            };
            assert!(got.first().is_some_and(|h| (h.base_offset..=h.last_offset()).contains(&from)), "{what}: {from} gives {got:?}");
            for header in got {
                assert!(written.iter().any(|w| w.header == header), "{what}: read at {from}: {header:?}");
            }
        }
    }
    for time in (log.start_offset()..log.end_offset()).map(|offset| T0 + offset) {
        match log.offset_for_timestamp(time, i64::MAX) {
            Ok(hit) => assert_eq!(hit.map(|h| T0 + h.offset), Some(time), "{what}: by time"),
            Err(e) => assert!(time >= T0 + good, "{what}: by time: {e}"),
        }
    }
}

#[test]
fn v3_no_bit_that_rots_after_a_clean_stop_moves_records_or_epochs() {
    let (disk, written) = written(true);
    for (i, batch) in written.iter().enumerate() {
        for bit in bits(i) {
            let disk = disk.fork();
            disk.flip(&batch.file, batch.position + bit.0, 1 << bit.1);
            let what = format!("batch {i} at {}, byte {} bit {}", batch.header.base_offset, bit.0, bit.1);
            let dir = open_dir(&disk);
            // Opening may meet it already.
            let Ok(mut log) = open_in(&dir, &small()) else { continue };
            // A file that says one thing and a batch beside it that says another: nobody knows which of them is wrong.
            let now = on_disk(&disk)[i].header.partition_leader_epoch;
            let ambiguous =
                [i.wrapping_sub(1), i + 1].iter().any(|k| written.get(*k).is_some_and(|w| w.header.partition_leader_epoch == now));
            if bit.0 >= 12 && ambiguous {
                continue;
            }
            nothing_wrong_is_served(&mut log, &written, batch.header.base_offset, &what);
        }
    }
}

#[test]
fn r2_the_last_batch_is_where_the_clean_stop_says_that_the_log_ends() {
    let (disk, written) = written(true);
    let last = written.last().unwrap();
    let before = disk.get(&last.file).unwrap();
    disk.flip(&last.file, last.position + 6, 1);
    let rotten = disk.get(&last.file).unwrap();
    let (dir, mut log) = open(&disk, &small());
    let damage = log.damage().expect("it is not where it was written").clone();
    assert_eq!((damage.offset, damage.position), (last.header.base_offset, last.position as u64), "{}", damage.reason);
    nothing_wrong_is_served(&mut log, &written, last.header.base_offset, "damage");
    assert!(matches!(try_append(&mut log, at(0), 9, &batch(&[T0], "x")), Err(LogError::Damaged { .. })));
    assert_eq!(disk.get(&last.file).unwrap(), rotten, "not a byte is lost");
    drop((dir, log));
    // Put right by hand, it is as it was.
    disk.put(&last.file, &before);
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!(log.damage(), None);
    assert_eq!(read_all(&mut log).len() as i64, log.end_offset());
}

#[test]
fn r12_a_wrong_recovery_point_costs_nothing_but_time() {
    let (disk, written) = written(true);
    let end = written.last().unwrap().header.next_offset();
    for told in [0, 1, end - 1, end + 1, end + 1000, i64::MAX] {
        let disk = disk.fork();
        disk.put(format!("{ROOT}/recovery-point-offset-checkpoint"), format!("0\n1\nt 0 {told}\n").as_bytes());
        let (_dir, mut log) = open(&disk, &small());
        assert_eq!((log.end_offset(), log.damage()), (end, None), "told {told}");
        nothing_wrong_is_served(&mut log, &written, end, &format!("told {told}"));
        try_append(&mut log, at(0), 9, &batch(&[T0], "x")).unwrap();
    }
}

#[test]
fn r8_after_a_kill_a_moved_batch_is_damage_wherever_it_is() {
    let (disk, written) = written(false);
    for (i, batch) in written.iter().enumerate() {
        for bit in bits(i) {
            let disk = disk.fork();
            disk.flip(&batch.file, batch.position + bit.0, 1 << bit.1);
            let what = format!("batch {i} at {}, byte {} bit {}", batch.header.base_offset, bit.0, bit.1);
            let now = on_disk(&disk)[i].header.partition_leader_epoch;
            if bit.0 >= 12 && (i + 1 == written.len() && now > 9 || i > 0 && written[i - 1].header.partition_leader_epoch == now) {
                // The last one's could be the epoch of a leader that nothing else knows of.
                continue;
            }
            let (_dir, mut log) = open(&disk, &small());
            nothing_wrong_is_served(&mut log, &written, batch.header.base_offset, &what);
            let damage = log.damage().unwrap_or_else(|| panic!("{what}")).clone();
            assert_eq!((damage.offset, damage.position), (batch.header.base_offset, batch.position as u64), "{what}: {}", damage.reason);
        }
    }
}

#[test]
fn r7_a_batch_that_was_moved_below_the_recovery_point_is_found_when_it_is_read() {
    let (disk, written) = written(false);
    let end = written.last().unwrap().header.next_offset();
    disk.put(format!("{ROOT}/recovery-point-offset-checkpoint"), format!("0\n1\nt 0 {end}\n").as_bytes());
    let moved = &written[3];
    disk.flip(&moved.file, moved.position + 6, 2);
    let (_dir, mut log) = open(&disk, &small());
    assert_eq!((log.end_offset(), log.damage()), (end, None), "nobody has looked yet");
    nothing_wrong_is_served(&mut log, &written, moved.header.base_offset, "below the recovery point");
    let next_segment = written.iter().find(|w| w.file != moved.file).unwrap().header.base_offset;
    assert!(!headers(&mut log, next_segment, 100).unwrap().is_empty(), "other segments are served");
}

#[test]
fn c12_gaps_are_no_disorder() {
    let disk = SimDisk::new();
    let config = LogConfig { compact: true, ..small() };
    let (dir, mut log) = open(&disk, &config);
    // As a follower of a compacted log gets them.
    for i in 0..20_i64 {
        let mut bytes = batch(&[T0], "v").to_vec();
        bytes[..8].copy_from_slice(&(i * 7).to_be_bytes());
        bytes[12..16].copy_from_slice(&(i as i32 / 5).to_be_bytes());
        log.append_stored(at(0), &bytes).unwrap();
    }
    stop(dir, log);
    let (_dir, mut log) = open(&disk, &config);
    assert_eq!((log.end_offset(), log.damage()), (19 * 7 + 1, None));
    assert_eq!(offsets(&read_from(&mut log, 0, 200).unwrap()), (0..20).map(|i| i * 7).collect::<Vec<_>>());
}

#[test]
fn f3_a_stretch_is_walked_once() {
    let (disk, _) = written(true);
    let (_dir, mut log) = open(&disk, &small());
    let first = headers(&mut log, 0, 400).unwrap();
    // Of what comes while the broker runs nothing is promised; here it shows that what was looked at is not looked at again.
    disk.flip(path("00000000000000000000.log"), first[0].size_in_bytes() + 6, 1);
    let again = log.read(0, 400, true, i64::MAX).unwrap().unwrap();
    assert_eq!(batches(&again.read().unwrap()).count(), first.len());
}
