//! The time in which a cache line gets from one core to another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::median::median;

const ROUNDS: usize = 15;
/// Number of writes of one round, by two threads in turn.
const WRITES: u32 = 200_000;

/// Returns the median in nanoseconds.
pub(crate) fn nanos() -> f64 {
    median((0..ROUNDS).map(|_| round()).collect())
}

fn round() -> f64 {
    let line = AtomicU64::new(0);
    // Writes every second number, as soon as the other thread has written the one before.
    let write = |first: u64| {
        for number in (first..u64::from(WRITES)).step_by(2) {
            while line.load(Ordering::Acquire) != number {
                std::hint::spin_loop();
            }
            line.store(number + 1, Ordering::Release);
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| write(1));
        let start = Instant::now();
        write(0);
        other.join().expect("a write does not panic");
        start.elapsed().as_secs_f64() * 1e9 / f64::from(WRITES)
    })
}
