//! Cost of the primitives that a circuit breaker consists of, each as a whole call that includes the raw call. They are
//! the limits of the rows of `table` that have not reached their goals, which are measured in the same run.
//!
//! `cargo bench -p breaker-benches --bench limits`
//!
//! The columns are those of `table`. `--write` also writes the table into the performance page. Nothing is checked.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

#[path = "limits/breaker.rs"]
mod breaker;
#[path = "limits/counters.rs"]
mod counters;
#[path = "limits/keys.rs"]
mod keys;
mod measure;
mod median;
mod pages;
#[path = "limits/time.rs"]
mod time;
#[path = "limits/transfer.rs"]
mod transfer;
mod throughput;
#[allow(dead_code, reason = "the bench `table` uses the rest")]
mod work;

use std::fmt::Write as _;
use std::hint::black_box;

use measure::{Run, counted, instructions, throughputs};
use work::{repeat, work};

struct Row {
    name: &'static str,
    run: Run,
}

const fn row(name: &'static str, run: Run) -> Row {
    Row { name, run }
}

/// The primitives of a goal, and after them the row of this crate.
const ROWS: &[Row] = &[
    row("raw call", raw),
    row("counter of the thread", counters::own_counter),
    row("closed, success: breaker", breaker::closed),
    row("one shared write in 10 calls", counters::one_shared_write_in::<10>),
    row(
        "shared run: 1 of 10 calls writes it, the next one clears it, and each reads it",
        counters::shared_run::<10>,
    ),
    row("closed, 10 % failing: breaker", breaker::failing),
    row("one shared write in 64 calls", counters::one_shared_write_in::<64>),
    row("counter of the thread, and a lock in 64 calls", counters::own_counter_and_lock::<64>),
    row("closed, count window, one of 64 failing: breaker", breaker::in_failing_window),
    row("two shared writes in each call", counters::two_shared_writes),
    row("closed, max_concurrent: breaker", breaker::bounded),
    row("coarse clock", time::coarse),
    row("coarse clock, and the number of the slice by a division", time::coarse_and_division),
    row("coarse clock, the end of the slice, and a counter of the thread", time::coarse_and_counter),
    row("closed, time window: breaker", breaker::in_time_window),
    row("1000 keys in turn", keys::in_turn),
    row("hash of the key", keys::hashed),
    row("key found in a `HashMap`", keys::found),
    row("key found in a `HashMap`, and its circuit kept by a hazard word", keys::found_and_kept),
    row("the same, and a counter of the thread in the circuit", keys::found_kept_and_counted),
    row("closed, known keys, 1000 in turn: breaker", breaker::keyed),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["--count", name, calls, ..] = words.as_slice() {
        let row = ROWS.iter().find(|row| row.name == *name).expect("a row of this table");
        // The first call registers a breaker, or fills a map.
        (row.run)(1);
        counted(row.run, calls.parse().expect("a number of calls"));
        return;
    }
    let table = table();
    println!("{table}");
    if words.contains(&"--write") {
        pages::replace(pages::PERFORMANCE, "limits", &table);
    }
}

fn table() -> String {
    let runs: Vec<_> = ROWS.iter().map(|row| (row.run, [1, 2].as_slice())).collect();
    let throughputs = throughputs(&runs);
    let mut table =
        format!("{}.\n\n| whole call | ns | x2 | instr |\n|---|---|---|---|\n", pages::conditions());
    for (Row { name, .. }, throughput) in ROWS.iter().zip(throughputs) {
        let nanos = 1e9 / throughput.median(0);
        let scaling = throughput.scaling().expect("two threads were measured");
        let instructions = instructions(name).map_or("-".to_owned(), |count| count.to_string());
        _ = writeln!(table, "| {name} | {nanos:.2} | {scaling:.2} | {instructions} |");
    }
    _ = writeln!(
        table,
        "\nA cache line that one core has written reaches the other core after {:.0} ns.",
        transfer::nanos()
    );
    table
}

fn raw(calls: u64) {
    repeat(calls, |number| _ = black_box(work(number)));
}
