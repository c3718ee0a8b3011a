//! One setting: its row, and how a value is read and checked. Error texts are Kafka's, since scripts see them.

use std::fmt;

/// A refused setting; the text is complete and fit for a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub fn new(text: impl Into<String>) -> Self {
        ConfigError(text.into())
    }

    pub(super) fn unknown_topic(name: &str) -> Self {
        ConfigError(format!("Unknown topic config name: {name}"))
    }

    fn value(name: &str, value: impl fmt::Display, why: impl fmt::Display) -> Self {
        ConfigError(format!("Invalid value {value} for configuration {name}: {why}"))
    }
}

/// A value's type, numbered as DescribeConfigs numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// Which values are allowed, beyond the type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Valid {
    Any,
    Range {
        min: i64,
        max: Option<i64>,
    },
    Real {
        min: f64,
        max: Option<f64>,
    },
    OneOf(&'static [&'static str]),
    OneOfIgnoringCase(&'static [&'static str]),
    /// 1 to 9, or -1 for the codec's own default.
    GzipLevel,
    NonEmptyList,
    NonEmptyString,
}

/// Where a setting can change at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    ReadOnly,
    ClusterWide,
    PerBroker,
    /// Topic and group settings: always.
    Dynamic,
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub default: Option<&'static str>,
    pub valid: Valid,
    pub update: Update,
    pub sensitive: bool,
    /// Accepted, but left out of listings.
    pub internal: bool,
    /// Topic settings: the broker settings that give the default, first one set wins.
    pub broker: &'static [&'static str],
}

impl Key {
    /// Checks a value.
    pub fn check(&self, text: &str) -> Result<(), ConfigError> {
        self.canonical(text).map(|_| ())
    }

    /// Checks a value and gives it back in the form that DescribeConfigs shows: trimmed, lists without blanks.
    pub fn canonical(&self, text: &str) -> Result<String, ConfigError> {
        let t = text.trim();
        let out = match self.kind {
            Kind::Boolean => match t.to_ascii_lowercase().as_str() {
                "true" => "true".to_string(),
                "false" => "false".to_string(),
                _ => return Err(ConfigError::value(self.name, text, "Expected value to be either true or false")),
            },
            Kind::Short => self.whole::<i16>(t, "SHORT")?,
            Kind::Int => self.whole::<i32>(t, "INT")?,
            Kind::Long => self.whole::<i64>(t, "LONG")?,
            Kind::Double => self.real(t)?,
            Kind::List => split_list(t).join(","),
            Kind::String | Kind::Class | Kind::Password => t.to_string(),
        };
        self.check_words(&out)?;
        Ok(out)
    }

    fn whole<T: std::str::FromStr + Into<i64> + Copy>(&self, t: &str, name: &str) -> Result<String, ConfigError> {
        let n: T = t.parse().map_err(|_| ConfigError::value(self.name, t, format_args!("Not a number of type {name}")))?;
        let n: i64 = n.into();
        match self.valid {
            Valid::Range { min, .. } if n < min => Err(ConfigError::value(self.name, t, format_args!("Value must be at least {min}"))),
            Valid::Range { max: Some(max), .. } if n > max => {
                Err(ConfigError::value(self.name, t, format_args!("Value must be no more than {max}")))
            }
            Valid::GzipLevel if n != -1 && !(1..=9).contains(&n) => {
                Err(ConfigError::value(self.name, t, "Value must be between 1 and 9 or equal to -1"))
            }
            _ => Ok(n.to_string()),
        }
    }

    fn real(&self, t: &str) -> Result<String, ConfigError> {
        let n: f64 = t.parse().map_err(|_| ConfigError::value(self.name, t, "Not a number of type DOUBLE"))?;
        match self.valid {
            Valid::Real { min, .. } if n < min => Err(ConfigError::value(self.name, t, format_args!("Value must be at least {min}"))),
            Valid::Real { max: Some(max), .. } if n > max => {
                Err(ConfigError::value(self.name, t, format_args!("Value must be no more than {max}")))
            }
            _ => Ok(t.to_string()),
        }
    }

    fn check_words(&self, value: &str) -> Result<(), ConfigError> {
        let one = |ok: &dyn Fn(&str) -> bool, words: &[&str]| {
            let list = split_list(value);
            let given = if self.kind == Kind::List { list.as_slice() } else { std::slice::from_ref(&value) };
            match given.iter().find(|w| !ok(w)) {
                Some(w) => Err(ConfigError::value(self.name, w, format_args!("String must be one of: {}", words.join(", ")))),
                None => Ok(()),
            }
        };
        match self.valid {
            Valid::OneOf(words) => one(&|w| words.contains(&w), words),
            Valid::OneOfIgnoringCase(words) => one(&|w| words.iter().any(|x| x.eq_ignore_ascii_case(w)), words),
            Valid::NonEmptyString if value.is_empty() => Err(ConfigError::value(self.name, value, "String must be non-empty")),
            Valid::NonEmptyList if value.is_empty() => Err(ConfigError::value(self.name, value, "Configuration must not be empty")),
            _ => Ok(()),
        }
    }
}

/// The entries of a comma-separated list, trimmed; an empty text is an empty list.
pub fn split_list(text: &str) -> Vec<&str> {
    if text.trim().is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() }
}
