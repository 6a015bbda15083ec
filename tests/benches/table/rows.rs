//! The rows of the table. Each makes calls of one small function in a different way.

use std::hint::black_box;
use std::time::Instant;

use super::measure::Run;
use super::work::{ready, repeat, work, work_async};
use super::{async_peers, breaker, sync_peers};

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call whose instructions are checked.
    Call,
    /// Work at compile time, which is checked only without observers.
    Expansion,
    /// A call without a breaker or through another crate, or one with a key, whose hash is seeded per process.
    Unchecked,
}

const fn checked(name: &'static str, run: Run) -> Row {
    Row { name, run, kind: Kind::Call }
}

const fn unchecked(name: &'static str, run: Run) -> Row {
    Row { name, run, kind: Kind::Unchecked }
}

pub(crate) const ROWS: &[Row] = &[
    unchecked("raw call of a function that is not inlined", raw),
    checked("closed, success: breaker", breaker::closed),
    #[cfg(feature = "integrations")]
    checked("closed, success, shared by a fleet: breaker", breaker::shared),
    checked("closed, success, not inlined: breaker", breaker::not_inlined),
    unchecked("closed, success: recloser", sync_peers::recloser_closed),
    unchecked("closed, success: failsafe", sync_peers::failsafe_closed),
    unchecked("raw async call, ready at once", raw_async),
    checked("closed, success, async: breaker", breaker::asynchronous),
    unchecked("closed, success, async: breaker crate 2.0", async_peers::breaker_closed),
    unchecked("closed, success, async: tower-resilience", async_peers::tower_closed),
    checked("closed, count window 100, full and clean: breaker", breaker::count_window),
    checked("closed, count window, one of 64 failing: breaker", breaker::failing_count_window),
    unchecked("closed, count window 100, async: breaker crate 2.0", async_peers::breaker_window),
    unchecked("closed, count window 100, async: tower-resilience", async_peers::tower_window),
    checked("closed, time window: breaker", breaker::time_window),
    unchecked("closed, time window: failsafe", sync_peers::failsafe_time),
    unchecked("closed, time window, async: seatbelt", async_peers::seatbelt_closed),
    checked("closed, timed: breaker", breaker::timed),
    #[cfg(feature = "integrations")]
    checked("closed, with a candidate: breaker", breaker::shadowed),
    unchecked("two readings of Instant and the raw call", instant_twice),
    unchecked("closed, known keys, 1000 in turn: breaker", breaker::keyed),
    checked("closed, max_concurrent: breaker", breaker::bounded),
    checked("closed, 10 % failing: breaker", breaker::failing),
    unchecked("closed, 10 % failing: recloser", sync_peers::recloser_failing),
    unchecked("closed, 10 % failing: failsafe", sync_peers::failsafe_failing),
    unchecked("closed, 10 % failing, async: breaker crate 2.0", async_peers::breaker_failing),
    unchecked("closed, 10 % failing, async: tower-resilience", async_peers::tower_failing),
    unchecked("closed, 10 % failing, async: seatbelt", async_peers::seatbelt_failing),
    checked("open, rejected: breaker", breaker::open),
    checked("open, rejected, closure fallback: breaker", breaker::open_with_closure),
    unchecked("open, rejected: recloser", sync_peers::recloser_open),
    unchecked("open, rejected: failsafe", sync_peers::failsafe_open),
    unchecked("open, rejected, async: breaker crate 2.0", async_peers::breaker_open),
    unchecked("open, rejected, async: tower-resilience", async_peers::tower_open),
    unchecked("open, rejected, async: seatbelt", async_peers::seatbelt_open),
    Row {
        name: "expansion of a function, in thousands: breaker",
        run: breaker::expansion,
        kind: Kind::Expansion,
    },
];

fn raw(calls: u64) {
    repeat(calls, |number| _ = black_box(work(number)));
}

fn raw_async(calls: u64) {
    repeat(calls, |number| _ = black_box(ready(work_async(number))));
}

fn instant_twice(calls: u64) {
    repeat(calls, |number| {
        let start = Instant::now();
        _ = black_box(work(number));
        black_box(start.elapsed());
    });
}
