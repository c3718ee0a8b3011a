//! `kfk server --check DIR`: verifies a data directory that no broker uses, and says what is wrong where. Changes nothing.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::error::{CliError, stderr_line};
use super::out::facts::{Column, Facts, number, row, text};
use super::out::progress::Progress;
use super::out::{Format, Out};
use super::tool::Exit;
use crate::node::check::{self, DiskError, Finding, RealDisk, Report, Severity};

const COLUMNS: &[Column] =
    &[text("file"), text("severity"), number("position"), number("offset"), text("what"), text("expected"), text("remedy")];

/// Exit code 0 if nothing is wrong, 1 if something is.
pub fn run(dir: &Path, format: Format) -> Result<Exit, CliError> {
    let begun = Instant::now();
    let (report, clean) = examine(dir)?;
    let mut out = Out::stdout();
    let summary = summary(&report, clean, begun.elapsed().as_secs_f64());
    let row = |f: &Finding| {
        let expected = (!f.expected.is_empty()).then_some(&f.expected);
        row![short(dir, &f.file), severity(f.severity), f.position, f.offset, &f.what, expected, f.remedy]
    };
    Facts::new(COLUMNS, report.findings.iter().map(row)).print(&mut out, format, |out| {
        report.findings.iter().try_for_each(|finding| out.line(told(dir, finding)))?;
        out.line(&summary)
    })?;
    out.flush()?;
    if format != Format::Plain {
        stderr_line(&summary);
    }
    Ok(if report.wrong() > 0 { Exit::FAILED } else { Exit::OK })
}

/// What was found, and whether the last stop was clean. Errors: no directory; a broker runs on it.
pub fn examine(dir: &Path) -> Result<(Report, bool), CliError> {
    let cannot = |e: DiskError| CliError::failed(format!("cannot check {}", dir.display())).cause(e.to_string());
    if !dir.is_dir() {
        return Err(CliError::failed(format!("{} is no directory", dir.display())));
    }
    if check::in_use(dir).map_err(cannot)? {
        let e = CliError::failed(format!("{} is in use by a running broker", dir.display()));
        return Err(e.hint("stop it first: files that are being written cannot be told from damaged ones"));
    }
    let mut bar = Progress::of_checking(check::log_bytes(&RealDisk, dir).map_err(cannot)?, "checking");
    let mut done = 0;
    let checked = check::check(&RealDisk, dir, &mut |bytes| {
        done += bytes;
        bar.reached(done);
    });
    bar.finish();
    checked.map_err(cannot)
}

/// `wrong: t-0/00000000000000000000.log position 316 offset 5: what; expected ...` and what helps, on a line of its own.
pub fn told(dir: &Path, f: &Finding) -> String {
    let mut text = format!("{}: {}", severity(f.severity), short(dir, &f.file));
    for (name, value) in [("position", f.position.map(|p| p.to_string())), ("offset", f.offset.map(|o| o.to_string()))] {
        if let Some(value) = value {
            text.push_str(&format!(" {name} {value}"));
        }
    }
    text.push_str(&format!(": {}", f.what));
    if !f.expected.is_empty() {
        text.push_str(&format!("; expected {}", f.expected));
    }
    text.push_str(&format!("\n  remedy: {}", f.remedy));
    text
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Wrong => "wrong",
        Severity::Note => "note",
    }
}

/// The path inside the directory.
fn short(dir: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(dir).unwrap_or(file);
    if inside.as_os_str().is_empty() { ".".to_string() } else { inside.display().to_string() }
}

fn summary(report: &Report, clean: bool, seconds: f64) -> String {
    let stop = if clean { "clean" } else { "not clean" };
    format!("{}; the last stop was {stop}: {}", looked_at(report, seconds), verdict(report))
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// How much was looked at.
pub fn looked_at(report: &Report, seconds: f64) -> String {
    let (partitions, segments) = (count(report.partitions, "partition"), count(report.segments, "segment"));
    format!("looked at {partitions}, {segments}, {} of records in {seconds:.1} s", count(report.bytes, "byte"))
}

/// How much is wrong.
pub fn verdict(report: &Report) -> String {
    let notes = report.findings.len() - report.wrong();
    let notes = if notes > 0 { format!(", {}", count(notes as u64, "note")) } else { String::new() };
    match report.wrong() {
        0 => format!("nothing is wrong{notes}"),
        1 => format!("1 thing is wrong{notes}"),
        n => format!("{n} things are wrong{notes}"),
    }
}

/// A finding as a line of JSON among others.
pub fn finding(dir: &Path, f: &Finding) -> Value {
    json!({
        "type": "finding",
        "severity": severity(f.severity),
        "file": short(dir, &f.file),
        "position": f.position,
        "offset": f.offset,
        "what": f.what,
        "expected": (!f.expected.is_empty()).then_some(&f.expected),
        "remedy": f.remedy,
    })
}
