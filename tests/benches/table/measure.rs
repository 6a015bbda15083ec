//! Times and instructions of rows.

use std::process::Command;

use super::median::median;
use super::rows::Row;
use super::throughput::calls_per_second;

/// Rounds in which all rows take turns.
const ROUNDS: usize = 15;

/// The calls per second of one row with several numbers of threads.
pub(crate) struct Throughput {
    /// In each round, one for each number of threads.
    rounds: Vec<Vec<f64>>,
}

impl Throughput {
    /// Returns the median in calls per second with the number of threads at `index`.
    pub(crate) fn median(&self, index: usize) -> f64 {
        median(self.rounds.iter().filter_map(|round| round.get(index).copied()).collect())
    }

    /// Returns the median of the ratios of the second number of threads to the first; `None` without a second one.
    pub(crate) fn scaling(&self) -> Option<f64> {
        let ratio = |round: &Vec<f64>| Some(round.get(1)? / round.first()?);
        self.rounds.iter().map(ratio).collect::<Option<_>>().map(median)
    }
}

/// Measures each row with each of its numbers of threads. All of them take turns.
pub(crate) fn throughputs(rows: &[(&Row, &[usize])]) -> Vec<Throughput> {
    let mut measured: Vec<_> = rows.iter().map(|_| Throughput { rounds: Vec::new() }).collect();
    for _ in 0..ROUNDS {
        for ((row, threads), throughput) in rows.iter().zip(&mut measured) {
            let round = threads.iter().map(|threads| calls_per_second(row.run, *threads));
            throughput.rounds.push(round.collect());
        }
    }
    measured
}

/// Returns the instructions of a call, counted by callgrind in another process; `None` without valgrind.
pub(crate) fn instructions(row: &Row) -> Option<u64> {
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
