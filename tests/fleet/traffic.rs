//! Calls through the circuits of all processes, which must never wait for Redis.
#![expect(clippy::disallowed_methods, reason = "the pause between calls, and a call that sleeps")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::process::Process;

/// The time between two calls of a process.
const PAUSE: Duration = Duration::from_millis(1);

/// A call that sleeps for longer than this has waited for something. Redis is given at least 150 ms.
const LIMIT: Duration = Duration::from_millis(100);

/// How many calls may wait for another reason: a lock whose owner has no core for a while.
const TOLERATED: u64 = 2;

/// A thread that makes calls until it is ended. Each call either is rejected or reaches the dependency.
pub(crate) struct Traffic {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Judgement>,
}

#[derive(Default)]
struct Judgement {
    calls: u64,
    /// Number of calls that have slept for longer than the limit.
    sleepers: u64,
}

impl Traffic {
    pub(crate) fn start<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Self {
        let circuits: Vec<_> = processes
            .into_iter()
            .map(|process| (process.breaker.clone(), Arc::clone(&process.dependency)))
            .collect();
        let ends = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let ends = Arc::clone(&ends);
            move || {
                let mut judgement = Judgement::default();
                while !ends.load(Ordering::Relaxed) {
                    for (breaker, dependency) in &circuits {
                        let before = Times::now();
                        dependency.call(breaker);
                        judgement.calls += 1;
                        judgement.sleepers += u64::from(before.slept() >= LIMIT);
                    }
                    thread::sleep(PAUSE);
                }
                judgement
            }
        });
        Self { ends, thread }
    }

    /// Ends the calls, and checks that none has waited.
    pub(crate) fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        let Judgement { calls, sleepers } = self.thread.join().expect("no call panics");
        assert!(calls > 0, "there were calls");
        assert!(sleepers <= TOLERATED, "{sleepers} of {calls} calls have slept for {LIMIT:?}");
    }
}

/// The times of this thread. A thread that is ready to run but has no core does not sleep.
struct Times {
    clock: Instant,
    scheduled: Duration,
}

impl Times {
    fn now() -> Self {
        Self { clock: Instant::now(), scheduled: scheduled() }
    }

    fn slept(&self) -> Duration {
        let elapsed = self.clock.elapsed();
        if elapsed < LIMIT {
            return Duration::ZERO;
        }
        elapsed.saturating_sub(scheduled().saturating_sub(self.scheduled))
    }
}

/// Returns how long this thread has run, or has waited for a core.
fn scheduled() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut fields = text.split_whitespace().map_while(|field| field.parse::<u64>().ok());
    Duration::from_nanos(fields.next().unwrap_or_default() + fields.next().unwrap_or_default())
}

#[test]
fn a_call_that_sleeps_is_noticed_and_one_that_computes_is_not() {
    let before = Times::now();
    thread::sleep(LIMIT);
    assert!(before.slept() >= LIMIT.saturating_sub(PAUSE), "{:?}", before.slept());
    let before = Times::now();
    while before.clock.elapsed() < 2 * LIMIT {
        std::hint::spin_loop();
    }
    assert!(before.slept() < LIMIT / 2, "{:?}", before.slept());
}
