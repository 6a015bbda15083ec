//! The figures of a fleet, and their table.

use std::fmt::Write as _;
use std::time::Duration;

use super::processes::{PATIENCE, Size, Views};
use super::server::Work;

/// What was measured with one size.
pub(crate) struct Figures {
    pub(crate) size: Size,
    pub(crate) steady: Work,
    pub(crate) one_fails: Times,
    pub(crate) without_push: Times,
    pub(crate) round: Round,
    pub(crate) closed: Times,
    /// Processes whose circuit opened because of one bad process.
    pub(crate) others_open: usize,
    pub(crate) all_fail: Times,
    /// The time that the failing calls of all processes took.
    pub(crate) failing: Duration,
    pub(crate) storm: Work,
    /// Failed exchanges of all processes in all scenes with push.
    pub(crate) errors: u64,
}

/// The cost of one round of trial calls in the whole fleet. There is none of a round that does not end in time.
pub(crate) struct Round {
    pub(crate) asks: u64,
    pub(crate) grants: u64,
    pub(crate) trial_calls: u32,
}

/// The times of all views of some changes, in order for each change.
#[derive(Default)]
pub(crate) struct Times {
    views: Vec<Duration>,
    /// The last view of each change.
    last: Vec<Duration>,
    /// Number of views that did not change in time.
    missing: usize,
}

impl Times {
    /// Adds the times of the views of one change.
    pub(crate) fn add(&mut self, views: Views) {
        self.last.extend(views.times.last());
        self.views.extend(views.times);
        self.missing += views.missing;
        self.views.sort();
        self.last.sort();
    }

    /// Returns the time after which this share of the views had changed, in percent.
    fn percentile(&self, percent: usize) -> String {
        let all = self.views.len() + self.missing;
        let index = (all * percent / 100).min(all.saturating_sub(1));
        if index < self.views.len() || all == 0 {
            text(self.views.get(index).copied())
        } else {
            self.unfinished()
        }
    }

    /// Returns the time of the last view, the median over the changes.
    fn median_of_last(&self) -> String {
        if self.missing > 0 { self.unfinished() } else { text(self.last.get(self.last.len() / 2).copied()) }
    }

    fn longest(&self) -> String {
        if self.missing > 0 { self.unfinished() } else { text(self.last.last().copied()) }
    }

    /// Says that a change did not end in time.
    fn unfinished(&self) -> String {
        let all = self.views.len() + self.missing;
        format!("not within {} s ({} of {all} circuits missing)", PATIENCE.as_secs(), self.missing)
    }
}

fn text(time: Option<Duration>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let millis = time.as_secs_f64() * 1e3;
    if millis < 999.5 { format!("{millis:.0} ms") } else { format!("{:.2} s", millis / 1e3) }
}

/// A row: its name, its cell, and the bounds of the design for the three sizes.
type TableRow = (&'static str, fn(&Figures) -> String, [&'static str; 3]);

const ROWS: &[TableRow] = &[
    (
        "steady: script calls per second, share of a core of the server",
        |it| format!("{:.0}, {:.1} %", it.steady.calls_per_second, it.steady.share),
        ["199, 1.1 %", "989, 3.1 %", "948, 3.3 %"],
    ),
    (
        "time of the server for a script call",
        |it| format!("{:.0} µs", it.steady.time_per_call.as_secs_f64() * 1e6),
        [""; 3],
    ),
    (
        "one dependency fails: last circuit open",
        |it| format!("{}, at most {}", it.one_fails.median_of_last(), it.one_fails.longest()),
        ["57 ms", "45 ms", "117 ms"],
    ),
    (
        "the same without push: median, last circuit open",
        |it| format!("{}, {}", it.without_push.percentile(50), it.without_push.longest()),
        ["0.23 s, 1.2 s"; 3],
    ),
    (
        "one round of trial calls: requests for the lease, leases, calls",
        |Figures { round, .. }| match round.trial_calls {
            0 => format!("no trial call within {} s", PATIENCE.as_secs()),
            calls => format!("{}, {}, {calls}", round.asks, round.grants),
        },
        ["1, 1, 1"; 3],
    ),
    ("recovery: from the first to the last circuit closed", |it| it.closed.longest(), [""; 3]),
    ("one bad process: other circuits open", |it| it.others_open.to_string(), ["0"; 3]),
    (
        "all dependencies fail at once: 99 % of the circuits open",
        |it| it.all_fail.percentile(99),
        ["0.24 s", "0.18 s", "2.65 s"],
    ),
    (
        "the same: failing calls, last circuit open, script calls, time of each",
        |Figures { failing, all_fail, storm, .. }| {
            format!(
                "{}, {}, {}, {:.0} µs",
                text(Some(*failing)),
                all_fail.longest(),
                storm.calls,
                storm.time_per_call.as_secs_f64() * 1e6
            )
        },
        [""; 3],
    ),
    ("failed exchanges in all scenes", |it| it.errors.to_string(), [""; 3]),
];

/// Returns a table with a column for each size. The bounds of the design are in parentheses.
pub(crate) fn table(figures: &[Figures]) -> String {
    let mut table = "| processes x circuit breakers |".to_owned();
    for Figures { size, .. } in figures {
        _ = write!(table, " {} x {} |", size.processes, size.breakers);
    }
    _ = write!(table, "\n|---|{}\n", "---|".repeat(figures.len()));
    for (name, cell, bounds) in ROWS {
        _ = write!(table, "| {name} |");
        for figures in figures {
            let bound = match (figures.size.processes, figures.size.breakers) {
                (200, 50) => bounds[0],
                (1000, 50) => bounds[1],
                (1000, 1000) => bounds[2],
                _ => "",
            };
            let bound = if bound.is_empty() { String::new() } else { format!(" ({bound})") };
            _ = write!(table, " {}{bound} |", cell(figures));
        }
        table.push('\n');
    }
    table
}
