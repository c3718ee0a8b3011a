//! Prometheus' text format: `# TYPE` once for each name, then its samples.

use std::fmt::Write;

/// A page under construction.
#[derive(Default)]
pub struct Text {
    page: String,
    last: &'static str,
}

/// Whether a number only grows.
#[derive(Clone, Copy)]
pub enum Kind {
    Counter,
    Gauge,
}

impl Text {
    /// Adds one sample. All samples of a name must follow each other.
    pub fn sample(&mut self, kind: Kind, name: &'static str, labels: &[(&str, &str)], value: f64) {
        if self.last != name {
            self.last = name;
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let _ = writeln!(self.page, "# TYPE {name} {kind}");
        }
        self.page.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.page, "{}{label}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(value));
        }
        let _ = writeln!(self.page, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    pub fn counter(&mut self, name: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample(Kind::Counter, name, labels, value as f64);
    }

    pub fn gauge(&mut self, name: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample(Kind::Gauge, name, labels, value as f64);
    }

    pub fn into_page(self) -> String {
        self.page
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_below_their_type_with_escaped_labels() {
        let mut text = Text::default();
        text.counter("a_total", &[], 3);
        text.gauge("b", &[("topic", "x\"\\\n"), ("n", "1")], 1);
        text.sample(Kind::Gauge, "b", &[], 0.25);
        let expected = "# TYPE a_total counter\na_total 3\n# TYPE b gauge\nb{topic=\"x\\\"\\\\\\n\",n=\"1\"} 1\nb 0.25\n";
        assert_eq!(text.into_page(), expected);
    }
}
