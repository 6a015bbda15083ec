//! The successes and retries of a circuit in the last seconds, for its retry budget.
//!
//! Nothing on the path of a call updates the log: a reader passes the time and the total of successes, and the log
//! spreads the new successes evenly over the time since the previous reader. It does not know how many retries a caller
//! may make.
//!
//! The time since the log began is divided into slices of a second. Successes leave the window after 9 to 10 seconds,
//! and retries after 10 to 11, so no retry leaves the window too early. After a pause between two readers, a success
//! can count at a later time than its own, at most by the length of that pause.

use std::time::Duration;

use crate::clock::{Moment, nanos_of};

/// Length of the window of retry budgets.
pub(super) const WINDOW: Duration = SLICE.saturating_mul(SLICES);

const SLICE: Duration = Duration::from_secs(1);
/// Number of slices of the window.
const SLICES: u32 = 10;

/// The successes and the retries of one circuit, by slice.
#[derive(Debug)]
pub(super) struct RetryLog {
    began: Moment,
    last: Reading,
    /// The slices of the window and the one before it, without empty ones.
    slices: Vec<Slice>,
}

/// The total of successes at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) at: Moment,
    pub(super) successes: u64,
}

/// The calls in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RecentCalls {
    pub(super) successes: u64,
    pub(super) retries: u64,
}

#[derive(Debug)]
struct Slice {
    id: u64,
    calls: RecentCalls,
}

impl RetryLog {
    /// Creates a log that contains no success from before `first`.
    pub(super) const fn new(first: Reading) -> Self {
        Self { began: first.at, last: first, slices: Vec::new() }
    }

    /// Adds the successes since the previous reading, and returns the calls in the window. A reading that is older than
    /// the previous one counts as one of the same moment.
    pub(super) fn update(&mut self, now: Reading) -> RecentCalls {
        let Reading { at: last_at, successes: known } = self.last;
        let at = now.at.max(last_at);
        let current = self.slice_at(at);
        self.slices.retain(|slice| slice.id + u64::from(SLICES) >= current);
        let new = now.successes.saturating_sub(known);
        if new > 0 {
            self.spread(new, last_at, at);
        }
        self.last = Reading { at, successes: known.max(now.successes) };
        let mut recent = RecentCalls::default();
        for Slice { id, calls } in &self.slices {
            let is_in_window = id + u64::from(SLICES) > current;
            recent.add(RecentCalls { successes: if is_in_window { calls.successes } else { 0 }, ..*calls });
        }
        recent
    }

    /// Adds a retry at the moment of the last reading.
    pub(super) fn add_retry(&mut self) {
        self.add(self.slice_at(self.last.at), RecentCalls { successes: 0, retries: 1 });
    }

    /// Adds `new` successes to the slices from `start` to `end`, in proportion to the time in each. Those outside of
    /// the window are dropped.
    fn spread(&mut self, new: u64, start: Moment, end: Moment) {
        let last = self.slice_at(end);
        let first = self.slice_at(start).max((last + 1).saturating_sub(u64::from(SLICES)));
        let length = nanos_of(end.since(start));
        let began = self.began;
        // The successes from `start` until the end of a slice. Differences of these lose no success to rounding.
        let until = |slice: u64| {
            if slice >= last {
                return new;
            }
            let nanos = nanos_of(end_of(slice, began).since(start));
            let successes = u128::from(new) * u128::from(nanos) / u128::from(length.max(1));
            u64::try_from(successes).unwrap_or(new)
        };
        let mut before = if first > self.slice_at(start) { until(first - 1) } else { 0 };
        for id in first..=last {
            let after = until(id);
            if after > before {
                self.add(id, RecentCalls { successes: after - before, retries: 0 });
            }
            before = after;
        }
    }

    fn add(&mut self, id: u64, calls: RecentCalls) {
        match self.slices.iter_mut().find(|slice| slice.id == id) {
            Some(slice) => slice.calls.add(calls),
            None => self.slices.push(Slice { id, calls }),
        }
    }

    fn slice_at(&self, moment: Moment) -> u64 {
        nanos_of(moment.since(self.began)) / nanos_of(SLICE)
    }
}

/// Returns the end of a slice of a log that began at `began`.
fn end_of(slice: u64, began: Moment) -> Moment {
    Moment::from_nanos(nanos_of(SLICE).saturating_mul(slice + 1).saturating_add(began.nanos()))
}

impl RecentCalls {
    const fn add(&mut self, other: Self) {
        self.successes = self.successes.saturating_add(other.successes);
        self.retries = self.retries.saturating_add(other.retries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn reading(nanos: u64, successes: u64) -> Reading {
        Reading { at: Moment::from_nanos(nanos), successes }
    }

    fn successes(log: &mut RetryLog, nanos: u64, total: u64) -> u64 {
        log.update(reading(nanos, total)).successes
    }

    #[test]
    fn successes_leave_after_nine_to_ten_seconds_and_retries_a_second_later() {
        let mut log = RetryLog::new(reading(7, 100));
        assert_eq!(log.update(reading(7, 103)), RecentCalls { successes: 3, retries: 0 });
        log.add_retry();
        let at = |log: &mut RetryLog, nanos| log.update(reading(nanos, 103));
        assert_eq!(at(&mut log, 7 + 10 * SECOND - 1), RecentCalls { successes: 3, retries: 1 });
        assert_eq!(at(&mut log, 7 + 10 * SECOND), RecentCalls { successes: 0, retries: 1 });
        assert_eq!(at(&mut log, 7 + 11 * SECOND - 1), RecentCalls { successes: 0, retries: 1 });
        assert_eq!(at(&mut log, 7 + 11 * SECOND), RecentCalls::default());
        assert!(log.slices.is_empty());
    }

    #[test]
    fn successes_are_spread_evenly_over_the_time_since_the_previous_reading() {
        let mut log = RetryLog::new(reading(0, 0));
        // 100 s with 100 successes: the last 9.5 s are in the window.
        assert_eq!(successes(&mut log, 100 * SECOND + SECOND / 2, 1005), 95);
        let mut log = RetryLog::new(reading(0, 0));
        assert_eq!(successes(&mut log, 5 * SECOND / 2, 7), 7, "rounding loses none");
        assert_eq!(successes(&mut log, 10 * SECOND, 7), 5, "2.8 of them were in the first second");
    }

    #[test]
    fn time_and_totals_that_go_backwards_change_nothing() {
        let mut log = RetryLog::new(reading(5 * SECOND, 10));
        assert_eq!(successes(&mut log, 6 * SECOND, 20), 10);
        assert_eq!(successes(&mut log, 0, 0), 10);
        assert_eq!(successes(&mut log, 6 * SECOND, 20), 10, "they are not counted twice");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut log = RetryLog::new(reading(0, 0));
        log.add_retry();
        assert_eq!(successes(&mut log, 0, u64::MAX), u64::MAX);
        let mut log = RetryLog::new(reading(0, 0));
        let recent = successes(&mut log, u64::MAX, u64::MAX);
        assert!((9 * SECOND..=10 * SECOND).contains(&recent), "{recent}");
        assert_eq!(successes(&mut log, u64::MAX, 0), recent);
    }
}
