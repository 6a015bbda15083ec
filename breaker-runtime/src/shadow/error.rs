//! The reasons why a candidate is refused.

use std::fmt;

use crate::config::ConfigError;
use crate::printable::Quoted;

/// Maximum number of candidates that run beside one breaker.
pub(super) const MAX_CANDIDATES: usize = 8;
/// Maximum length of the name of a candidate, in bytes.
pub(super) const MAX_NAME: usize = 255;

/// The reason why [`Registry::shadow`](crate::Registry::shadow) refuses a candidate.
///
/// ```
/// use breaker_runtime::shadow::ShadowError;
/// use breaker_runtime::{Config, Registry};
///
/// let error = Registry::new().shadow("payment", "strict", Config::builder()).unwrap_err();
/// assert!(matches!(error, ShadowError::UnknownBreaker { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShadowError {
    /// The registry has no breaker of this name.
    UnknownBreaker {
        /// The name.
        circuit: String,
    },
    /// The name of the candidate is empty or longer than 255 bytes.
    InvalidName {
        /// The name of the breaker.
        circuit: String,
    },
    /// A candidate of this name runs already.
    NameInUse {
        /// The name of the breaker.
        circuit: String,
        /// The name of the candidate.
        candidate: String,
    },
    /// Eight candidates run already.
    TooMany {
        /// The name of the breaker.
        circuit: String,
    },
    /// The settings contradict each other or those of the breaker.
    InvalidSettings {
        /// The name of the breaker.
        circuit: String,
        /// The mistake in the settings.
        error: ConfigError,
    },
}

impl fmt::Display for ShadowError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBreaker { circuit } => {
                write!(out, "the registry has no circuit breaker {}; register it first", Quoted(circuit))
            }
            Self::InvalidName { circuit } => write!(
                out,
                "circuit breaker {}: the name of a candidate must be 1 to {MAX_NAME} bytes long",
                Quoted(circuit)
            ),
            Self::NameInUse { circuit, candidate } => write!(
                out,
                "circuit breaker {}: the candidate {} runs already; stop it, or use another name",
                Quoted(circuit),
                Quoted(candidate)
            ),
            Self::TooMany { circuit } => write!(
                out,
                "circuit breaker {}: {MAX_CANDIDATES} candidates run already; stop one of them first",
                Quoted(circuit)
            ),
            Self::InvalidSettings { circuit, error } => {
                write!(out, "circuit breaker {}: {error}", Quoted(circuit))
            }
        }
    }
}

impl std::error::Error for ShadowError {}
