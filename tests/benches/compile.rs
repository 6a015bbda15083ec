//! Compile time of 500 functions without an attribute, with this one, and with other common attributes, measured in
//! one run.
//!
//! `cargo bench -p breaker-benches --bench compile`
//! `cargo bench -p breaker-benches --bench compile -- --instructions`
//!
//! * check: median of 9 rounds of `rustc --emit=metadata`, as run by `cargo check`. All rows take turns and each round
//!   starts with another row, so that a machine that slows down affects all rows;
//! * added: the difference from the functions of the same kind without an attribute;
//! * expansion: the time of rustc's expansion pass, measured in another run.
//!
//! With `--instructions`, the instructions of one run of rustc are counted instead, which other work on the machine
//! does not change; this needs valgrind.
//!
//! Times are never checked. `tests/expansions/token_budget.rs` checks the size of the expansion instead.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

#[path = "compile/crates.rs"]
mod crates;
mod median;
#[path = "compile/samples.rs"]
mod samples;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crates::Crates;
use median::median;
use samples::{ROWS, Row};

const ROUNDS: usize = 9;

fn main() {
    let crates = Crates::build();
    let files = ROWS.map(|row| write(&row));
    if std::env::args().any(|arg| arg == "--instructions") {
        print_instructions(&crates, &files);
    } else {
        print_times(&crates, &files);
    }
}

fn print_times(crates: &Crates, files: &[PathBuf]) {
    let mut rounds = ROWS.map(|_| Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
        let mut turns: Vec<_> = files.iter().zip(&mut rounds).collect();
        turns.rotate_left(round);
        for (file, seconds) in turns {
            seconds.push(check(crates, file));
        }
    }
    let seconds = rounds.map(median);
    println!("| 500 of | check, s | added, s | expansion, s |\n|---|---|---|---|");
    let mut bare = f64::NAN;
    for ((row, file), seconds) in ROWS.iter().zip(files).zip(seconds) {
        if row.is_bare() {
            bare = seconds;
        }
        let expansion = expansion(crates, file).unwrap_or(f64::NAN);
        println!("| {} | {seconds:.2} | {:.2} | {expansion:.3} |", row.name, seconds - bare);
    }
}

fn print_instructions(crates: &Crates, files: &[PathBuf]) {
    println!("| 500 of | check, million instructions | added |\n|---|---|---|");
    let mut bare = 0;
    for (row, file) in ROWS.iter().zip(files) {
        let count = instructions(crates, file).expect("valgrind is installed and can run rustc");
        if row.is_bare() {
            bare = count;
        }
        println!("| {} | {} | {} |", row.name, count / 1_000_000, count.saturating_sub(bare) / 1_000_000);
    }
}

fn write(row: &Row) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.rs", row.file));
    fs::write(&file, row.source()).expect("the target folder can be written to");
    file
}

fn check(crates: &Crates, file: &PathBuf) -> f64 {
    let mut rustc = rustc(crates, file);
    let start = Instant::now();
    let output = rustc.output().expect("rustc can be run");
    let seconds = start.elapsed().as_secs_f64();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} does not compile: {errors}", file.display());
    seconds
}

/// Returns the seconds of the expansion pass, which rustc reports only with unstable options.
fn expansion(crates: &Crates, file: &PathBuf) -> Option<f64> {
    let output = rustc(crates, file).arg("-Ztime-passes").env("RUSTC_BOOTSTRAP", "1").output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.ends_with("macro_expand_crate"))?;
    line.split_once("time:")?.1.split(';').next()?.trim().parse().ok()
}

/// Returns the instructions of one `rustc --emit=metadata`, counted by cachegrind.
fn instructions(crates: &Crates, file: &PathBuf) -> Option<u64> {
    let rustc = rustc(crates, file);
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
            "--trace-children=yes",
        ])
        .arg(rustc.get_program())
        .args(rustc.get_args())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().rfind(|line| line.contains(" refs:"))?;
    line.rsplit(' ').next()?.replace(',', "").parse().ok()
}

fn rustc(crates: &Crates, file: &PathBuf) -> Command {
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--cap-lints=warn", "--out-dir"]);
    rustc.arg(env!("CARGO_TARGET_TMPDIR")).arg(file).args(crates.arguments());
    rustc
}
