//! Cost of a call without a circuit breaker, with this one, and with other crates, measured in one run.
//!
//! `cargo bench -p breaker-benches --bench table`
//!
//! * ns: median time per call of 15 rounds in which all rows take turns, so that a machine that slows down affects all
//!   rows;
//! * x2: calls per second of two threads, relative to one thread, median of the same rounds;
//! * instr: instructions per call, counted by callgrind over 100,000 calls after the first one.
//!
//! `--write` also writes the tables into the performance page and the README.
//!
//! Only instructions are checked: `--check` fails if a row of this crate is more than 5 % above the committed figure in
//! `table/instructions.txt`, and `--bless` writes the new figures. Both need valgrind. Times are never checked.
//!
//! With `--features integrations`, all integrations are built in and observe the registry while instructions are
//! counted, and the registry belongs to a fleet. `--check` then shows that none of them adds an instruction to a call.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

/// The code of the attribute, included because a proc-macro crate exports only its macros.
#[path = "../../breaker-macros/src"]
#[allow(
    dead_code,
    clippy::wildcard_enum_match_arm,
    clippy::large_enum_variant,
    reason = "the code belongs to another crate"
)]
mod attribute {
    pub(crate) mod grouping;
    pub(crate) mod args;
    pub(crate) mod duration;
    pub(crate) mod repeated;
    pub(crate) mod function;
    pub(crate) mod check;
    pub(crate) mod expand;
    pub(crate) mod recover;
}
use attribute::{args, check, duration, expand, function, grouping, recover, repeated};

#[path = "table/async_peers.rs"]
mod async_peers;
#[path = "table/breaker.rs"]
mod breaker;
mod measure;
mod median;
#[cfg(feature = "integrations")]
#[path = "table/observers.rs"]
mod observers;
mod pages;
mod peers;
#[path = "table/report.rs"]
mod report;
#[path = "table/rows.rs"]
mod rows;
#[path = "table/sync_peers.rs"]
mod sync_peers;
mod throughput;
mod work;

use std::collections::BTreeMap;
use std::process::ExitCode;

use measure::{counted, instructions};
use report::Run;
use rows::{Kind, ROWS, Row};

const COMMITTED: &str = include_str!("table/instructions.txt");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--count", row, calls, ..] => count(row, calls),
        words if words.contains(&"--check") => check(),
        words if words.contains(&"--bless") => bless(),
        words => print_tables(words.contains(&"--write")),
    }
}

fn print_tables(write: bool) -> ExitCode {
    let run = Run::new();
    let (performance, readme) = (run.performance_page(), run.readme());
    println!("{performance}\n{readme}\n{}", breaker::future_sizes());
    if write {
        pages::replace(pages::PERFORMANCE, "calls", &performance);
        pages::replace("README.md", "calls", &readme);
    }
    ExitCode::SUCCESS
}

/// Runs one row under callgrind. The first call, which registers the breaker, is not counted; the observers start
/// after it.
fn count(row: &str, calls: &str) -> ExitCode {
    let row = ROWS.iter().find(|candidate| candidate.name == row).expect("a row of this table");
    (row.run)(1);
    #[cfg(feature = "integrations")]
    observers::start();
    counted(row.run, calls.parse().expect("a number of calls"));
    ExitCode::SUCCESS
}

fn check() -> ExitCode {
    let committed: BTreeMap<&str, u64> = COMMITTED.lines().filter_map(parse).collect();
    let mut code = ExitCode::SUCCESS;
    for (row, found) in checked_instructions() {
        let most = committed.get(row.name).map_or(0, |committed| committed * 105 / 100);
        let verdict = if found <= most { "ok" } else { "TOO MANY: find the cause, or run --bless" };
        println!("{:52} {found:6} instructions, at most {most}: {verdict}", row.name);
        if found > most {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn bless() -> ExitCode {
    let mut counts: BTreeMap<&str, u64> =
        checked_instructions().map(|(row, found)| (row.name, found)).collect();
    // A row that is checked only with, or only without the integrations keeps its figure.
    let committed = COMMITTED.lines().filter_map(parse);
    let known = committed.map(|(name, count)| (name, counts.remove(name).unwrap_or(count)));
    let mut rows: Vec<(&str, u64)> = known.collect();
    rows.extend(counts);
    let lines: Vec<String> = rows.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/table/instructions.txt");
    std::fs::write(path, lines.join("\n") + "\n").expect("the checkout can be written to");
    ExitCode::SUCCESS
}

fn checked_instructions() -> impl Iterator<Item = (&'static Row, u64)> {
    let checked = ROWS.iter().filter(|row| match row.kind {
        Kind::Call => true,
        Kind::Expansion => !cfg!(feature = "integrations"),
        Kind::Unchecked => false,
    });
    checked.map(|row| (row, instructions(row.name).expect("valgrind is installed")))
}

fn parse(line: &str) -> Option<(&str, u64)> {
    let (count, name) = line.split_once(' ')?;
    Some((name, count.parse().ok()?))
}
