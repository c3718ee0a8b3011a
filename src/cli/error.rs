//! What can go wrong in a command, and how it is told: `error: ...`, `  cause: ...`, `  hint: ...` on standard error.
//!
//! Under Kafka's name each tool tells it in its own way (`Tool::report_as_kafka`), for which an error also knows the Java class that
//! Kafka would have named.

use std::io::{self, Write};

/// What sort of failure it is; decides the exit code and what Kafka's tools print around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The options do not fit together. Exit code 2; Kafka's tools add a table of all options.
    Usage,
    /// The command line could not be split into options: unknown option, value missing, option not available here. Exit code 2.
    Parse,
    /// The value of one option could not be read. Exit code 2.
    Value,
    /// The configuration given for the client is wrong. Exit code 2.
    Config,
    /// The work failed. Exit code 1.
    Failed,
    /// The work failed, and that has been told already. Exit code 1.
    Told,
    /// A signal ended the work. Not told; exit code 128 and the signal's number.
    Stopped(u8),
    /// Nobody reads standard output any more. Not told at all; exit code 0.
    BrokenPipe,
}

/// A failure that ends a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    pub kind: Kind,
    pub message: String,
    pub cause: Option<String>,
    pub hint: Option<String>,
    /// How Kafka's tools put it.
    pub java: Box<Java>,
    /// Kafka's tools print no table of options after this usage error.
    pub no_table: bool,
}

/// The Java exception behind a failure, as far as Kafka's tools show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Java {
    /// Class with package. Empty: none is known.
    pub class: String,
    /// Its message, where that is not the error's.
    pub message: Option<String>,
    /// The class of an exception that Kafka throws around it.
    pub wrapper: Option<&'static str>,
    /// What caused it, as a line of its own.
    pub caused_by: Option<String>,
}

impl CliError {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        CliError { kind, message: message.into(), cause: None, hint: None, java: Box::default(), no_table: false }
    }

    /// The options do not fit together.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The command line could not be split into options.
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(Kind::Parse, message)
    }

    /// The value of one option could not be read.
    pub fn value(message: impl Into<String>) -> Self {
        Self::new(Kind::Value, message)
    }

    /// The client's configuration is wrong.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message).exception("org.apache.kafka.common.config.ConfigException")
    }

    /// The work failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The work failed, and that has been told already.
    pub fn told() -> Self {
        Self::new(Kind::Told, "")
    }

    /// A signal ended the work.
    pub fn stopped(signal: u8) -> Self {
        Self::new(Kind::Stopped(signal), "")
    }

    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the Java class that Kafka's tools name in this case, with its package.
    pub fn exception(mut self, class: impl Into<String>) -> Self {
        self.java.class = class.into();
        self
    }

    /// Sets what the Java exception says where that is not the error's message.
    pub fn java_message(mut self, message: impl Into<String>) -> Self {
        self.java.message = Some(message.into());
        self
    }

    /// Names the Java class that Kafka throws around the exception.
    pub fn wrapped_in(mut self, class: &'static str) -> Self {
        self.java.wrapper = Some(class);
        self
    }

    /// Sets the line `Caused by: ...`.
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.java.caused_by = Some(cause.into());
        self
    }

    /// Marks a usage error after which Kafka's tools print no table of options.
    pub fn without_table(mut self) -> Self {
        self.no_table = true;
        self
    }

    /// Prints the error in kfk's own form.
    pub fn print(&self) {
        stderr_line(format!("error: {}", self.message));
        if let Some(cause) = &self.cause {
            stderr_line(format!("  cause: {cause}"));
        }
        if let Some(hint) = &self.hint {
            stderr_line(format!("  hint: {hint}"));
        }
    }

    /// The exit code under kfk's own name.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage | Kind::Parse | Kind::Value | Kind::Config => 2,
            Kind::Failed | Kind::Told => 1,
            Kind::Stopped(signal) => 128 + signal,
            Kind::BrokenPipe => 0,
        }
    }

    /// What `getMessage()` of the Java exception gives.
    pub fn kafka_message(&self) -> String {
        match self.java.wrapper {
            Some(_) => self.inner_as_java(),
            None => self.java.message.clone().unwrap_or_else(|| self.message.clone()),
        }
    }

    /// `java.lang.SomeException: message`, as Java prints an exception; the bare message where no class is known.
    pub fn as_java(&self) -> String {
        let inner = self.inner_as_java();
        let text = self.java.wrapper.map_or(inner.clone(), |wrapper| format!("{wrapper}: {inner}"));
        match &self.java.caused_by {
            Some(cause) => format!("{text}\nCaused by: {cause}"),
            None => text,
        }
    }

    /// The exception itself, without what Kafka throws around it.
    pub fn inner_as_java(&self) -> String {
        let message = self.java.message.as_ref().unwrap_or(&self.message);
        match (self.java.class.as_str(), message.as_str()) {
            ("", message) => message.to_owned(),
            // Java tells a message that is empty from none.
            (class, "") if self.java.message.is_none() => class.to_owned(),
            (class, message) => format!("{class}: {message}"),
        }
    }
}

/// Failures of writing to standard output; those of files carry their path in the message and are built where they happen.
impl From<io::Error> for CliError {
    fn from(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::BrokenPipe {
            return CliError::new(Kind::BrokenPipe, "");
        }
        CliError::failed("cannot write to standard output").cause(e.to_string())
    }
}

/// Writes one line to standard error. A closed standard error is nobody's problem.
pub fn stderr_line(line: impl AsRef<str>) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(line.as_ref().as_bytes()).and_then(|()| err.write_all(b"\n"));
}

/// The line that Kafka's tools log for an error: `[2026-01-31 23:59:59,999] ERROR text (class)`, in local time.
pub fn log4j_line(level: &str, text: &str, class: &str) {
    let now = jiff::Zoned::now();
    stderr_line(format!("[{},{:03}] {level} {text} ({class})", now.strftime("%Y-%m-%d %H:%M:%S"), now.millisecond()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_told_apart_from_other_write_errors() {
        assert_eq!(CliError::from(io::Error::from(io::ErrorKind::BrokenPipe)).kind, Kind::BrokenPipe);
        let full = CliError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!((full.kind, full.exit_code()), (Kind::Failed, 1));
    }

    #[test]
    fn an_error_prints_as_java_does() {
        assert_eq!(CliError::config("Invalid value").as_java(), "org.apache.kafka.common.config.ConfigException: Invalid value");
        assert_eq!(CliError::failed("").exception("a.B").as_java(), "a.B");
        assert_eq!(CliError::usage("x").as_java(), "x");
        let wrapped = CliError::failed("cannot read f").exception("N").java_message("f").wrapped_in("W");
        assert_eq!((wrapped.as_java(), wrapped.kafka_message()), ("W: N: f".to_owned(), "N: f".to_owned()));
    }
}
