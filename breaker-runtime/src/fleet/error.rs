//! The errors of a fleet.

use std::fmt;

use super::store::StoreErrorKind;

/// The error of a fleet.
///
/// ```
/// use breaker_runtime::fleet::{Fleet, FleetError};
///
/// let error = Fleet::builder("redis://127.0.0.1:6379", "").connect().unwrap_err();
/// assert_eq!(error, FleetError::Namespace);
/// assert_eq!(error.to_string(), "the namespace of a fleet must have 1 to 100 bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FleetError {
    /// The URL of Redis, or the name of a sentinel's master, cannot be used.
    Address(String),
    /// The namespace is empty, or longer than 100 bytes.
    Namespace,
    /// The interval between two exchanges is not between 100 ms and 1.5 s.
    Tick,
    /// There is no tokio runtime on this thread.
    NoRuntime,
    /// The registry belongs to a fleet already.
    AlreadyConnected,
    /// No circuit can have this name or key. A name has 1 to 255 bytes, a key at most 255.
    Name,
    /// Redis did not execute a command of an operator, or its answer is not known.
    NotExecuted {
        /// The kind of the failure.
        kind: StoreErrorKind,
        /// The text of Redis or its client.
        text: String,
    },
    /// The process has left the fleet.
    Left,
}

impl fmt::Display for FleetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => out.write_str(text),
            Self::Namespace => out.write_str("the namespace of a fleet must have 1 to 100 bytes"),
            Self::Tick => out.write_str("tick must be between 100 ms and 1.5 s"),
            Self::NoRuntime => {
                out.write_str("a fleet needs a tokio runtime: call connect in an async function")
            }
            Self::AlreadyConnected => out.write_str(
                "this registry belongs to a fleet already: keep its handle, or shut it down first",
            ),
            Self::Name => out.write_str(
                "no circuit can have this name or key: a name has 1 to 255 bytes, a key at most 255",
            ),
            Self::NotExecuted { kind, text } => {
                write!(out, "the command may not have reached the fleet ({}): {text}", kind.label())
            }
            Self::Left => out.write_str("the process has left the fleet"),
        }
    }
}

impl std::error::Error for FleetError {}
