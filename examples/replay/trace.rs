//! A trace: the calls of a service in the order of their starts. It does not know in which format they were written.

use std::fmt;
use std::time::Duration;

use crate::shown::counted;

/// One call of a trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TracedCall {
    /// The start. Only differences between starts matter.
    pub(crate) start: Duration,
    pub(crate) duration: Duration,
    pub(crate) outcome: TracedOutcome,
    pub(crate) key: Option<String>,
}

/// The outcome of a call of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TracedOutcome {
    Success,
    Failure,
    Ignored,
    /// The caller gave up. `cancelled_after` decides whether that is a failure.
    Cancelled,
    /// A circuit rejected the call when the trace was recorded, so its outcome is unknown.
    Rejected,
}

/// The calls that a file contains, and the lines that could not be read.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Sorted by start.
    pub(crate) calls: Vec<TracedCall>,
    pub(crate) broken: BrokenLines,
    /// Number of calls that were rejected when the trace was recorded.
    pub(crate) rejected: usize,
    /// Number of calls that started before the call of an earlier line.
    pub(crate) unsorted: usize,
}

/// The lines of a trace that could not be read.
#[derive(Debug, Default)]
pub(crate) struct BrokenLines {
    pub(crate) count: usize,
    /// The first ones, at most [`SHOWN`].
    pub(crate) first: Vec<BrokenLine>,
}

/// A line that could not be read.
#[derive(Debug, PartialEq)]
pub(crate) struct BrokenLine {
    /// Number of the line, from 1.
    pub(crate) line: u64,
    /// The mistake: the column and what is accepted there.
    pub(crate) reason: String,
}

/// Maximum number of broken lines that are shown.
pub(crate) const SHOWN: usize = 10;

impl Trace {
    /// Adds what one line contains.
    pub(crate) fn add(&mut self, line: u64, read: Result<TracedCall, String>) {
        match read {
            Ok(call) if call.outcome == TracedOutcome::Rejected => self.rejected += 1,
            Ok(call) => self.calls.push(call),
            Err(reason) => {
                self.broken.count += 1;
                if self.broken.first.len() < SHOWN {
                    self.broken.first.push(BrokenLine { line, reason });
                }
            }
        }
    }

    /// Sorts the calls by their starts; calls with equal starts keep their order. Starts are counted from the first
    /// call. Counts the calls that were unsorted.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Self {
        let mut latest = Duration::ZERO;
        for call in &self.calls {
            self.unsorted += usize::from(call.start < latest);
            latest = latest.max(call.start);
        }
        self.calls.sort_by_key(|call| call.start);
        let first = self.calls.first().map_or(Duration::ZERO, |call| call.start);
        for call in &mut self.calls {
            call.start = call.start.saturating_sub(first);
        }
        self
    }

    /// Returns `true` if calls have keys.
    pub(crate) fn has_keys(&self) -> bool {
        self.calls.iter().any(|call| call.key.is_some())
    }
}

impl TracedOutcome {
    /// Parses the name of an outcome, as the recorder writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "success" => Some(Self::Success),
            "failure" | "timeout" => Some(Self::Failure),
            "ignored" => Some(Self::Ignored),
            "cancelled" => Some(Self::Cancelled),
            "rejected" => Some(Self::Rejected),
            _ => None,
        }
    }
}

/// Displays one line for each broken line that is shown, and the number of all others.
impl fmt::Display for BrokenLines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for BrokenLine { line, reason } in &self.first {
            writeln!(out, "line {line}: {reason}")?;
        }
        match self.count - self.first.len() {
            0 => Ok(()),
            more => writeln!(out, "and {} that cannot be read", counted(more, "more line")),
        }
    }
}
