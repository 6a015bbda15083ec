//! The reason why a drill does not start.

use std::error::Error;
use std::fmt;

use super::similar::is_similar;
use crate::printable::Quoted;
use crate::registry::MAX_KEY_BYTES;

/// The reason why a drill was not started or stopped.
///
/// ```
/// use breaker_runtime::chaos::{self, DrillError};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let error = chaos::stop(&registry, "paymant", None).unwrap_err();
/// assert!(matches!(error, DrillError::UnknownCircuit { .. }));
/// assert_eq!(error.to_string(), r#"no circuit breaker is named "paymant"; similar names: "payment""#);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrillError {
    /// A value is out of its range. The text says what is accepted.
    Invalid(&'static str),
    /// The registry has no breaker with this name.
    UnknownCircuit {
        /// The name.
        name: String,
        /// Names that are similar, or some names if none is similar: at most three.
        similar: Vec<String>,
    },
    /// A key was given, but the breaker has no keys.
    WithoutKeys {
        /// The name of the breaker.
        name: String,
    },
    /// The key has more than 255 bytes, so it has no circuit of its own.
    KeyTooLong {
        /// The name of the breaker.
        name: String,
        /// The length of the key, in bytes.
        length: usize,
    },
    /// All circuits of the breaker are in use, so the key has none of its own.
    NoCircuitForKey {
        /// The name of the breaker.
        name: String,
        /// The key.
        key: String,
    },
}

impl fmt::Display for DrillError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => out.write_str(text),
            Self::UnknownCircuit { name, similar } => {
                write!(out, "no circuit breaker is named {}", Quoted(name))?;
                let are_similar = similar.iter().all(|other| is_similar(name, other));
                for (index, other) in similar.iter().enumerate() {
                    let start = match index {
                        0 if are_similar => "; similar names: ",
                        0 => "; names that exist: ",
                        _ => ", ",
                    };
                    write!(out, "{start}{}", Quoted(other))?;
                }
                Ok(())
            }
            Self::WithoutKeys { name } => {
                write!(out, "circuit breaker {} has no keys; start the drill without a key", Quoted(name))
            }
            Self::KeyTooLong { name, length } => write!(
                out,
                "circuit breaker {} has no circuit for a key of {length} bytes; use one of at most {MAX_KEY_BYTES} bytes",
                Quoted(name),
            ),
            Self::NoCircuitForKey { name, key } => write!(
                out,
                "circuit breaker {} has no circuit for {}: all of max_keys are in use; raise max_keys",
                Quoted(name),
                Quoted(key)
            ),
        }
    }
}

impl Error for DrillError {}
