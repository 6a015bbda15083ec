//! When each process has reached a state.

use std::fmt;

use breaker_runtime::fleet::coordinator::LocalState;
use breaker_runtime::fleet::protocol::SharedName;

/// What the processes should reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Open,
    Closed,
    ForcedOpen,
}

/// The times at which the processes have reached a goal, in microseconds.
pub(crate) struct Watch {
    pub(crate) name: SharedName,
    goal: Goal,
    since: u64,
    reached: Vec<Option<u64>>,
}

/// How long it took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// Milliseconds.
    pub(crate) median: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
    /// Number of processes that have not reached the goal.
    pub(crate) missing: usize,
}

impl Watch {
    pub(crate) fn new(name: SharedName, goal: Goal, since: u64, processes: usize) -> Self {
        Self { name, goal, since, reached: vec![None; processes] }
    }

    pub(crate) fn see(&mut self, process: usize, state: LocalState, now: u64) {
        let is_reached = match self.goal {
            Goal::Open => !matches!(state, LocalState::Closed | LocalState::Disabled),
            Goal::Closed => state == LocalState::Closed,
            Goal::ForcedOpen => state == LocalState::ForcedOpen,
        };
        if let Some(reached) = self.reached.get_mut(process) {
            *reached = if is_reached { reached.or(Some(now)) } else { None };
        }
    }

    /// Returns the times of the processes before this one.
    pub(crate) fn times(&self, processes: usize) -> Times {
        let concerned = self.reached.iter().take(processes);
        let missing = concerned.clone().filter(|time| time.is_none()).count();
        let mut times: Vec<_> = concerned.flatten().map(|time| (time - self.since) / 1000).collect();
        times.sort_unstable();
        let at =
            |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied();
        let [median, p99, max] = [50, 99, 100].map(|share| at(share).unwrap_or(0));
        Times { median, p99, max, missing }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:>8} {:>8} {:>8} {:>8}", self.median, self.p99, self.max, self.missing)
    }
}
