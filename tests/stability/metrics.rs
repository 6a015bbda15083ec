//! The metrics, their labels and the values of these, read from the text that Prometheus scrapes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breaker_runtime::fleet::Fleet;
use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use breaker_runtime::integrations::prometheus;
use breaker_runtime::queue::RetryQueue;
use breaker_runtime::{Config, Outcome, Registry};

/// Labels whose values the application chooses.
const FREE_LABELS: &[&str] = &["circuit", "le"];

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
