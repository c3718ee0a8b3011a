//! The files: profiles under `$XDG_CONFIG_HOME/kfk`, and the project's `.kfk.properties`.
//!
//! ```text
//! ~/.config/kfk/profiles/NAME.properties    bootstrap.servers, command.config, output
//! ~/.config/kfk/profile                     the name of the profile in use
//! .kfk.properties                           the same three, and profile; in the working directory or above it, up to the repository's root
//! ```

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::error::{CliError, stderr_line};
use crate::config::parse_properties;

pub const BROKERS: &str = "bootstrap.servers";
pub const CONFIG: &str = "command.config";
pub const OUTPUT: &str = "output";
const PROFILE: &str = "profile";
const PROJECT_FILE: &str = ".kfk.properties";

/// What a profile or a project's file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    pub brokers: Option<String>,
    pub config: Option<PathBuf>,
    pub output: Option<String>,
    /// The profile that a project wants.
    pub profile: Option<String>,
}

/// Where profiles are; `None` without a home.
fn home() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(config.join("kfk"))
}

fn needed_home() -> Result<PathBuf, CliError> {
    home().ok_or_else(|| CliError::failed("there is no place for profiles").hint("set HOME or XDG_CONFIG_HOME"))
}

fn file_of(home: &Path, name: &str) -> PathBuf {
    home.join("profiles").join(format!("{name}.properties"))
}

/// Names are parts of file names.
pub fn check_name(name: &str) -> Result<(), CliError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(allowed) {
        let e = CliError::value(format!("{name:?} is no name for a profile"));
        return Err(e.hint("a name has letters, digits, hyphens, underscores and dots, and does not begin with a dot"));
    }
    Ok(())
}

/// The names of all profiles, in order.
pub fn names() -> Vec<String> {
    let Some(entries) = home().and_then(|home| fs::read_dir(home.join("profiles")).ok()) else { return Vec::new() };
    let name = |entry: fs::DirEntry| entry.file_name().into_string().ok()?.strip_suffix(".properties").map(str::to_owned);
    let mut names: Vec<String> = entries.filter_map(Result::ok).filter_map(name).filter(|n| check_name(n).is_ok()).collect();
    names.sort();
    names
}

/// A profile. Error: there is none of this name.
pub fn profile(name: &str) -> Result<Values, CliError> {
    check_name(name)?;
    let path = file_of(&needed_home()?, name);
    match fs::read(&path) {
        Ok(text) => Ok(parse(&String::from_utf8_lossy(&text), &path, false)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(no_profile(name)),
        Err(e) => Err(CliError::failed(format!("cannot read {}", path.display())).cause(e.to_string())),
    }
}

fn no_profile(name: &str) -> CliError {
    let known = names();
    let hint = match known.is_empty() {
        true => format!("`kfk profile set {name} --bootstrap-server HOST:PORT` makes it"),
        false => format!("there are {}", known.join(", ")),
    };
    CliError::value(format!("there is no profile {name}")).hint(hint)
}

/// The profile in use.
pub fn in_use() -> Option<String> {
    let name = fs::read_to_string(home()?.join("profile")).ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// Makes `name` the profile in use; `None`: no profile is.
pub fn make_in_use(name: Option<&str>) -> Result<(), CliError> {
    let path = needed_home()?.join("profile");
    match name {
        Some(name) => {
            profile(name)?;
            write(&path, &format!("{name}\n"))
        }
        None => remove(&path),
    }
}

/// Writes a profile.
pub fn save(name: &str, values: &Values) -> Result<(), CliError> {
    check_name(name)?;
    let config = values.config.as_ref().map(|path| path.display().to_string());
    let pairs = [(BROKERS, &values.brokers), (CONFIG, &config), (OUTPUT, &values.output)];
    let escaped = |value: &str| value.replace('\\', "\\\\");
    let text: String = pairs.iter().filter_map(|(key, value)| value.as_ref().map(|v| format!("{key}={}\n", escaped(v)))).collect();
    write(&file_of(&needed_home()?, name), &text)
}

/// Removes a profile, also from use.
pub fn delete(name: &str) -> Result<(), CliError> {
    profile(name)?;
    if in_use().as_deref() == Some(name) {
        make_in_use(None)?;
    }
    remove(&file_of(&needed_home()?, name))
}

fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(CliError::failed(format!("cannot remove {}", path.display())).cause(e.to_string()))
        }
        _ => Ok(()),
    }
}

/// Written aside and renamed, so that nobody reads half of it.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |e: io::Error| CliError::failed(format!("cannot write {}", path.display())).cause(e.to_string());
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(failed)?;
    let mut aside = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    aside.write_all(text.as_bytes()).map_err(failed)?;
    aside.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// The project's file and what it says: the nearest one from the working directory up to the root of the repository, or of the disk.
pub fn project() -> Result<Option<(PathBuf, Values)>, CliError> {
    let Ok(here) = std::env::current_dir() else { return Ok(None) };
    for dir in here.ancestors() {
        let path = dir.join(PROJECT_FILE);
        match fs::read(&path) {
            Ok(text) => {
                let values = parse(&String::from_utf8_lossy(&text), &path, true);
                inside(dir, &path, values.config.as_deref())?;
                return Ok(Some((path, values)));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(CliError::failed(format!("cannot read {}", path.display())).cause(e.to_string())),
        }
        if dir.join(".git").exists() {
            break;
        }
    }
    Ok(None)
}

/// A project that somebody else wrote must not have our secrets sent to its brokers.
fn inside(dir: &Path, file: &Path, config: Option<&Path>) -> Result<(), CliError> {
    let Some(config) = config else { return Ok(()) };
    let real = |path: &Path| fs::canonicalize(path).ok();
    match (real(dir), real(config)) {
        (Some(dir), Some(config)) if !config.starts_with(&dir) => {
            let e = CliError::config(format!("{}: {CONFIG} is outside of the project", file.display()));
            Err(e.hint("a project's file may only name files of the project; a profile may name any"))
        }
        _ => Ok(()),
    }
}

/// Paths are taken from the file's directory. What is not known is told by its key; a value may be secret.
fn parse(text: &str, path: &Path, is_project: bool) -> Values {
    let mut values = Values::default();
    for (key, value) in parse_properties(text) {
        let value = Some(value.trim().to_owned()).filter(|v| !v.is_empty());
        match key.as_str() {
            BROKERS => values.brokers = value,
            CONFIG => values.config = value.map(|v| path.parent().unwrap_or(Path::new("")).join(v)),
            OUTPUT => values.output = value,
            PROFILE if is_project => values.profile = value,
            _ if std::env::var_os("KFK_COMPLETE").is_some() => {}
            _ => {
                let known = if is_project { [BROKERS, CONFIG, OUTPUT, PROFILE].as_slice() } else { &[BROKERS, CONFIG, OUTPUT] };
                stderr_line(format!("warning: {}: {key} is passed over; known are {}", path.display(), known.join(", ")));
            }
        }
    }
    values
}
