//! The error of a call that the breaker rejected or timed out.
//!
//! An error knows which circuit it comes from and why, but not what the function would have returned.
//!
//! | file | contents |
//! |---|---|
//! | `kind.rs` | the reason for an error, which is also its source |
//! | `origin.rs` | the circuit that an error comes from |
//! | `call.rs` | the error that a fallback with `fallback_on = failure` receives |

mod kind;
mod call;
mod origin;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::call::CallError;
pub use self::kind::ErrorKind;
pub(crate) use self::kind::is_from_breaker;
#[allow(unused_imports, reason = "only the integration `tonic` uses it")]
pub(crate) use self::kind::sources;
use self::origin::NamedOrigin;
pub(crate) use self::origin::Origin;

use crate::clock::{Clock, HAS_ASYNC_TIMER};
use crate::printable::Quoted;
use crate::state::{Opening, State, Transition};

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
    origin: Arc<dyn Origin>,
    kind: ErrorKind,
    /// The open state that rejected the call. For a ramp, only the moment at which to call again.
    opening: Option<Opening>,
    clock: Clock,
}

impl BreakerError {
    /// Creates an error that comes from no circuit, for tests of code that handles rejections.
    ///
    /// Its [`last_transition`](Self::last_transition) is `None`.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, ErrorKind};
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum SearchError {
    ///     TryLater,
    ///     Internal(String),
    /// }
    ///
    /// impl From<BreakerError> for SearchError {
    ///     fn from(error: BreakerError) -> Self {
    ///         match error.kind() {
    ///             ErrorKind::Open | ErrorKind::HalfOpen => Self::TryLater,
    ///             _ => Self::Internal(error.to_string()),
    ///         }
    ///     }
    /// }
    ///
    /// let error = BreakerError::new("search", ErrorKind::Open);
    /// assert_eq!(SearchError::from(error), SearchError::TryLater);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, kind: ErrorKind) -> Self {
        let origin = Arc::new(NamedOrigin { name: name.into(), key: None });
        Self::from_circuit(origin, kind, None, Clock::here())
    }

    /// Sets the [key](Self::key) of an error that [`new`](Self::new) created.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, ErrorKind};
    ///
    /// let error = BreakerError::new("shop", ErrorKind::ForcedOpen).with_key("eu-1");
    /// assert_eq!(error.to_string(), r#"circuit breaker "shop" for "eu-1" is forced open"#);
    /// ```
    #[must_use]
    pub fn with_key(self, key: impl Into<Cow<'static, str>>) -> Self {
        let origin = NamedOrigin { name: Cow::Owned(self.name().to_owned()), key: Some(key.into()) };
        Self { origin: Arc::new(origin), ..self }
    }

