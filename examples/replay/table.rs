//! The results of replays as a table in the terminal.

use std::fmt::Write as _;
use std::time::Duration;

use crate::play::{Outage, Replay};
use crate::sweep::Candidate;

/// Maximum number of outages that are listed.
const SHOWN: usize = 20;

/// Returns a table with one row for each configuration. Rows that no other row dominates are marked.
pub(crate) fn comparison(candidates: &[Candidate]) -> String {
    let width =
        candidates.iter().map(|candidate| candidate.label.len()).max().unwrap_or(0).max("settings".len());
    let mut text = format!(
        "  {:width$}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}  {:>9}\n",
        "settings", "openings", "spared", "lost", "failed", "to open", "to close"
    );
    for candidate in candidates {
        let Candidate { label, replay, is_best } = candidate;
        let mark = if *is_best { '*' } else { ' ' };
        let Replay { outages, spared, lost, admitted_failures, .. } = replay;
        let to_open = median(outages.iter().filter_map(time_to_open));
        let to_close = median(outages.iter().filter_map(time_to_close));
        _ = writeln!(
            text,
            "{mark} {label:width$}  {:>8}  {spared:>8}  {lost:>8}  {admitted_failures:>8}  {:>9}  {:>9}",
            outages.len(),
            seconds(to_open),
            seconds(to_close)
        );
    }
    text
}

/// Returns a list of the outages of one configuration.
pub(crate) fn outages(replay: &Replay) -> String {
    let mut text = String::new();
    for outage in replay.outages.iter().take(SHOWN) {
        let key = outage.key.as_ref().map(|key| format!(" [{}]", key.escape_debug())).unwrap_or_default();
        let closed = outage.closed.map_or_else(|| "never".to_owned(), at);
        _ = writeln!(text, "  opened at {}{key}, closed at {closed}: {}", at(outage.opened), outage.reason);
    }
    match replay.outages.len().saturating_sub(SHOWN) {
        0 => {}
        more => _ = writeln!(text, "  and {more} more"),
    }
    text
}

/// Explains the columns of the table.
pub(crate) const LEGEND: &str = "\
openings   how often a circuit opened
spared     rejected calls that failed in the trace: the more, the better
lost       rejected calls that succeeded in the trace: the fewer, the better
failed     failing calls that were not rejected
to open    median time from the first failure of an incident until the circuit opened
to close   median time from then until it closed
*          no other row is at least as good in spared and lost, and better in one of them
";

fn time_to_open(outage: &Outage) -> Option<Duration> {
    outage.first_failure.map(|first| outage.opened.saturating_sub(first))
}

fn time_to_close(outage: &Outage) -> Option<Duration> {
    outage.closed.map(|closed| closed.saturating_sub(outage.opened))
}

fn median(times: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied()
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
}

/// Formats a time of the trace: `0:01:23.4`.
pub(crate) fn at(time: Duration) -> String {
    let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
    format!("{}:{:02}:{seconds:02}.{}", minutes / 60, minutes % 60, time.subsec_millis() / 100)
}
