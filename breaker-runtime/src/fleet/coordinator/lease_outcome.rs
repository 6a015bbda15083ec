//! How a lease for trial calls ended.

/// The outcome of a lease, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeaseOutcome {
    /// The store granted the lease to this process.
    Granted,
    /// The trial calls succeeded.
    Passed,
    /// A trial call failed.
    Failed,
    /// The trial calls did not end in time.
    Expired,
}

impl LeaseOutcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::Granted, Self::Passed, Self::Failed, Self::Expired];

    /// Returns the name of the outcome in metrics and JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}
