//! The error of a call that the breaker rejected or timed out.
//!
//! An error knows which circuit it comes from and why, but not what the function would have returned.
//!
//! | file | contents |
//! |---|---|
//! | `kind.rs` | the reason for an error, which is also its source |
//! | `call.rs` | the error that a fallback with `fallback_on = failure` receives |

mod kind;
mod call;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::call::CallError;
pub use self::kind::ErrorKind;
pub(crate) use self::kind::is_from_breaker;

use crate::clock::{Clock, HAS_ASYNC_TIMER, Moment};
use crate::config::{CircuitId, Name};
use crate::printable::Quoted;

/// The error of a call that the breaker rejected or timed out.
///
/// A rejected call did not run. A timed-out call took longer than `call_timeout`, and its future was dropped.
///
/// If an annotated function returns the error of another breaker, its call is ignored. Such an error is found by
/// its [source](Error::source), the [`ErrorKind`]; see [`ErrorKind::find_in`].
///
/// A protected function without a fallback returns an error type that implements `From<BreakerError>`:
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[derive(Debug)]
/// enum SearchError {
///     NotFound,
///     Breaker(BreakerError),
/// }
///
/// impl From<BreakerError> for SearchError {
///     fn from(error: BreakerError) -> Self {
///         Self::Breaker(error)
///     }
/// }
///
/// #[circuit_breaker(name = "search", failure_threshold = 1)]
/// fn search(query: &str) -> Result<String, SearchError> {
///     Err(SearchError::NotFound)
/// }
///
/// assert!(matches!(search("rust"), Err(SearchError::NotFound)));
/// assert!(matches!(search("rust"), Err(SearchError::Breaker(_))));
/// ```
#[derive(Clone)]
pub struct BreakerError {
    name: Name,
    key: Option<Arc<str>>,
    kind: ErrorKind,
    /// The moment at which an open circuit admits its first trial call, or from which a circuit that closes gradually
    /// is worth another call.
    due: Option<Moment>,
    clock: Clock,
}

impl BreakerError {
    pub(crate) fn new(
        CircuitId { name, key }: CircuitId,
        kind: ErrorKind,
        due: Option<Moment>,
        clock: Clock,
    ) -> Self {
        Self { name, key, kind, due, clock }
    }

    /// Returns the name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the reason why the breaker rejected or timed out the call.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the key of the circuit; `None` for a breaker without keys and for the overflow circuit.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the time from now until the circuit admits a call again, or zero if that time has passed.
    ///
    /// For [`ErrorKind::Ramping`], it is a hint of at most a second: the next call is admitted or rejected at
    /// random. Returns `None` for every other kind except [`ErrorKind::Open`], and if `recovery_timeout` is
    /// `Duration::MAX`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.due?.wait_from(self.clock.now())
    }
}

impl fmt::Display for BreakerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "circuit breaker {}", Quoted(self.name()))?;
        if let Some(key) = self.key() {
            write!(out, " for {}", Quoted(key))?;
        }
        match (self.kind, self.retry_after()) {
            (ErrorKind::Open, Some(Duration::ZERO)) => out.write_str(" is open; a trial call is due"),
            (ErrorKind::Open, Some(wait)) => write!(out, " is open; call again in {wait:.1?}"),
            (ErrorKind::Open, None) => out.write_str(" is open and does not recover by itself; reset it"),
            (ErrorKind::HalfOpen, _) => {
                out.write_str(" is half-open and all its trial slots are in use; call again soon")
            }
            (ErrorKind::Ramping, _) => {
                out.write_str(" is closing gradually and admits a growing share of calls; call again soon")
            }
            (ErrorKind::ForcedOpen, _) => out.write_str(" is forced open; an operator must release it"),
            (ErrorKind::BulkheadFull, _) => {
                out.write_str(" is at its max_concurrent limit; call again soon or raise the limit")?;
                if HAS_ASYNC_TIMER {
                    return Ok(());
                }
                out.write_str(
                    "; an async call waits for max_wait only with the feature `tokio` of breaker-runtime",
                )
            }
            (ErrorKind::TimedOut, _) => {
                out.write_str(": the call exceeded call_timeout and counts as a failure")
            }
        }
    }
}

