//! The process as the operating system sees it, under the names that all Prometheus clients use. What cannot be read is left out.

use std::fs;

use super::text::{Kind, Text};

pub fn write(text: &mut Text) {
    if let Some((cpu, threads, resident)) = stat() {
        text.sample(Kind::Counter, "process_cpu_seconds_total", &[], cpu);
        text.gauge("process_threads", &[], threads);
        text.gauge("process_resident_memory_bytes", &[], resident);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", &[], open.count() as u64);
    }
    if let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        text.gauge("process_max_fds", &[], limit);
    }
}

/// Seconds of processor time, threads, bytes in memory.
fn stat() -> Option<(f64, u64, u64)> {
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold anything.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let cpu = (number(11)? + number(12)?) as f64 / ticks;
    Some((cpu, number(17)?, number(21)? * rustix::param::page_size() as u64))
}
