//! The metrics, their labels and the values of these, read from the text that Prometheus scrapes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breaker_runtime::fleet::Fleet;
use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use breaker_runtime::integrations::prometheus;
use breaker_runtime::queue::RetryQueue;
use breaker_runtime::{Config, Outcome, Registry};

use crate::crate_tree::read;

/// Labels whose values the application chooses.
const FREE_LABELS: &[&str] = &["circuit", "le"];

/// The file whose documentation has the tables of all metrics.
const TABLES: &str = "breaker-runtime/src/integrations/prometheus.rs";

/// Returns one line for each metric of a process that uses everything.
pub(crate) fn lines() -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let text = runtime.block_on(async {
        let registry = Registry::new();
        // The fleet is not reached, which its metrics report.
        let fleet = Fleet::builder("redis://127.0.0.1:1", "stability").registry(&registry).connect();
        let fleet = fleet.expect("a process may start before Redis");
        let config = Config::builder().window_calls(10).failure_rate(0.5).slow_call(Duration::from_secs(1));
        let config = config.max_concurrent(9).build().expect("valid settings");
        let breaker = registry.register("payment", config).expect("a valid name");
        breaker.try_acquire().expect("closed").settle(Outcome::Success);
        let queue: RetryQueue<u8> = RetryQueue::in_memory(&breaker, 1);
        let keyed = registry.register_keyed("hosts", Config::default(), 9).expect("a valid name");
        keyed.get("a").try_acquire().expect("closed").settle(Outcome::Failure);
        let mut reader = ConfigReader::new(&registry);
        reader.load_text("breakers.toml", ConfigFormat::Toml, b"").expect("an empty document");
        let text = prometheus::encode(&registry);
        drop((queue, fleet));
        text
    });
    describe(&text)
}

/// Returns the kind, the name and the labels of each metric.
fn describe(text: &str) -> Vec<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| format!("{kind} {name}{}", labels(text, name))).collect()
}

/// Returns `{label, label=value|value}`.
fn labels(text: &str, name: &str) -> String {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name) else { continue };
        // A histogram has the suffixes `_bucket`, `_sum` and `_count`.
        let suffixes = ["_bucket", "_sum", "_count"];
        let rest = suffixes.iter().find_map(|suffix| rest.strip_prefix(suffix)).unwrap_or(rest);
        let Some((pairs, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else { continue };
        for (label, value) in pairs.split(',').filter_map(|pair| pair.split_once('=')) {
            labels.entry(label).or_default().insert(value.trim_matches('"'));
        }
    }
    let describe = |(label, values): (&&str, &BTreeSet<&str>)| {
        if FREE_LABELS.contains(label) {
            (*label).to_owned()
        } else {
            format!("{label}={}", values.iter().copied().collect::<Vec<_>>().join("|"))
        }
    };
    let labels: Vec<String> = labels.iter().map(describe).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(", ")) }
}

#[test]
fn labels_are_collected_from_all_lines() {
    let text = "# TYPE a counter\na{circuit=\"x\",to=\"open\"} 1\na{circuit=\"y\",to=\"closed\"} 1\n\
                # TYPE b histogram\nb_bucket{circuit=\"x\",le=\"1\"} 2\nb_sum{circuit=\"x\"} 1\n";
    assert_eq!(describe(text), ["counter a{circuit, to=closed|open}", "histogram b{circuit, le}"]);
}

#[test]
fn the_tables_name_every_metric_and_every_value_of_its_labels() {
    let source = read(TABLES).expect("the source can be read");
    let rows: Vec<&str> = source.lines().filter(|line| line.starts_with("//! | `circuit_breaker_")).collect();
    let mut missing = Vec::new();
    let mut exported = BTreeSet::new();
    for line in lines() {
        let mut words = line.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| !it.is_empty());
        let name = words.nth(1).expect("each line has a kind and a name");
        let first_cell = |row: &&&str| row.split('|').nth(1).is_some_and(|cell| names(cell, name));
        match rows.iter().find(first_cell) {
            Some(row) => missing.extend(
                words.filter(|word| *word != "le" && !names(row, word)).map(|word| format!("{name}: {word}")),
            ),
            None => missing.push(name.to_owned()),
        }
        exported.insert(name.to_owned());
    }
    let listed = rows.iter().filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split('`'));
    let listed = listed.filter(|name| name.starts_with("circuit_breaker_"));
    let wrong: Vec<&str> = listed.filter(|name| !exported.contains(*name)).collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "in the tables of {TABLES}, {missing:?} are missing and {wrong:?} are wrong"
    );
}

/// Returns `true` if the text contains the word between backticks.
fn names(text: &str, word: &str) -> bool {
    text.contains(&format!("`{word}`"))
}

#[test]
fn the_page_about_opentelemetry_has_the_largest_number_of_series_of_a_circuit() {
    let text = read("breaker-runtime/src/integrations/opentelemetry.rs").expect("the source can be read");
    let lines = lines();
    let of_circuits = lines.iter().filter(|line| line.contains("{circuit, ") && !line.contains(" to="));
    let most = of_circuits.map(|line| line.matches('|').count() + 1).max().expect("there are such metrics");
    let text = text.replace("\n//!", "");
    assert!(
        text.contains(&format!("Every other instrument has at most {most} series for each circuit")),
        "{most}"
    );
}
