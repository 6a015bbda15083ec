//! Calls per second of several threads.

use std::sync::Barrier;
use std::time::{Duration, Instant};

/// The time in which calls are counted.
const TIME: Duration = Duration::from_millis(40);
/// Calls between two readings of the clock.
const BATCH: u64 = 1000;

/// Returns the calls per second that this number of threads makes. `run` makes a number of calls.
#[expect(clippy::cast_precision_loss, reason = "a bench is far from 2^52 calls")]
pub(crate) fn calls_per_second(run: impl Fn(u64) + Sync, threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let work = || {
        barrier.wait();
        let start = Instant::now();
        let mut calls = 0;
        loop {
            run(BATCH);
            calls += BATCH;
            let time = start.elapsed();
            if time >= TIME {
                return calls as f64 / time.as_secs_f64();
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        own + threads.into_iter().map(|thread| thread.join().expect("a call does not panic")).sum::<f64>()
    })
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