    /// Sets the time from now until the circuit admits a call again; see [`retry_after`](Self::retry_after).
    /// `Duration::MAX` means never. Only an error of the kind [`ErrorKind::Open`] has such a time, so this changes
    /// no other error.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{BreakerError, ErrorKind};
    ///
    /// let error = BreakerError::new("search", ErrorKind::Open).with_retry_after(Duration::from_secs(27));
    /// assert!(error.retry_after() > Some(Duration::from_secs(26)));
    /// ```
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        if self.kind == ErrorKind::Open {
            self.opening = Some(Opening { due: self.clock.now().after(wait), generation: None });
        }
        self
    }

    /// Returns the name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        self.origin.name()
    }

    /// Returns the reason why the breaker rejected or timed out the call.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the key of the circuit; `None` for a breaker without keys and for the overflow circuit.
    ///
    /// ```
    /// use breaker_runtime::{Config, ErrorKind, Registry};
    ///
    /// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
    /// shops.get("eu-1").force_open();
    /// let error = shops.get("eu-1").try_acquire().unwrap_err();
    /// assert_eq!((error.name(), error.key(), error.kind()), ("shop", Some("eu-1"), ErrorKind::ForcedOpen));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.origin.key()
    }

    /// Returns the time from now until the circuit admits a call again, or zero if that time has passed.
    ///
    /// For [`ErrorKind::Ramping`], it is a hint of at most a second: the next call is admitted or rejected at
    /// random. Returns `None` for every other kind except [`ErrorKind::Open`], and if `recovery_timeout` is
    /// `Duration::MAX`.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
    /// breaker.try_acquire()?.fail("503 Service Unavailable");
    /// let wait = breaker.try_acquire().unwrap_err().retry_after().unwrap();
    /// println!("Retry-After: {}", wait.as_secs() + 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.opening?.due.wait_from(self.clock.now())
    }

    /// Returns the last transition of the circuit, which says why it is in its current state.
    ///
    /// It is looked up by this call, so it is newer than the error if the circuit has changed its state since; the
    /// error stores nothing of it. Returns `None` if the circuit has never changed its state, if it no longer exists
    /// (it was evicted, or all its handles were dropped), and for an error that [`new`](Self::new) created. Takes the
    /// lock of the circuit for a moment.
    ///
    /// ```
    /// use breaker_runtime::{Cause, CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::builder().failure_threshold(1).build()?)?;
    /// breaker.try_acquire()?.fail("503 Service Unavailable");
    ///
    /// let error = breaker.try_acquire().unwrap_err();
    /// let opened = error.last_transition().unwrap();
    /// assert_eq!(opened.cause, Cause::ThresholdReached);
    /// assert_eq!(opened.last_failure.as_deref(), Some("503 Service Unavailable"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last_transition(&self) -> Option<Arc<Transition>> {
        self.origin.last_transition()
    }

    pub(crate) fn from_circuit(
        origin: Arc<dyn Origin>,
        kind: ErrorKind,
        opening: Option<Opening>,
        clock: Clock,
    ) -> Self {
        Self { origin, kind, opening, clock }
    }

    /// Returns the transition that opened the circuit, if it is still open since then.
    fn opened_by(&self) -> Option<Arc<Transition>> {
        let generation = self.opening?.generation?;
        self.last_transition().filter(|last| last.to == State::Open && last.generation == generation)
    }

    /// Writes what an operator may do. Callers of the function cannot do it.
    fn write_commands(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            ErrorKind::Open => "; an operator can close it with force_close or reset",
            ErrorKind::HalfOpen => "; an operator can close it with force_close or reset, or raise half_open_max_calls",
            ErrorKind::Ramping => "; an operator can close it wholly with force_close or reset, or shorten ramp",
            ErrorKind::ForcedOpen => "; an operator must end this with release, force_close or reset",
            ErrorKind::BulkheadFull if HAS_ASYNC_TIMER => "; an operator can raise max_concurrent or max_wait",
            ErrorKind::BulkheadFull => {
                "; an operator can raise max_concurrent; an async call waits for max_wait only with the feature \
                 `tokio` of breaker-runtime"
            }
            ErrorKind::Injected => "; an operator can stop the drill",
            ErrorKind::TimedOut => "; an operator can raise call_timeout",
        })
    }
}

/// Two errors are equal if their circuits have the same name and key, and their kinds are equal. Times are not
/// compared.
impl PartialEq for BreakerError {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.name(), self.key()) == (other.kind, other.name(), other.key())
    }
}

impl Eq for BreakerError {}

