//! Times and instructions of the rows of a table.

use std::hint::black_box;
use std::process::Command;

use super::median::median;
use super::throughput::calls_per_second;

/// A function that makes a number of calls.
pub(crate) type Run = fn(u64);

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

/// Measures each function with each of its numbers of threads. All of them take turns.
pub(crate) fn throughputs(rows: &[(Run, &[usize])]) -> Vec<Throughput> {
    let mut measured: Vec<_> = rows.iter().map(|_| Throughput { rounds: Vec::new() }).collect();
    for _ in 0..ROUNDS {
        for ((run, threads), throughput) in rows.iter().zip(&mut measured) {
            let round = threads.iter().map(|threads| calls_per_second(run, *threads));
            throughput.rounds.push(round.collect());
        }
    }
    measured
}

/// Returns the instructions per call of the row `name`, counted by callgrind in another process of this bench; `None`
/// without valgrind. The bench calls [`counted`] if its arguments are `--count`, the name and the number of calls.
pub(crate) fn instructions(name: &str) -> Option<u64> {
    const CALLS: u64 = 100_000;
    let collected = concat!("--toggle-collect=", env!("CARGO_CRATE_NAME"), "::measure::counted*");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", collected])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", name, &CALLS.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected: u64 =
        text.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()?;
    Some(collected / CALLS)
}

/// Makes the calls that callgrind counts; it finds this function by name.
#[inline(never)]
pub(crate) fn counted(run: Run, calls: u64) {
    run(black_box(calls));
    // Prevents a tail call, since callgrind must see this function return.
    black_box(());
}
