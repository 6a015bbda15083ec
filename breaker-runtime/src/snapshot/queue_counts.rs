//! The figures of the queues of a circuit.

/// The items in the queues for rejected calls of a circuit, and the results of earlier ones, in [`Snapshot::queue`].
///
/// Several queues of one circuit are added up. `length` and `capacity` are those of the queues that exist now. The
/// other figures only grow, and begin when the first queue of the circuit is created in this process.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("capture", Config::default())?;
/// assert_eq!(breaker.snapshot().queue, None); // no queue belongs to the circuit
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Snapshot::queue`]: crate::Snapshot::queue
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueCounts {
    /// Number of items that wait, including one that is being delivered.
    pub length: u64,
    /// Maximum number of items. A queue whose capacity exceeds 2^48 counts as 2^48.
    pub capacity: u64,
    /// Number of items that were added. Those of an earlier process are not included, and neither are those of a `push`
    /// that was dropped before it ended. Both are in `length` and are delivered if the store has them, so `delivered`
    /// and `discarded` together can exceed this number.
    pub queued: u64,
    /// Number of items that were delivered and removed.
    pub delivered: u64,
    /// Number of items that were removed without having been delivered: they could never succeed, newer ones replaced
    /// them, or they were taken back.
    pub discarded: u64,
    /// Number of items that were returned to the caller instead of being added, because the queue was full or closed or
    /// its store failed.
    pub refused: u64,
}

impl QueueCounts {
    pub(super) fn add(&mut self, other: Self) {
        self.length = self.length.saturating_add(other.length);
        self.capacity = self.capacity.saturating_add(other.capacity);
        self.queued += other.queued;
        self.delivered += other.delivered;
        self.discarded += other.discarded;
        self.refused += other.refused;
    }
}
