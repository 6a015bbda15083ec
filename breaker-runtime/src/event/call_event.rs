//! Events of single calls, and the selection of those that a listener wants.

use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::CircuitId;
use crate::error::{BreakerError, ErrorKind};
use crate::outcome::Outcome;
use crate::printable::Quoted;

/// Kinds of call events, combined with `|`. The default is none of them. See
/// [`Registry::listen_to_calls`](crate::Registry::listen_to_calls).
///
/// ```
/// use breaker_runtime::CallEvents;
///
/// let events = CallEvents::REJECTED | CallEvents::FAILED;
/// assert!(events.contains(CallEvents::FAILED));
/// assert!(!events.contains(CallEvents::SLOW));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CallEvents(u8);

/// An event of one call, for [listeners that ask for it](crate::Registry::listen_to_calls). Clones are cheap.
///
/// ```
/// use std::sync::mpsc;
/// use breaker_runtime::{CallEvent, CallEventKind, CallEvents, CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let (sender, events) = mpsc::channel();
/// let subscription = breaker.listen_to_calls(CallEvents::FAILED, move |event: &CallEvent| {
///     _ = sender.send(event.clone());
/// });
/// breaker.try_acquire()?.fail("no route to host");
/// drop(subscription);
///
/// let failed = events.recv()?;
/// assert_eq!(failed.name(), "search");
/// assert!(matches!(failed.kind(), CallEventKind::Failed { text: Some(text) } if &**text == "no route to host"));
/// assert_eq!(failed.to_string(), r#"circuit breaker "search": a call failed: "no route to host""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    pub(super) id: CircuitId,
    kind: CallEventKind,
}

/// The kind of a call event, with its details.
///
/// ```
/// use std::sync::mpsc;
/// use breaker_runtime::{CallEvent, CallEventKind, CallEvents, CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("payment", Config::default())?;
/// let (sender, lines) = mpsc::channel();
/// let subscription = breaker.listen_to_calls(CallEvents::ALL, move |event: &CallEvent| {
///     let line = match event.kind() {
///         CallEventKind::Rejected(error) => format!("rejected: {}", error.kind().label()),
///         CallEventKind::Failed { text } => format!("failed: {}", text.as_deref().unwrap_or("no text")),
///         CallEventKind::Slow { duration, outcome } => format!("slow {outcome}: {duration:?}"),
///         _ => event.to_string(),
///     };
///     _ = sender.send(line);
/// });
/// breaker.try_acquire()?.fail("no route to host");
/// breaker.force_open();
/// assert!(breaker.try_acquire().is_err());
/// drop(subscription);
/// assert_eq!(lines.try_iter().collect::<Vec<_>>(), ["failed: no route to host", "rejected: forced_open"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallEventKind {
    /// The breaker rejected the call with this error.
    Rejected(BreakerError),
    /// The call failed: it returned a failure, panicked, took longer than `call_timeout`, or was cancelled after
    /// `cancelled_after`.
    Failed {
        /// The text of the failure, the same as in [`Transition::last_failure`](crate::Transition).
        text: Option<Arc<str>>,
    },
    /// The call took at least `slow_call`, and its outcome is a success or a failure. A slow call that failed causes
    /// this event and `Failed`. There is none while the circuit is disabled, because rules do not apply then.
    Slow {
        /// The duration of the call.
        duration: Duration,
        /// The outcome of the call.
        outcome: Outcome,
    },
    /// The fallback of an annotated function returned.
    FallbackUsed {
        /// The reason why the fallback ran.
        cause: FallbackCause,
        /// The outcome of the fallback: an `Err` is a failure.
        outcome: Outcome,
    },
}

/// The reason why a fallback ran.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use breaker_runtime::{CallEvent, CallEventKind, CallEvents, FallbackCause, Registry, circuit_breaker};
///
/// #[circuit_breaker(name = "quote", fallback = |_| Ok(0), fallback_on = failure)]
/// fn quote(symbol: &str) -> Result<usize, String> {
///     Err(format!("{symbol} is unknown"))
/// }
///
/// let causes = Arc::new(Mutex::new(Vec::new()));
/// let subscription = Registry::global().listen_to_calls(CallEvents::FALLBACK_USED, {
///     let causes = Arc::clone(&causes);
///     move |event: &CallEvent| {
///         if let CallEventKind::FallbackUsed { cause, .. } = event.kind() {
///             causes.lock().unwrap().push(*cause);
///         }
///     }
/// });
/// assert_eq!(quote("X"), Ok(0));
/// assert_eq!(*causes.lock().unwrap(), [FallbackCause::Failed]);
/// # drop(subscription);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FallbackCause {
    /// The breaker rejected the call, or stopped it after `call_timeout`.
    Breaker(ErrorKind),
    /// The call returned a failure or the error of another breaker.
    Failed,
}

impl CallEvents {
    /// Rejected calls: [`CallEventKind::Rejected`].
    pub const REJECTED: Self = Self(1);
    /// Failed calls: [`CallEventKind::Failed`]. The text of every failure is then formatted.
    pub const FAILED: Self = Self(2);
    /// Slow calls: [`CallEventKind::Slow`]. Only circuits with `slow_call` have them.
    pub const SLOW: Self = Self(4);
    /// Fallbacks that returned: [`CallEventKind::FallbackUsed`].
    pub const FALLBACK_USED: Self = Self(8);
    /// All kinds of call events.
    pub const ALL: Self = Self(15);

    /// Returns `true` if these are all in this selection.
    #[must_use]
    pub const fn contains(self, events: Self) -> bool {
        self.0 & events.0 == events.0
    }
}

impl BitOr for CallEvents {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for CallEvents {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::REJECTED, "REJECTED"),
            (Self::FAILED, "FAILED"),
            (Self::SLOW, "SLOW"),
            (Self::FALLBACK_USED, "FALLBACK_USED"),
        ];
        let selected = names.into_iter().filter(|(events, _)| self.contains(*events));
        let selected: Vec<_> = selected.map(|(_, name)| name).collect();
        write!(out, "CallEvents({})", selected.join(" | "))
    }
}

impl CallEvent {
    pub(crate) const fn new(id: CircuitId, kind: CallEventKind) -> Self {
        Self { id, kind }
    }

    /// Returns what happened to the call.
    #[must_use]
    pub const fn kind(&self) -> &CallEventKind {
        &self.kind
    }

    /// Returns the selection that this event belongs to.
    pub(super) const fn selector(&self) -> CallEvents {
        match self.kind {
            CallEventKind::Rejected(_) => CallEvents::REJECTED,
            CallEventKind::Failed { .. } => CallEvents::FAILED,
            CallEventKind::Slow { .. } => CallEvents::SLOW,
            CallEventKind::FallbackUsed { .. } => CallEvents::FALLBACK_USED,
        }
    }
}

impl fmt::Display for CallEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind } = self;
        match kind {
            CallEventKind::Rejected(error) => write!(out, "{error}"),
            CallEventKind::Failed { text: Some(text) } => {
                write!(out, "{id}: a call failed: {}", Quoted(text))
            }
            CallEventKind::Failed { text: None } => write!(out, "{id}: a call failed"),
            CallEventKind::Slow { duration, outcome } => {
                write!(out, "{id}: a call was slow: {outcome} after {duration:.1?}")
            }
            CallEventKind::FallbackUsed { cause, outcome } => {
                write!(out, "{id}: a fallback was used because {cause}: {outcome}")
            }
        }
    }
}

/// Displays the reason as a clause: "the call failed".
impl fmt::Display for FallbackCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaker(kind) => kind.fmt(out),
            Self::Failed => out.pad("the call failed"),
        }
    }
}
