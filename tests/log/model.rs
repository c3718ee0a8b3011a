//! Random histories against a plain list of records.

use kfk::log::sim_disk::{SimDisk, Survives};
use kfk::log::{Log, LogConfig, LogDir};
use proptest::prelude::*;

use crate::support::*;

#[derive(Clone, Debug)]
enum Op {
    /// Batches of so many records, appended in one call each, at time steps.
    Append(Vec<(u8, i8)>),
    Read {
        from: u8,
        max: u16,
    },
    ByTime(i16),
    Truncate(u8),
    Advance(u8),
    Retain {
        at: u16,
    },
    Roll,
    Flush,
    /// Stop cleanly (or not) and start again.
    Restart {
        clean: bool,
    },
    Segment(u16),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => prop::collection::vec((1u8..6, -20i8..40), 1..6).prop_map(Op::Append),
        6 => (any::<u8>(), 0u16..900).prop_map(|(from, max)| Op::Read { from, max }),
        4 => (-50i16..400).prop_map(Op::ByTime),
        2 => (0u8..40).prop_map(Op::Truncate),
        1 => (0u8..20).prop_map(Op::Advance),
        2 => (0u16..1500).prop_map(|at| Op::Retain { at }),
        1 => Just(Op::Roll),
        1 => Just(Op::Flush),
        2 => any::<bool>().prop_map(|clean| Op::Restart { clean }),
        1 => (300u16..2000).prop_map(Op::Segment),
    ]
}

struct World {
    disk: SimDisk,
    dir: LogDir,
    log: Log,
    config: LogConfig,
    /// Timestamps relative to T0, from `start`.
    records: Vec<(i64, i64, Vec<u8>)>,
    end: i64,
    time: i64,
}

impl World {
    fn new() -> World {
        let disk = SimDisk::new();
        let config = LogConfig { segment_bytes: 700, index_interval_bytes: 120, retention_ms: 500, ..LogConfig::default() };
        let (dir, log) = open(&disk, &config);
        World { disk, dir, log, config, records: Vec::new(), end: 0, time: 0 }
    }

    fn start(&self) -> i64 {
        self.records.first().map_or(self.end, |r| r.0)
    }

    fn apply(mut self, op: Op) -> World {
        match op {
            Op::Append(batches) => batches.into_iter().for_each(|(n, step)| self.append(n, step)),
            Op::Read { from, max } => self.read(from, usize::from(max)),
            Op::ByTime(t) => {
                let expected = self.records.iter().find(|r| r.1 >= T0 + i64::from(t)).map(|r| (r.0, r.1));
                let got = self.log.offset_for_timestamp(T0 + i64::from(t), i64::MAX).unwrap();
                assert_eq!(got.map(|h| (h.offset, h.timestamp)), expected);
            }
            Op::Truncate(n) => self.truncate(n),
            Op::Advance(n) => {
                let to = (self.start() + i64::from(n)).min(self.end);
                self.log.advance_start(to).unwrap();
                // A start inside the log survives a restart once it is checkpointed.
                self.dir.write_log_starts().unwrap();
                self.records.retain(|r| r.0 >= to);
            }
            Op::Retain { at: ms } => {
                self.log.retain(at(i64::from(ms)), self.end).unwrap();
                let start = self.log.start_offset();
                assert!(self.records.iter().filter(|r| r.0 < start).all(|r| i64::from(ms) - (r.1 - T0) > 500), "only what is old goes");
                self.records.retain(|r| r.0 >= start);
            }
            Op::Roll => self.log.roll(at(0)).unwrap(),
            Op::Flush => self.log.flush().unwrap(),
            Op::Restart { clean } => self = self.restart(clean),
            Op::Segment(bytes) => {
                self.config.segment_bytes = u64::from(bytes);
                self.log.set_config(std::sync::Arc::new(self.config.clone()));
            }
        }
        self
    }

    fn append(&mut self, n: u8, step: i8) {
        self.time += i64::from(step);
        let times: Vec<i64> = (0..i64::from(n)).map(|k| T0 + self.time + (k * 7) % 5).collect();
        let value = format!("v{}", self.end);
        append(&mut self.log, &batch(&times, &value));
        self.records.extend(times.iter().enumerate().map(|(k, t)| (self.end + k as i64, *t, value.clone().into_bytes())));
        self.end += i64::from(n);
    }

    fn read(&mut self, from: u8, max: usize) {
        let from = self.start() + i64::from(from) % (self.end - self.start() + 1);
        let expected: Vec<_> = self.records.iter().filter(|r| r.0 >= from).cloned().collect();
        assert_eq!(read_from(&mut self.log, from, max).unwrap(), expected);
        let most = self.log.read(from, max, false, i64::MAX).unwrap().map_or(0, |s| s.len);
        assert!(most <= max);
    }

    fn truncate(&mut self, n: u8) {
        let to = (self.end - i64::from(n)).max(self.start());
        self.log.truncate_to(at(0), to).unwrap();
        // A batch that reaches over `to` goes as a whole.
        self.end = self.log.end_offset();
        assert!(self.end <= to && self.end > to - 6);
        let end = self.end;
        self.records.retain(|r| r.0 < end);
        // If that batch lay over the start, the start went back with the end.
        self.dir.write_log_starts().unwrap();
    }

    fn restart(self, clean: bool) -> World {
        let World { disk, dir, mut log, config, records, end, time } = self;
        if clean {
            log.close().unwrap();
            drop(log);
            assert!(dir.close(0).unwrap());
        } else {
            disk.crash(Survives::Everything);
            drop((log, dir));
        }
        let (dir, log) = open(&disk, &config);
        assert_eq!(dir.clean_shutdown().is_some(), clean);
        World { disk, dir, log, config, records, end, time }
    }

    fn check(&mut self) {
        assert_eq!((self.log.start_offset(), self.log.end_offset()), (self.start(), self.end));
        let largest = self.records.iter().map(|r| r.1).max();
        let expected = largest.and_then(|t| self.records.iter().find(|r| r.1 == t)).map(|r| (r.0, r.1));
        let got = self.log.max_timestamp(i64::MAX).unwrap();
        assert_eq!(got.map(|h| (h.offset, h.timestamp)), expected);
        assert_eq!(read_all(&mut self.log), self.records);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn v2_a_log_is_a_list_of_records(ops in prop::collection::vec(op(), 1..40)) {
        let mut world = World::new();
        for op in ops {
            world = world.apply(op);
            world.check();
        }
    }
}
