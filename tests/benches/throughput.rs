//! Calls per second of several threads.

use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

/// The time in which calls are counted.
const TIME: Duration = Duration::from_millis(40);
/// Calls between two readings of the clock.
const BATCH: u64 = 1000;

/// The calls of one thread.
struct Calls {
    count: u64,
    end: Instant,
}

/// Returns the calls per second that this number of threads makes. `run` makes a number of calls.
#[expect(clippy::cast_precision_loss, reason = "a bench is far from 2^52 calls")]
pub(crate) fn calls_per_second(run: impl Fn(u64) + Sync, threads: usize) -> f64 {
    let (barrier, start) = (Barrier::new(threads), OnceLock::new());
    let work = || {
        barrier.wait();
        // All threads stop at the same time, although some start late if there are more threads than cores.
        let deadline = *start.get_or_init(Instant::now) + TIME;
        let mut calls = Calls { count: 0, end: Instant::now() };
        while calls.end < deadline {
            run(BATCH);
            calls = Calls { count: calls.count + BATCH, end: Instant::now() };
        }
        calls
    };
    let all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        all.extend(others.into_iter().map(|thread| thread.join().expect("a call does not panic")));
        all
    });
    let count: u64 = all.iter().map(|calls| calls.count).sum();
    let end = all.iter().map(|calls| calls.end).max();
    let time = end.zip(start.get().copied()).map_or(TIME, |(end, start)| end - start);
    count as f64 / time.as_secs_f64()
}
