//! The retry budget of a circuit, which limits its retries to a share of its successes.
//!
//! The counts belong to the circuit and are kept in its attachments; each handle applies its own limits to them. Calls
//! do not take part: the successes come from the totals when a retry is due.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::CircuitBreaker;
use super::attachments::AttachmentOwner;
use super::circuit::Circuit;
use super::retry_log::{Reading, RecentCalls, RetryLog, WINDOW};
use crate::config::ConfigError;
use crate::sync::{Mutex, MutexGuard, lock};

const DEFAULT_MILLIONTHS: u32 = MILLION / 10;
const DEFAULT_FLOOR: u32 = 10;
const MILLION: u32 = 1_000_000;

/// The budget for retries of one circuit: a share of its recent successes, and a floor.
///
/// A retry is an additional call to a service that has just failed. If every call is retried twice, a failing service
/// receives three times its usual load exactly when it can serve the least, and if callers of callers retry as well,
/// these factors multiply: a *retry storm*. An open circuit ends it, but a service that fails only some calls may never
/// open its circuit. A budget limits the additional load to a share of the calls that succeed, however many retries
/// each call would make. gRPC's retry throttling and Finagle's `RetryBudget` are similar; the book *Site Reliability
/// Engineering* (Google, chapter "Handling Overload") recommends at most 10 % retries.
///
/// [`CircuitBreaker::budget`] returns a handle with the default limits. [`try_retry`](Self::try_retry) counts a retry
/// and returns `true` if
///
/// * the circuit [would admit](CircuitBreaker::would_admit) a call now, or this is inside a call of the circuit whose
///   slot a retry [would run in](crate::circuit_breaker#calls-inside-calls), and
/// * fewer retries than [`floor`](Self::with_floor) + [`share`](Self::with_share) × successes were counted in the last
///   [`WINDOW`](Self::WINDOW).
///
/// | limit | unit | range | default |
/// |---|---|---|---|
/// | [`share`](Self::with_share) | share of the successes | 0 to 1 | 0.1 |
/// | [`floor`](Self::with_floor) | retries in each window | 0 to `u32::MAX` | 10 |
///
/// # Several handles
///
/// All handles of a circuit, also those of other threads, count the same retries. Each handle has limits of its own, so
/// a part of the program that must not retry much can have a lower one: it stops retrying first. The retries of all
/// handles together never exceed the highest limit. For one circuit per key, each circuit has a budget of its own.
///
/// # What is counted
///
/// Successes are [`Totals::successes`](crate::Totals::successes): all calls of the circuit that succeeded, including
/// slow calls, trial calls, calls in shadow mode and successful retries. Counting starts with the first call of
/// `budget`, so make it at start-up: until there are successes, only the floor applies. The budget reads the total of
/// successes when a handle is used, and spreads the new ones evenly over the time since the previous use, so after a
/// pause a success can count later than it came. It leaves the window 9 to 10 seconds after the moment for which it
/// counts, a retry 10 to 11 seconds after it was granted.
///
/// A counted retry that is not made, for example because its caller is cancelled, stays counted. The budget is in
/// effect in every [mode](crate::Mode), and while the circuit is disabled.
///
/// A handle keeps the circuit of its key from being evicted. Do not store handles of keys: call `budget` for each call,
/// which continues the same count. When the circuit is evicted, its counts are dropped.
///
/// Calls do nothing for the budget. `try_retry` and `remaining` add up the totals of all threads, under a lock that
/// only handles of the budget take.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind, RetryBudget};
///
/// /// Makes up to three attempts, each through the breaker.
/// fn fetch(
///     breaker: &CircuitBreaker,
///     budget: &RetryBudget,
///     mut attempt: impl FnMut() -> Result<u32, BreakerError>,
/// ) -> Result<u32, BreakerError> {
///     for _ in 0..2 {
///         match breaker.call(&mut attempt) {
///             Err(_) if budget.try_retry() => {} // wait here in a real program
///             result => return result,
///         }
///     }
///     breaker.call(&mut attempt)
/// }
///
/// let breaker = CircuitBreaker::new("stock", Config::default())?;
/// let budget = breaker.budget();
/// assert_eq!(budget.remaining(), 10);
/// for _ in 0..40 {
///     fetch(&breaker, &budget, || Ok(7))?;
/// }
/// assert_eq!(budget.remaining(), 14); // 10 % of 40 successes, and the floor
///
/// let broken = || Err(BreakerError::new("warehouse", ErrorKind::Open));
/// fetch(&breaker, &budget, broken).unwrap_err();
/// assert_eq!(budget.remaining(), 12); // three attempts are two retries
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The page [composition](crate::docs::composition) shows it with the crate backon, and what retries cost without it.
#[derive(Clone)]
pub struct RetryBudget {
    circuit: Arc<Circuit>,
    log: Arc<SharedLog>,
    millionths: u32,
    floor: u32,
}

