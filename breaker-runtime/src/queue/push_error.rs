//! The error of an item that was not queued. It returns the item.

use std::error::Error;
use std::fmt;

use crate::config::CircuitId;
use crate::failure_text::failure_text;

/// An item that was not queued, and why.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
/// use breaker_runtime::queue::{PushErrorKind, RetryQueue};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("capture", Config::default())?;
/// let queue = RetryQueue::in_memory(&breaker, 1);
/// queue.push("order 1").await?;
///
/// let error = queue.push("order 2").await.unwrap_err();
/// assert!(matches!(error.kind(), PushErrorKind::Full));
/// assert_eq!(
///     error.to_string(),
///     r#"circuit breaker "capture": the queue is full; report the error to the caller, or raise the capacity"#,
/// );
/// assert_eq!(error.into_item(), "order 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PushError<T, E> {
    item: T,
    kind: PushErrorKind<E>,
    /// Set by the queue; the store does not know the circuit.
    circuit: Option<CircuitId>,
}

/// The reason why an item was not queued. `E` is the error of the store.
///
/// ```
/// use std::fmt::Display;
/// use breaker_runtime::queue::{PushError, PushErrorKind};
///
/// fn advice<T, E: Display>(error: &PushError<T, E>) -> String {
///     match error.kind() {
///         PushErrorKind::Full => "try again later".to_owned(),
///         PushErrorKind::Closed => "the service is restarting".to_owned(),
///         PushErrorKind::Store(error) => format!("call the operator: {error}"),
///         _ => "see the log".to_owned(),
///     }
/// }
///
/// assert_eq!(advice(&PushError::store("order 1", "disk full")), "call the operator: disk full");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushErrorKind<E> {
    /// The queue has as many items as its capacity allows.
    Full,
    /// The queue was closed.
    Closed,
    /// The store failed.
    Store(E),
}

impl<T, E> PushError<T, E> {
    /// Creates the error of a store that has as many items as its capacity allows.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::queue::{PushError, PushErrorKind};
    ///
    /// let error = PushError::<_, io::Error>::full("order 1");
    /// assert!(matches!(error.kind(), PushErrorKind::Full));
    /// ```
    #[must_use]
    pub const fn full(item: T) -> Self {
        Self { item, kind: PushErrorKind::Full, circuit: None }
    }

    /// Creates the error of a store that failed.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::queue::PushError;
    ///
    /// let error = PushError::store("order 1", io::Error::other("disk full"));
    /// assert_eq!(error.to_string(), "the store of the queue failed: disk full; the item is in no queue");
    /// ```
    #[must_use]
    pub const fn store(item: T, error: E) -> Self {
        Self { item, kind: PushErrorKind::Store(error), circuit: None }
    }

    pub(super) const fn closed(item: T) -> Self {
        Self { item, kind: PushErrorKind::Closed, circuit: None }
    }

    pub(super) fn with_circuit(self, circuit: CircuitId) -> Self {
        Self { circuit: Some(circuit), ..self }
    }

    /// Returns the reason.
    #[must_use]
    pub const fn kind(&self) -> &PushErrorKind<E> {
        &self.kind
    }

    /// Returns the item.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::queue::PushError;
    ///
    /// let error = PushError::<_, io::Error>::full("order 1");
    /// assert_eq!(*error.item(), "order 1");
    /// ```
    #[must_use]
    pub const fn item(&self) -> &T {
        &self.item
    }

    /// Returns the item, and drops the reason.
    #[must_use]
    pub fn into_item(self) -> T {
        self.item
    }
}

/// Displays the circuit, the reason, and what to do. Does not display the item.
impl<T, E: fmt::Display> fmt::Display for PushError<T, E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(circuit) = &self.circuit {
            write!(out, "{circuit}: ")?;
        }
        match &self.kind {
            PushErrorKind::Full => {
                out.write_str("the queue is full; report the error to the caller, or raise the capacity")
            }
            PushErrorKind::Closed => {
                out.write_str("the queue is closed; close it after the last call has ended")
            }
            PushErrorKind::Store(error) => {
                write!(out, "the store of the queue failed: {}; the item is in no queue", failure_text(error))
            }
        }
    }
}

/// Shows the circuit and the reason, but not the item.
impl<T, E: fmt::Debug> fmt::Debug for PushError<T, E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let circuit = self.circuit.as_ref().map(CircuitId::name);
        out.debug_struct("PushError")
            .field("circuit", &circuit)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Has the error of the store as its source.
impl<T, E: Error + 'static> Error for PushError<T, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            PushErrorKind::Full | PushErrorKind::Closed => None,
            PushErrorKind::Store(error) => Some(error),
        }
    }
}
