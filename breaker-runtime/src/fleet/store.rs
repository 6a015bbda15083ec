//! The store that the processes of a fleet share, as the background task uses it.

use std::fmt;

use tokio::sync::mpsc;

use super::protocol::{Push, Reply, Request};

/// A store. Its only implementation is Redis.
pub(super) trait Store: Send + 'static {
    /// Performs one exchange. Connects first if there is no connection. It ends within its own time limits.
    ///
    /// # Errors
    ///
    /// Returns an error if the store did not answer in time, or refused the request. The request may then have been
    /// executed, or may be executed until its deadline.
    fn sync(&mut self, request: &Request) -> impl Future<Output = Result<Reply, StoreError>> + Send;

    /// Returns the receiver of messages that the store pushes. Messages that are not received in time are lost.
    fn messages(&mut self) -> mpsc::Receiver<Push>;
}

/// The reason why an exchange with the store failed.
#[derive(Clone, Debug)]
pub(super) struct StoreError {
    pub(super) kind: StoreErrorKind,
    /// The text of the store or the client, on one line, and what to do.
    pub(super) text: String,
    /// The reply that the store sent nevertheless: the records that have changed, if it has no memory left for a
    /// change, and its time, if the request came too late.
    pub(super) partial: Option<Box<Reply>>,
}

/// The kind of a failed exchange, as metrics count it.
///
/// ```
/// use breaker_runtime::fleet::{FleetError, StoreErrorKind};
///
/// fn is_worth_repeating(error: &FleetError) -> bool {
///     use StoreErrorKind::{Loading, TimedOut, Unreachable};
///     matches!(error, FleetError::NotExecuted { kind: Unreachable | TimedOut | Loading, .. })
/// }
///
/// assert!(!is_worth_repeating(&FleetError::Left));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// There is no connection.
    Unreachable,
    /// The store did not answer in time.
    TimedOut,
    /// The store refused the user or the password.
    Unauthenticated,
    /// The user may not use the keys, the channel or a command.
    Forbidden,
    /// The store refuses every change: it is a replica, cannot save its data, or has too few replicas.
    ReadOnly,
    /// The store has no memory left. Changes of other processes are still read.
    OutOfMemory,
    /// The store cannot answer for a while: it loads its data, has lost its master, or runs another script.
    Loading,
    /// The store is too old, or lacks a command. Redis 6.2 is the oldest version that is supported.
    Unsupported,
    /// TLS cannot be used.
    Tls,
    /// The answer makes no sense.
    Malformed,
}

impl StoreErrorKind {
    /// All kinds.
    ///
    /// ```
    /// use breaker_runtime::fleet::StoreErrorKind;
    ///
    /// let labels = StoreErrorKind::ALL.map(StoreErrorKind::label);
    /// assert_eq!((labels[0], labels[9]), ("unreachable", "malformed"));
    /// ```
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::ReadOnly,
        Self::OutOfMemory,
        Self::Loading,
        Self::Unsupported,
        Self::Tls,
        Self::Malformed,
    ];

    /// Returns the name of the kind in metrics and JSON.
    ///
    /// ```
    /// use breaker_runtime::fleet::StoreErrorKind;
    ///
    /// assert_eq!(StoreErrorKind::OutOfMemory.label(), "out_of_memory");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::ReadOnly => "read_only",
            Self::OutOfMemory => "out_of_memory",
            Self::Loading => "loading",
            Self::Unsupported => "unsupported",
            Self::Tls => "tls",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.kind.label(), self.text)
    }
}
