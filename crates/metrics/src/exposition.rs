//! The text that a scrape gets, in either of the two formats that are read everywhere.
//!
//! ```text
//!   Prometheus 0.0.4                        OpenMetrics 1.0.0
//!   # HELP calls_total Calls.               # HELP calls Calls.
//!   # TYPE calls_total counter              # TYPE calls counter
//!   calls_total{result="ok"} 7              calls_total{result="ok"} 7
//!                                           # EOF
//! ```

use crate::histogram::{BOUNDS, Distribution};
use std::fmt::{self, Display, Write};

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    Prometheus,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

/// Metrics as text, written family by family.
#[derive(Debug)]
pub struct Exposition {
    format: Format,
    text: String,
}

/// One metric, whose samples differ by their labels.
#[derive(Debug)]
pub struct Family<'e> {
    name: &'static str,
    text: &'e mut String,
}

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A count.
    Count(u64),
    /// Anything else.
    Number(f64),
}

impl Format {
    /// The content type of an HTTP answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Count(is_so.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Exposition {
    /// With nothing in it.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, text: String::with_capacity(32 * 1024) }
    }

    /// Something that only grows; its name ends with `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        let family = match self.format {
            Format::Prometheus => name,
            Format::OpenMetrics => name.strip_suffix("_total").unwrap_or(name),
        };
        self.begin(name, family, "counter", help)
    }

    /// Something that is so now.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.begin(name, name, "gauge", help)
    }

    /// How long things took; its name ends with `_seconds`.
    pub fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.begin(name, name, "histogram", help)
    }

    fn begin(&mut self, name: &'static str, family: &str, kind: &str, help: &str) -> Family<'_> {
        let text = &mut self.text;
        // Writing to a string does not fail; so below.
        let _ = writeln!(text, "# HELP {family} {help}");
        let _ = writeln!(text, "# TYPE {family} {kind}");
        Family { name, text }
    }

    /// All of it.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

impl Family<'_> {
    /// One sample. No two of a family have the same labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.write("", labels, None, value.into());
    }

    /// The samples of a histogram. No two of a family have the same labels.
    pub fn distribution(&mut self, labels: &[(&str, &str)], distribution: &Distribution) {
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|(_, label)| *label).chain(["+Inf"]);
        for (bucket, bound) in distribution.buckets.iter().zip(bounds) {
            count += bucket;
            self.write("_bucket", labels, Some(bound), count.into());
        }
        self.write("_sum", labels, None, distribution.sum.as_secs_f64().into());
        self.write("_count", labels, None, count.into());
    }

    fn write(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: Value) {
        let text = &mut *self.text;
        text.push_str(self.name);
        text.push_str(suffix);
        let mut before = '{';
        for (label, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            text.push(before);
            let _ = write!(text, "{label}=\"");
            for character in value.chars() {
                match character {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    other => text.push(other),
                }
            }
            text.push('"');
            before = ',';
        }
        if before == ',' {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Histogram;
    use std::time::Duration;

    fn written(format: Format) -> String {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(3));
        let mut out = Exposition::new(format);
        out.counter("calls_total", "Calls.").sample(&[("result", "ok")], 7_u64);
        let mut names = out.gauge("names", "Names.");
        names.sample(&[("of", "a\"b\\c\nd"), ("side", "edge")], 0.5);
        names.sample(&[], true);
        out.histogram("took_seconds", "How long.").distribution(&[("of", "x")], &histogram.distribution());
        out.finish()
    }

    #[test]
    fn both_formats_are_written_as_their_specifications_say() {
        let (prometheus, open) = (written(Format::Prometheus), written(Format::OpenMetrics));
        assert!(prometheus.starts_with(
            "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{result=\"ok\"} 7\n"
        ));
        assert!(
            open.starts_with("# HELP calls Calls.\n# TYPE calls counter\ncalls_total{result=\"ok\"} 7\n")
        );
        let samples = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
        };
        assert_eq!(samples(&prometheus), samples(&open));
        assert!(open.ends_with("\n# EOF\n") && !prometheus.contains("EOF"));
        for line in [
            "names{of=\"a\\\"b\\\\c\\nd\",side=\"edge\"} 0.5",
            "names 1",
            "took_seconds_bucket{of=\"x\",le=\"0.002\"} 0",
            "took_seconds_bucket{of=\"x\",le=\"0.005\"} 1",
            "took_seconds_bucket{of=\"x\",le=\"+Inf\"} 1",
            "took_seconds_sum{of=\"x\"} 0.003",
            "took_seconds_count{of=\"x\"} 1",
        ] {
            assert!(samples(&open).contains(&line.to_owned()), "{line}: {open}");
        }
    }
}
