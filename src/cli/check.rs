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
    let cannot = |e: DiskError| CliError::failed(format!("cannot check {}", dir.display())).cause(e.to_string());
    if !dir.is_dir() {
        return Err(CliError::failed(format!("{} is no directory", dir.display())));
    }
    if check::in_use(dir).map_err(cannot)? {
        let e = CliError::failed(format!("{} is in use by a running broker", dir.display()));
        return Err(e.hint("stop it first: files that are being written cannot be told from damaged ones"));
    }
    let begun = Instant::now();
    let mut bar = Progress::of_checking(check::log_bytes(&RealDisk, dir).map_err(cannot)?, "checking");
    let mut done = 0;
    let checked = check::check(&RealDisk, dir, &mut |bytes| {
        done += bytes;
        bar.reached(done);
    });
    bar.finish();
    let (report, clean) = checked.map_err(cannot)?;
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

/// `wrong: t-0/00000000000000000000.log position 316 offset 5: what; expected ...` and what helps, on a line of its own.
fn told(dir: &Path, f: &Finding) -> String {
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
    let count = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let looked_at = format!(
        "looked at {}, {}, {} of records in {seconds:.1} s; the last stop was {}",
        count(report.partitions, "partition"),
        count(report.segments, "segment"),
        count(report.bytes, "byte"),
        if clean { "clean" } else { "not clean" }
    );
    let notes = report.findings.len() - report.wrong();
    let notes = if notes > 0 { format!(", {}", count(notes as u64, "note")) } else { String::new() };
    match report.wrong() {
        0 => format!("{looked_at}: nothing is wrong{notes}"),
        1 => format!("{looked_at}: 1 thing is wrong{notes}"),
        n => format!("{looked_at}: {n} things are wrong{notes}"),
    }
}

fn document(dir: &Path, report: &Report, clean: bool) -> Value {
    let finding = |f: &Finding| {
        json!({
            "severity": severity(f.severity),
            "file": short(dir, &f.file),
            "position": f.position,
            "offset": f.offset,
            "what": f.what,
            "expected": (!f.expected.is_empty()).then_some(&f.expected),
            "remedy": f.remedy,
        })
    };
    json!({
        "directory": dir.display().to_string(),
        "clean": clean,
        "partitions": report.partitions,
        "segments": report.segments,
        "bytes": report.bytes,
        "wrong": report.wrong(),
        "notes": report.findings.len() - report.wrong(),
        "findings": report.findings.iter().map(finding).collect::<Vec<Value>>(),
    })
}
