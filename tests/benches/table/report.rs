//! The tables of the performance page and of the README, made from one run.

use std::fmt::Write as _;

use super::measure::{Throughput, instructions, throughputs};
use super::pages;
use super::rows::{Kind, ROWS, Row};

/// All measurements of one run.
pub(crate) struct Run {
    rows: Vec<Measured>,
    conditions: String,
}

struct Measured {
    row: &'static Row,
    throughput: Throughput,
    instructions: Option<u64>,
}

const ONE: &[usize] = &[1];
const TWO: &[usize] = &[1, 2];
const MANY: &[usize] = &[1, 2, 4, 16];

/// The row that is measured with one thread only. While its circuit is open, tower-resilience polls a timer of one
/// millisecond in a thread that finds the circuit locked, and ignores that it may have ended already. The thread then
/// waits forever.
const SINGLE: &str = "open, rejected, async: tower-resilience";

/// Rows that are measured with more than two threads.
const THREADED: &[&str] = &[
    "closed, success: breaker",
    "closed, count window 100, full and clean: breaker",
    "closed, count window, one of 64 failing: breaker",
    "closed, time window: breaker",
    "closed, known keys, 1000 in turn: breaker",
    "closed, max_concurrent: breaker",
    "closed, 10 % failing: breaker",
    "open, rejected: breaker",
    "closed, success: recloser",
    "closed, success: failsafe",
    "closed, success, async: breaker crate 2.0",
    "closed, success, async: tower-resilience",
    "closed, time window, async: seatbelt",
];

const README_HEAD: &str = "\
| call | no breaker | breaker | recloser 1 | failsafe 1 | breaker crate 2.0 (unrelated) | tower-resilience 0.14 | seatbelt 0.11 |
|---|---|---|---|---|---|---|---|
";

/// The rows of the README: a name, and the measured row of each column.
const README: [(&str, [&str; 7]); 5] = [
    (
        "success",
        [
            "raw call of a function that is not inlined",
            "closed, success, not inlined: breaker",
            "closed, success: recloser",
            "closed, success: failsafe",
            "",
            "",
            "",
        ],
    ),
    (
        "success, async",
        [
            "raw async call, ready at once",
            "closed, success, async: breaker",
            "",
            "",
            "closed, success, async: breaker crate 2.0",
            "closed, success, async: tower-resilience",
            "",
        ],
    ),
    (
        "success, time-based window",
        [
            "raw call of a function that is not inlined",
            "closed, time window: breaker",
            "",
            "closed, time window: failsafe",
            "",
            "",
            "closed, time window, async: seatbelt",
        ],
    ),
    (
        "10 % failures",
        [
            "raw call of a function that is not inlined",
            "closed, 10 % failing: breaker",
            "closed, 10 % failing: recloser",
            "closed, 10 % failing: failsafe",
            "closed, 10 % failing, async: breaker crate 2.0",
            "closed, 10 % failing, async: tower-resilience",
            "closed, 10 % failing, async: seatbelt",
        ],
    ),
    (
        "rejected",
        [
            "",
            "open, rejected: breaker",
            "open, rejected: recloser",
            "open, rejected: failsafe",
            "open, rejected, async: breaker crate 2.0",
            "open, rejected, async: tower-resilience",
            "open, rejected, async: seatbelt",
        ],
    ),
];

impl Run {
    /// Measures all rows.
    pub(crate) fn new() -> Self {
        let rows: Vec<&Row> = ROWS.iter().filter(|row| row.kind != Kind::Expansion).collect();
        let threads = |name| match name {
            SINGLE => ONE,
            name if THREADED.contains(&name) => MANY,
            _ => TWO,
        };
        let with_threads: Vec<_> = rows.iter().map(|&row| (row.run, threads(row.name))).collect();
        let measured = rows.iter().zip(throughputs(&with_threads)).map(|(row, throughput)| Measured {
            row,
            throughput,
            instructions: instructions(row.name),
        });
        Self { rows: measured.collect(), conditions: pages::conditions() }
    }

    /// Returns the tables of the performance page.
    pub(crate) fn performance_page(&self) -> String {
        let mut page =
            format!("{}.\n\n| whole call | ns | x2 | instr |\n|---|---|---|---|\n", self.conditions);
        for Measured { row, throughput, instructions } in &self.rows {
            let instructions = instructions.map_or("-".to_owned(), |count| count.to_string());
            let nanos = 1e9 / throughput.median(0);
            let scaling = throughput.scaling().map_or("-".to_owned(), |scaling| format!("{scaling:.2}"));
            _ = writeln!(page, "| {} | {nanos:.2} | {scaling} | {instructions} |", row.name);
        }
        page += "\n| millions of calls per second, threads: | 1 | 2 | 4 | 16 |\n|---|---|---|---|---|\n";
        for name in THREADED {
            _ = write!(page, "| {name} |");
            let throughput = &self.row(name).throughput;
            for index in 0..MANY.len() {
                _ = write!(page, " {:.1} |", throughput.median(index) / 1e6);
            }
            page.push('\n');
        }
        page
    }

    /// Returns the table of the README.
    pub(crate) fn readme(&self) -> String {
        let mut page = format!("Nanoseconds per call ({}):\n\n{README_HEAD}", self.conditions);
        for (label, names) in README {
            _ = write!(page, "| {label} |");
            for name in names {
                let cell = match name {
                    "" => String::new(),
                    name => format!(" {:.1}", 1e9 / self.row(name).throughput.median(0)),
                };
                _ = write!(page, "{cell} |");
            }
            page.push('\n');
        }
        page
    }

    fn row(&self, name: &str) -> &Measured {
        self.rows.iter().find(|measured| measured.row.name == name).expect("a row of the table has this name")
    }
}
