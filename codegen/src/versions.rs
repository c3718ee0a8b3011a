//! Version ranges as the definitions write them: `"3"`, `"3-5"`, `"3+"`, `"none"`.

/// An inclusive range of versions; empty when `low > high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub low: i16,
    pub high: i16,
}

impl Versions {
    pub const NONE: Versions = Versions { low: 0, high: -1 };

    /// Reads the text form; panics on anything else, because a definition we cannot read must stop the build of the code.
    pub fn parse(text: &str) -> Versions {
        let number = |t: &str| t.trim().parse::<i16>().unwrap_or_else(|_| panic!("not a version range: {text:?}"));
        match text.trim() {
            "none" => Versions::NONE,
            t => match t.strip_suffix('+') {
                Some(low) => Versions { low: number(low), high: i16::MAX },
                None => match t.split_once('-') {
                    Some((low, high)) => Versions { low: number(low), high: number(high) },
                    None => Versions { low: number(t), high: number(t) },
                },
            },
        }
    }

    pub fn is_empty(self) -> bool {
        self.low > self.high
    }

    pub fn and(self, other: Versions) -> Versions {
        let both = Versions { low: self.low.max(other.low), high: self.high.min(other.high) };
        if both.is_empty() { Versions::NONE } else { both }
    }

    /// The smallest range that holds both.
    pub fn hull(self, other: Versions) -> Versions {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Versions { low: self.low.min(other.low), high: self.high.max(other.high) },
        }
    }

    /// The Rust condition on `v` that says "in this range", given that `v` is known to be within `known`:
    /// `Always`, `Never`, or an expression.
    pub fn condition(self, known: Versions) -> Condition {
        let both = self.and(known);
        if both.is_empty() {
            return Condition::Never;
        }
        match (both.low > known.low, both.high < known.high) {
            (false, false) => Condition::Always,
            (true, false) => Condition::When(format!("v >= {}", both.low)),
            (false, true) => Condition::When(format!("v <= {}", both.high)),
            (true, true) if both.low == both.high => Condition::When(format!("v == {}", both.low)),
            (true, true) => Condition::When(format!("({}..={}).contains(&v)", both.low, both.high)),
        }
    }
}

/// See [`Versions::condition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Always,
    Never,
    When(String),
}

impl Condition {
    /// The opposite as a Rust expression.
    pub fn negated(&self) -> String {
        match self {
            Condition::Always => "false".into(),
            Condition::Never => "true".into(),
            Condition::When(c) if c.starts_with("v >= ") => c.replace(">=", "<"),
            Condition::When(c) if c.starts_with("v <= ") => c.replace("<=", ">"),
            Condition::When(c) => format!("!({c})"),
        }
    }

    /// The condition as a Rust expression.
    pub fn expression(&self) -> String {
        match self {
            Condition::Always => "true".into(),
            Condition::Never => "false".into(),
            Condition::When(c) => c.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        assert_eq!(Versions::parse("3"), Versions { low: 3, high: 3 });
        assert_eq!(Versions::parse("3-5"), Versions { low: 3, high: 5 });
        assert_eq!(Versions::parse("3+"), Versions { low: 3, high: i16::MAX });
        assert!(Versions::parse("none").is_empty());
    }

    #[test]
    fn conditions_say_no_more_than_needed() {
        let known = Versions::parse("3-9");
        let of = |t: &str| Versions::parse(t).condition(known);
        assert_eq!(of("0+"), Condition::Always);
        assert_eq!(of("0-2"), Condition::Never);
        assert_eq!(of("5+"), Condition::When("v >= 5".into()));
        assert_eq!(of("0-5"), Condition::When("v <= 5".into()));
        assert_eq!(of("5-7"), Condition::When("(5..=7).contains(&v)".into()));
        assert_eq!(of("5"), Condition::When("v == 5".into()));
    }
}
