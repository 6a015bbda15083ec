//! The outcome of a lease of this process for trial calls.

/// The beginning or the end of a lease, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeaseOutcome {
    /// The store granted the lease to this process.
    Granted,
    /// The trial calls succeeded.
    Passed,
    /// A trial call failed.
    Failed,
    /// The trial calls did not end in time.
    Expired,
}
