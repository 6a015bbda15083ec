//! Cost of a call without a circuit breaker, with this one, and with other crates, measured in one run.
//!
//! `cargo bench -p breaker-benches --bench table`
//!
//! * ns: median time per call of 15 rounds in which all rows take turns, so that a machine that slows down affects all
//!   rows;
//! * x2: calls per second of two threads, relative to one thread;
//! * instr: instructions per call, counted by callgrind over 100,000 calls after the first one.
//!
//! Only instructions are checked: `--check` fails if a row of this crate is more than 5 % above the committed figure in
//! `table/instructions.txt`, and `--bless` writes the new figures. Both need valgrind. Times are never checked.
//!
//! With `--features integrations`, all integrations are built in and observe the registry while instructions are
//! counted. `--check` then shows that observers add no instruction to a call.

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

#[path = "table/breaker.rs"]
mod breaker;
#[path = "table/rows.rs"]
mod rows;
#[cfg(feature = "integrations")]
#[path = "table/observers.rs"]
mod observers;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use rows::{Kind, ROWS, Row};

const ROUNDS: usize = 15;
const CALLS: u64 = 1_000_000;
const COMMITTED: &str = include_str!("table/instructions.txt");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--count", row, calls, ..] => count(row, calls),
        words if words.contains(&"--check") => check(),
        words if words.contains(&"--bless") => bless(),
        _ => print_table(),
    }
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

/// Runs the calls that callgrind counts; it finds this function by name.
#[inline(never)]
fn counted(run: fn(u64), calls: u64) {
    run(black_box(calls));
    // Prevents a tail call, since callgrind must see this function return.
    black_box(());
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
    let lines: Vec<String> =
        checked_instructions().map(|(row, found)| format!("{found} {}", row.name)).collect();
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
    checked.map(|row| (row, instructions(row).expect("valgrind is installed")))
}

fn parse(line: &str) -> Option<(&str, u64)> {
    let (count, name) = line.split_once(' ')?;
    Some((name, count.parse().ok()?))
}

fn print_table() -> ExitCode {
    let one = medians(nanos);
    let two = medians(nanos_of_two_threads);
    println!("| whole call | ns | x2 | instr |\n|---|---|---|---|");
    for ((row, one), two) in ROWS.iter().zip(one).zip(two) {
        let instructions = instructions(row).map_or("-".to_owned(), |count| count.to_string());
        println!("| {} | {one:.2} | {:.2} | {instructions} |", row.name, 2.0 * one / two);
    }
    rows::print_future_sizes();
    ExitCode::SUCCESS
}

fn medians(measure: fn(&Row) -> f64) -> Vec<f64> {
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); ROWS.len()];
    for _ in 0..ROUNDS {
        for (row, times) in ROWS.iter().zip(&mut rounds) {
            times.push(measure(row));
        }
    }
    rounds.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "a bench is far from 2^52 ns")]
fn nanos(row: &Row) -> f64 {
    let start = Instant::now();
    (row.run)(CALLS);
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

/// Returns the time per call of each of two threads that run the row at the same time.
fn nanos_of_two_threads(row: &Row) -> f64 {
    std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| nanos(row)));
        threads.map(|thread| thread.join().expect("a row does not panic")).into_iter().sum::<f64>() / 2.0
    })
}

fn instructions(row: &Row) -> Option<u64> {
    const CALLS: u64 = 100_000;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=table::counted*"])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", row.name, &CALLS.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected: u64 =
        text.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()?;
    Some(collected / CALLS)
}
