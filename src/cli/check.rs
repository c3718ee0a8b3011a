//! `kfk server --check DIR`: verifies a data directory that no broker uses, and says what is wrong where. Changes nothing.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::error::CliError;
use super::out::progress::Progress;
use super::out::{Format, Out, json as json_out};
use super::tool::Exit;
use crate::node::check::{self, DiskError, Finding, RealDisk, Report, Severity};

/// Exit code 0 if nothing is wrong, 1 if something is.
pub fn run(dir: &Path, format: Format) -> Result<Exit, CliError> {
    let begun = Instant::now();
    let (report, clean) = examine(dir)?;
    let mut out = Out::stdout();
    match format {
        Format::Json => json_out::print(&mut out, &document(dir, &report, clean))?,
        Format::Table | Format::Plain => {
            for finding in &report.findings {
                out.line(told(dir, finding))?;
            }
            out.line(summary(&report, clean, begun.elapsed().as_secs_f64()))?;
        }
    }
    out.flush()?;
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

/// A finding as JSON, with a field `type` before the others if one is wanted.
pub fn finding(dir: &Path, f: &Finding, kind: Option<&str>) -> Value {
    let fields = json!({
        "type": kind,
        "severity": severity(f.severity),
        "file": short(dir, &f.file),
        "position": f.position,
        "offset": f.offset,
        "what": f.what,
        "expected": (!f.expected.is_empty()).then_some(&f.expected),
        "remedy": f.remedy,
    });
    match fields {
        Value::Object(mut fields) if kind.is_none() => {
            fields.shift_remove("type");
            Value::Object(fields)
        }
        fields => fields,
    }
}

fn document(dir: &Path, report: &Report, clean: bool) -> Value {
    json!({
        "directory": dir.display().to_string(),
        "clean": clean,
        "partitions": report.partitions,
        "segments": report.segments,
        "bytes": report.bytes,
        "wrong": report.wrong(),
        "notes": report.findings.len() - report.wrong(),
        "findings": report.findings.iter().map(|f| finding(dir, f, None)).collect::<Vec<Value>>(),
    })
}
