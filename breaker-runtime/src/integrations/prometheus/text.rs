//! The page that Prometheus scrapes, in the text format that all tools read. The official client writes another one,
//! `OpenMetrics`, which names counters otherwise; and it takes its time over a thousand circuits.

use std::fmt::{Display, Write as _};

use super::{BreakerCollector, DURATION, DURATION_HELP};
use crate::durations::CallDurations;
use crate::integrations::series::{Kind, Point, SERIES, Series, Value};
use crate::snapshot::Snapshot;

/// The lines of a circuit are about so long, in bytes, all together.
const LINES: usize = 4096;

/// A circuit, and its name as it stands in quotes.
struct Circuit {
    name: String,
    seen: Snapshot,
}

#[derive(Default)]
struct Page(String);

pub(super) fn page(breakers: &BreakerCollector) -> String {
    let seen = breakers.registry.snapshots_by_name().into_iter();
    let circuits: Vec<_> = seen.map(|seen| Circuit { name: quotable(seen.name()), seen }).collect();
    let mut page = Page(String::with_capacity(circuits.len() * LINES));
    for series in SERIES {
        page.add_series(series, &circuits);
    }
    page.add_durations(breakers, &circuits);
    page.0
}

fn quotable(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

impl Page {
    fn add_series(&mut self, series: &Series, circuits: &[Circuit]) {
        let (suffix, kind) = match series.kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge => ("", "gauge"),
        };
        self.add_header([series.name, suffix], series.help, kind);
        for circuit in circuits {
            for Point { labels, value } in (series.points)(&circuit.seen) {
                let labels = labels.into_iter().flatten();
                match value {
                    Value::Whole(count) => self.add_line([series.name, suffix], circuit, labels, count),
                    Value::Real(number) => self.add_line([series.name, suffix], circuit, labels, number),
                }
            }
        }
    }

    fn add_durations(&mut self, breakers: &BreakerCollector, circuits: &[Circuit]) {
        self.add_header([DURATION, ""], DURATION_HELP, "histogram");
        for circuit in circuits {
            if let Some(durations) = &circuit.seen.durations {
                self.add_histogram(breakers, circuit, durations);
            }
        }
    }

    fn add_histogram(&mut self, breakers: &BreakerCollector, circuit: &Circuit, durations: &CallDurations) {
        for bound in &breakers.buckets {
            let le = format!("{:?}", bound.as_secs_f64());
            self.add_line([DURATION, "_bucket"], circuit, [("le", &*le)], durations.count_within(*bound));
        }
        self.add_line([DURATION, "_bucket"], circuit, [("le", "+Inf")], durations.count());
        self.add_line([DURATION, "_sum"], circuit, [], durations.sum().as_secs_f64());
        self.add_line([DURATION, "_count"], circuit, [], durations.count());
    }

    fn add_header(&mut self, [name, suffix]: [&str; 2], help: &str, kind: &str) {
        self.0.extend(["# HELP ", name, suffix, " ", help, "\n# TYPE ", name, suffix, " ", kind, "\n"]);
    }

    fn add_line<'a>(
        &mut self,
        [name, suffix]: [&str; 2],
        circuit: &Circuit,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Display,
    ) {
        self.0.extend([name, suffix, "{circuit=\"", &circuit.name]);
        for (key, value) in labels {
            self.0.extend(["\",", key, "=\"", value]);
        }
        // To write to a String never fails.
        _ = writeln!(self.0, "\"}} {value}");
    }
}
