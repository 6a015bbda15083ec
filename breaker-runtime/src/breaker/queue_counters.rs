//! The figures of the queues of a circuit, which are kept with the circuit.
//!
//! This module does not know what a queue does. All queues of a circuit count in the same place, so a snapshot reads
//! their sum.

use crate::snapshot::QueueCounts;
use crate::sync::{AtomicU64, Ordering};

/// The figures of all queues of one circuit.
#[derive(Debug, Default)]
pub(crate) struct QueueCounters {
    pub(crate) length: AtomicU64,
    pub(crate) capacity: AtomicU64,
    pub(crate) queued: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) discarded: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl QueueCounters {
    pub(super) fn read(&self) -> QueueCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        QueueCounts {
            length: read(&self.length),
            capacity: read(&self.capacity),
            queued: read(&self.queued),
            delivered: read(&self.delivered),
            discarded: read(&self.discarded),
            refused: read(&self.refused),
        }
    }
}