/// Displays the breaker, why it rejected the call, and when to call again. The alternate form, `{:#}`, adds what an
/// operator can do.
///
/// ```
/// use breaker_runtime::{BreakerError, ErrorKind};
///
/// let error = BreakerError::new("payment", ErrorKind::ForcedOpen);
/// assert_eq!(format!("{error}"), r#"circuit breaker "payment" is forced open"#);
/// assert_eq!(
///     format!("{error:#}"),
///     r#"circuit breaker "payment" is forced open; an operator must end this with release, force_close or reset"#
/// );
/// ```
///
/// The error of an open circuit says why it opened, as long as it is open:
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
/// breaker.try_acquire()?.fail("503 Service Unavailable");
/// let text = breaker.try_acquire().unwrap_err().to_string();
/// let why = r#"circuit breaker "payment" is open (1 failure in a row; last: 503 Service Unavailable)"#;
/// assert!(text.starts_with(why)); // .. and ends with "; call again in 30.0s"
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl fmt::Display for BreakerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "circuit breaker {}", Quoted(self.name()))?;
        if let Some(key) = self.key() {
            write!(out, " for {}", Quoted(key))?;
        }
        match self.kind {
            ErrorKind::Open => {
                out.write_str(" is open")?;
                if let Some(opened) = self.opened_by() {
                    out.write_str(" (")?;
                    opened.write_reason(out)?;
                    out.write_str(")")?;
                }
                match self.retry_after() {
                    Some(Duration::ZERO) => out.write_str("; a trial call is due"),
                    Some(wait) => write!(out, "; call again in {wait:.1?}"),
                    None => out.write_str(" and does not recover by itself"),
                }
            }
            ErrorKind::HalfOpen => {
                out.write_str(" is half-open and all its trial slots are in use; call again soon")
            }
            ErrorKind::Ramping => {
                out.write_str(" is closing gradually and admits a growing share of calls; call again soon")
            }
            ErrorKind::ForcedOpen => out.write_str(" is forced open"),
            ErrorKind::BulkheadFull => out.write_str(" is at its max_concurrent limit; call again soon"),
            ErrorKind::Injected => out.write_str(": a drill failed the call, which counts as a failure"),
            ErrorKind::TimedOut => out.write_str(": the call exceeded call_timeout and counts as a failure"),
        }?;
        if out.alternate() { self.write_commands(out) } else { Ok(()) }
    }
}

/// Shows one short line for a log, without internals.
#[expect(
    clippy::missing_fields_in_debug,
    reason = "other fields are shown as `retry_after`, or are internals"
)]
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
    use std::panic::RefUnwindSafe;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::{BreakerError, ErrorKind};
    use crate::breaker::CircuitBreaker;
    use crate::clock::HAS_ASYNC_TIMER;
    use crate::config::Config;
    use crate::outcome::Outcome;

    fn error(key: Option<&'static str>, kind: ErrorKind, retry_after: Option<Duration>) -> BreakerError {
        let error = BreakerError::new("payment", kind);
        let error = key.into_iter().fold(error, BreakerError::with_key);
        retry_after.into_iter().fold(error, BreakerError::with_retry_after)
    }

    #[test]
    fn an_error_is_small_and_can_go_anywhere() {
        fn assert_free<T: Clone + Send + Sync + Unpin + RefUnwindSafe + 'static>() {}
        assert_free::<BreakerError>();
        assert!(size_of::<BreakerError>() <= 64, "{}", size_of::<BreakerError>());
    }

    #[test]
    fn only_the_alternate_form_says_what_an_operator_can_do() {
        let kinds = [
            ErrorKind::Open,
            ErrorKind::HalfOpen,
            ErrorKind::ForcedOpen,
            ErrorKind::BulkheadFull,
            ErrorKind::Injected,
            ErrorKind::TimedOut,
        ];
        for kind in kinds {
            let error = error(None, kind, None);
            let (plain, alternate) = (format!("{error}"), format!("{error:#}"));
            let commands = alternate.strip_prefix(&plain).unwrap();
            assert!(commands.starts_with("; an operator "), "{alternate}");
            let words = ["operator", "reset", "release", "force_"];
            assert!(!words.into_iter().any(|word| plain.contains(word)), "{plain}");
        }
    }

    #[test]
    fn errors_are_equal_if_name_key_and_kind_are() {
        let open = |wait| error(Some("a"), ErrorKind::Open, Some(Duration::from_secs(wait)));
        assert_eq!(open(1), open(2));
        for other in [
            error(Some("b"), ErrorKind::Open, None),
            error(None, ErrorKind::Open, None),
            error(Some("a"), ErrorKind::HalfOpen, None),
            BreakerError::new("other", ErrorKind::Open).with_key("a"),
        ] {
            assert_ne!(other, open(1));
        }
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
            Poll::Ready(error) => (Some(error.kind()), format!("{error:#}")),
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