/// The attachment of the circuit.
#[derive(Debug)]
struct SharedLog(Mutex<RetryLog>);

impl CircuitBreaker {
    /// Returns a handle to the retry budget of this circuit with the default limits: a share of 10 % of the successes,
    /// and a floor of 10 retries in each window of 10 seconds. All handles of the circuit count the same retries.
    ///
    /// The first call starts to count successes, so make it at start-up.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let budget = breaker.budget();
    /// assert!(budget.try_retry());
    /// assert_eq!(breaker.budget().remaining(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn budget(&self) -> RetryBudget {
        let circuit = self.circuit();
        let log = circuit.attachments().get_or_create(AttachmentOwner::Circuit, || {
            SharedLog(Mutex::new(RetryLog::new(circuit.read_successes())))
        });
        RetryBudget {
            circuit: Arc::clone(circuit),
            log,
            millionths: DEFAULT_MILLIONTHS,
            floor: DEFAULT_FLOOR,
        }
    }
}

impl RetryBudget {
    /// The period in which successes and retries are counted: 10 seconds.
    pub const WINDOW: Duration = WINDOW;

    /// Returns this handle with another share of the successes that may be retried, from 0 to 1. The default is 0.1.
    /// The share is rounded to a millionth. With 0, only the floor remains.
    ///
    /// # Errors
    ///
    /// Returns an error if `share` is below 0, above 1, or not a number.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let budget = breaker.budget().with_share(0.2)?;
    /// breaker.try_acquire()?.settle(breaker_runtime::Outcome::Success);
    /// assert_eq!(budget.remaining(), 10); // a fifth of a retry is none yet
    /// assert!(budget.with_share(f64::NAN).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_share(mut self, share: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(ConfigError::new("the share of a retry budget must be between 0 and 1"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the product is at most a million"
        )]
        let millionths = (share * f64::from(MILLION)).round() as u32;
        self.millionths = millionths;
        Ok(self)
    }

    /// Returns this handle with another floor: the number of retries in each window that are allowed without any
    /// success, so that a circuit with few calls can retry at all. The default is 10. With 0, only the share remains.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// assert!(!breaker.budget().with_floor(0).try_retry()); // no success yet
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_floor(mut self, floor: u32) -> Self {
        self.floor = floor;
        self
    }

    /// Counts a retry and returns `true`, or returns `false` if the retry must not be made: the budget is used up, or
    /// the circuit would reject the call now. In that case, nothing is counted.
    ///
    /// Query it once for each retry, after the failed attempt, and only if the retry would be made. The circuit can
    /// still reject the retry if its state changes meanwhile. After a rejection no budget is needed, because the
    /// rejected call has not reached the service: wait for [`retry_after`](crate::BreakerError::retry_after) instead.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let budget = breaker.budget().with_floor(1);
    /// assert!(budget.try_retry());
    /// assert!(!budget.try_retry());
    ///
    /// let ample = breaker.budget();
    /// breaker.force_open();
    /// assert!(!ample.try_retry()); // the call would be rejected
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "a retry may be made only if this returns `true`"]
    pub fn try_retry(&self) -> bool {
        let is_admitted = self.circuit.would_admit_here();
        let mut log = self.log.lock();
        // Also updated if the call would be rejected, so that older successes leave the window in time.
        let is_granted = self.left(log.update(self.circuit.read_successes())) > 0 && is_admitted;
        if is_granted {
            log.add_retry();
        }
        is_granted
    }

    /// Returns how many retries are allowed now if the circuit admits them. Counts none.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// assert_eq!(breaker.budget().with_floor(3).remaining(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn remaining(&self) -> u64 {
        let mut log = self.log.lock();
        self.left(log.update(self.circuit.read_successes()))
    }

    fn left(&self, recent: RecentCalls) -> u64 {
        let earned = u128::from(recent.successes) * u128::from(self.millionths) / u128::from(MILLION);
        let allowed = u64::try_from(earned).unwrap_or(u64::MAX).saturating_add(u64::from(self.floor));
        allowed.saturating_sub(recent.retries)
    }
}

impl Circuit {
    /// Reads the time before the successes, so that no success is in a later slice than its own.
    fn read_successes(&self) -> Reading {
        let at = self.now();
        Reading { at, successes: self.totals().successes }
    }
}

impl SharedLog {
    fn lock(&self) -> MutexGuard<'_, RetryLog> {
        lock(&self.0)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RetryBudget")
            .field("name", &self.circuit.identity().name().as_str())
            .field("key", &self.circuit.identity().key())
            .field("share", &(f64::from(self.millionths) / f64::from(MILLION)))
            .field("floor", &self.floor)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