/// Shows one short line for a log, without internals.
#[expect(clippy::missing_fields_in_debug, reason = "`due` and `clock` are shown as `retry_after`")]
impl fmt::Debug for BreakerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = out.debug_struct("BreakerError");
        fields.field("name", &self.name());
        if let Some(key) = self.key() {
            fields.field("key", &key);
        }
        fields.field("kind", &self.kind);
        if let Some(wait) = self.retry_after() {
            fields.field("retry_after", &format_args!("{wait:.1?}"));
        }
        fields.finish()
    }
}

/// Has its [`kind`](BreakerError::kind) as its source, by which it is found inside other errors.
impl Error for BreakerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.kind)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::{BreakerError, ErrorKind};
    use crate::breaker::CircuitBreaker;
    use crate::clock::{Clock, HAS_ASYNC_TIMER};
    use crate::config::{CircuitId, Config, Name};
    use crate::outcome::Outcome;

    fn error(key: Option<&str>, kind: ErrorKind, retry_after: Option<Duration>) -> BreakerError {
        let clock = Clock::default();
        let name = Name::new(Cow::Borrowed("payment")).unwrap();
        let due = retry_after.map(|wait| clock.now().after(wait));
        BreakerError::new(CircuitId { name, key: key.map(Arc::from) }, kind, due, clock)
    }

    #[test]
    fn debug_is_one_short_line_without_internals() {
        let error = |key, kind| error(key, kind, None);
        let full = format!("{:?}", error(None, ErrorKind::BulkheadFull));
        assert_eq!(full, r#"BreakerError { name: "payment", kind: BulkheadFull }"#);
        let keyed = format!("{:?}", error(Some("eu-1"), ErrorKind::Open));
        assert_eq!(keyed, r#"BreakerError { name: "payment", key: "eu-1", kind: Open }"#);
    }

    #[test]
    fn display_of_a_circuit_whose_trial_call_is_due_says_so() {
        let text = error(None, ErrorKind::Open, Some(Duration::ZERO)).to_string();
        assert_eq!(text, r#"circuit breaker "payment" is open; a trial call is due"#);
    }

    #[test]
    fn an_async_call_that_cannot_wait_without_a_timer_gets_an_error_that_says_so() {
        if HAS_ASYNC_TIMER {
            return;
        }
        let limits = Config::builder().max_concurrent(1).max_wait(Duration::from_secs(3600));
        let breaker = CircuitBreaker::new("payment", Config::default()).unwrap();
        breaker.set_config(limits.build().unwrap());
        let permit = breaker.try_acquire().unwrap();
        let call = pin!(breaker.call_async(async { Ok::<_, BreakerError>(1) }));
        let polled = call.poll(&mut Context::from_waker(Waker::noop()));
        permit.settle(Outcome::Success);
        let (kind, text) = match polled.map(Result::unwrap_err) {
            Poll::Ready(error) => (Some(error.kind()), error.to_string()),
            Poll::Pending => (None, String::new()),
        };
        assert_eq!(kind, Some(ErrorKind::BulkheadFull));
        assert!(text.ends_with("only with the feature `tokio` of breaker-runtime"), "{text}");
    }

    #[test]
    fn debug_of_an_open_circuit_shows_when_to_call_again() {
        // The clock advances during the test, so this does not compare the tenths of a second.
        let line = format!("{:?}", error(None, ErrorKind::Open, Some(Duration::from_secs(27))));
        let rest =
            line.strip_prefix(r#"BreakerError { name: "payment", kind: Open, retry_after: 2"#).unwrap();
        assert!(rest.ends_with("s }") && rest.len() < 8, "{line}");
        let due = format!("{:?}", error(None, ErrorKind::Open, Some(Duration::ZERO)));
        assert_eq!(due, r#"BreakerError { name: "payment", kind: Open, retry_after: 0.0ns }"#);
    }
}
