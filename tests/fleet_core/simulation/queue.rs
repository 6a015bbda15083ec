//! The events of a simulation, in the order of their times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use breaker_runtime::fleet::protocol::{Push, Reply, Request};

/// What happens in one process, or to one of its requests.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The coordinator may have to be called.
    Timer,
    /// A request reaches the server.
    Arrival { exchange: u64, request: Arc<Request> },
    /// An answer reaches the process.
    Answer { exchange: u64, reply: Box<Reply> },
    /// The process no longer waits for an answer.
    Timeout { exchange: u64 },
    /// A message reaches the process.
    Message { push: Arc<Push> },
    /// The calls of a breaker have failed for some time.
    Trip { breaker: usize },
    /// The trial calls of a breaker have ended.
    TrialEnd { breaker: usize, generation: u64 },
}

/// An event that is going to happen.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Microseconds.
    pub(crate) time: u64,
    pub(crate) process: usize,
    pub(crate) life: u32,
    pub(crate) event: Event,
    sequence: u64,
}

/// All events that are going to happen.
pub(crate) struct Queue {
    planned: BinaryHeap<Reverse<Planned>>,
    sequence: u64,
    hasher: DefaultHasher,
    count: u64,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self { planned: BinaryHeap::new(), sequence: 0, hasher: DefaultHasher::new(), count: 0 }
    }

    pub(crate) fn push(&mut self, time: u64, process: usize, life: u32, event: Event) {
        self.sequence += 1;
        self.planned.push(Reverse(Planned { time, process, life, event, sequence: self.sequence }));
    }

    /// Returns the next event before `end`.
    pub(crate) fn pop(&mut self, end: u64) -> Option<Planned> {
        let Reverse(next) = self.planned.peek()?;
        if next.time >= end {
            return None;
        }
        let Reverse(next) = self.planned.pop()?;
        (next.time, next.process, next.life, next.event.kind()).hash(&mut self.hasher);
        self.count += 1;
        Some(next)
    }

    /// Returns a hash of all events so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }
}

impl Event {
    const fn kind(&self) -> u8 {
        match self {
            Self::Timer => 0,
            Self::Arrival { .. } => 1,
            Self::Answer { .. } => 2,
            Self::Timeout { .. } => 3,
            Self::Message { .. } => 4,
            Self::Trip { .. } => 5,
            Self::TrialEnd { .. } => 6,
        }
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.sequence).cmp(&(other.time, other.sequence))
    }
}
