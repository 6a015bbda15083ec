//! The errors of a recording.

use std::error::Error;
use std::fmt;
use std::io;

use crate::printable::Quoted;

/// Maximum number of calls in the buffer.
pub(super) const MAX_CAPACITY: usize = 1_000_000;

/// The reason why [`RecorderBuilder::start`](super::RecorderBuilder::start) refuses a recording.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::recorder::{Recorder, RecorderError};
///
/// let error = Recorder::builder("payment").start(&Registry::new()).unwrap_err();
/// assert!(matches!(error, RecorderError::UnknownBreaker { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecorderError {
    /// The registry has no breaker of this name.
    UnknownBreaker {
        /// The name.
        circuit: String,
    },
    /// The capacity is 0 or more than 1,000,000.
    InvalidCapacity {
        /// The name of the breaker.
        circuit: String,
        /// The capacity.
        capacity: usize,
    },
    /// `one_in` is 0.
    InvalidOneIn {
        /// The name of the breaker.
        circuit: String,
    },
}

/// The error of an output that did not accept a trace. The recording has stopped.
///
/// [`source`](Error::source) is the [`io::Error`] of the output.
///
/// ```
/// use breaker_runtime::recorder::{Recorder, Recording};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let Recording { recorder, writer } = Recorder::builder("payment").start(&registry)?;
/// let error = writer.run(&mut [0; 8][..]).unwrap_err();
/// assert_eq!(error.io_error().kind(), std::io::ErrorKind::WriteZero);
/// assert!(!recorder.is_recording());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TraceError {
    circuit: String,
    error: io::Error,
}

impl TraceError {
    pub(super) fn new(circuit: &str, error: io::Error) -> Self {
        Self { circuit: circuit.to_owned(), error }
    }

    /// Returns the name of the breaker.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let recording = Recorder::builder("payment").start(&registry)?;
    /// let error = recording.writer.run(&mut [0; 8][..]).unwrap_err(); // has space for 8 bytes
    /// assert_eq!(error.circuit(), "payment");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn circuit(&self) -> &str {
        &self.circuit
    }

    /// Returns the error of the output.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let recording = Recorder::builder("payment").start(&registry)?;
    /// let error = recording.writer.run(&mut [0; 8][..]).unwrap_err(); // has space for 8 bytes
    /// assert_eq!(error.io_error().kind(), std::io::ErrorKind::WriteZero);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn io_error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for RecorderError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBreaker { circuit } => {
                write!(out, "the registry has no circuit breaker {}; register it first", Quoted(circuit))
            }
            Self::InvalidCapacity { circuit, capacity } => write!(
                out,
                "circuit breaker {}: the capacity of a recorder is {capacity}; it must be between 1 and {MAX_CAPACITY}",
                Quoted(circuit)
            ),
            Self::InvalidOneIn { circuit } => write!(
                out,
                "circuit breaker {}: one_in of a recorder must be at least 1, which records every call",
                Quoted(circuit)
            ),
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "circuit breaker {}: the trace cannot be written, so the recording has stopped; correct the cause and \
             start another recorder: {}",
            Quoted(&self.circuit),
            self.error
        )
    }
}

impl Error for RecorderError {}

/// Its text contains that of the output's error, so its source is the source of that error.
impl Error for TraceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
