//! The way to a [`Config`]: takes plain numbers, remembers the first one that is out of range.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Config, ConfigError, Limits, Mode};
use crate::clock::HAS_ASYNC_TIMER;
use crate::state::{Factor, MAX_RUN, MAX_TRIALS, Share};
use crate::window::{MAX_CALLS, Rate, Span};

/// Builds a [`Config`]; what is not set keeps its default.
///
/// Any rule that is met opens the circuit, and equal is always enough: with
/// [`failure_threshold`](Self::failure_threshold) 5 the fifth failure opens it. If no rule is set,
/// that one is in force.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Config;
///
/// // Half of the last hundred calls, or five in a row.
/// let config = Config::builder()
///     .window_calls(100)
///     .failure_rate(0.5)
///     .consecutive_failures(5)
///     .recovery_timeout(Duration::from_secs(10))
///     .backoff(2.0)
///     .build()?;
/// assert_eq!(config.minimum_calls(), 10);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call build() to get the settings"]
pub struct ConfigBuilder {
    pub(super) failure_threshold: Option<NonZeroU32>,
    pub(super) consecutive_failures: Option<NonZeroU32>,
    pub(super) failure_rate: Option<Rate>,
    pub(super) minimum_calls: Option<NonZeroU32>,
    pub(super) slow_call: Option<Duration>,
    pub(super) slow_call_rate: Option<Rate>,
    pub(super) span: Span,
    pub(super) recovery_timeout: Duration,
    pub(super) backoff: Option<Factor>,
    pub(super) max_recovery_timeout: Option<Duration>,
    pub(super) jitter: Share,
    pub(super) half_open_max_calls: NonZeroU32,
    pub(super) success_threshold: NonZeroU32,
    pub(super) half_open_timeout: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) durations: bool,
    pub(super) mode: Mode,
    pub(super) critical: bool,
    pub(super) error: Option<ConfigError>,
}

impl ConfigBuilder {
    pub(super) const fn new() -> Self {
        Self {
            failure_threshold: None,
            consecutive_failures: None,
            failure_rate: None,
            minimum_calls: None,
            slow_call: None,
            slow_call_rate: None,
            span: Span::Unlimited,
            recovery_timeout: Duration::from_secs(30),
            backoff: None,
            max_recovery_timeout: None,
            jitter: Share::NONE,
            half_open_max_calls: non_zero(3),
            success_threshold: non_zero(3),
            half_open_timeout: None,
            limits: Limits { call_timeout: None, max_concurrent: None, max_wait: Duration::ZERO },
            durations: false,
            mode: Mode::Enforce,
            critical: false,
            error: None,
        }
    }

    /// How many failures open the circuit: in a row, or within the window if there is one. 1 to
    /// 16,777,215; default 5 when no rule is set.
    #[doc(alias = "maxFailures")]
    #[doc(alias = "handledEventsAllowedBeforeBreaking")]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        match counted(failures, MAX_RUN) {
            Some(failures) => self.failure_threshold = Some(failures),
            None => self.refuse("failure_threshold must be between 1 and 16777215"),
        }
        self
    }

    /// How many failures in a row open the circuit, also beside a window: 1 to 16,777,215; default
    /// none. A success ends the run, a slow one too; an ignored call does not.
    #[doc(alias = "ConsecutiveFailures")]
    pub const fn consecutive_failures(mut self, failures: u32) -> Self {
        match counted(failures, MAX_RUN) {
            Some(failures) => self.consecutive_failures = Some(failures),
            None => self.refuse("consecutive_failures must be between 1 and 16777215"),
        }
        self
    }

    /// Which share of failures among the successes and failures in the window opens the circuit:
    /// above 0, up to 1; default none. Needs a window, and waits for
    /// [`minimum_calls`](Self::minimum_calls).
    #[doc(alias = "failureRateThreshold")]
    #[doc(alias = "FailureRatio")]
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        match Rate::new(rate) {
            Some(rate) => self.failure_rate = Some(rate),
            None => self.refuse("failure_rate must be above 0 and at most 1"),
        }
        self
    }

    /// The rules look at exactly this many of the last calls that succeeded or failed: 1 to 1,000,000;
    /// default: no window.
    #[doc(alias = "slidingWindowSize")]
    pub const fn window_calls(mut self, calls: u32) -> Self {
        match counted(calls, MAX_CALLS) {
            Some(calls) => self.set_span(Span::Calls(calls)),
            None => self.refuse("a window of calls must be between 1 and 1000000"),
        }
        self
    }

    /// The rules look this far back: longer than zero; default: no window. It is kept in ten parts and
    /// forgets one at a time, so it reaches back for nine to ten tenths of its length. Without calls it
    /// empties. The longest is 65 days; `Duration::MAX` never forgets.
    #[doc(alias = "SamplingDuration")]
    #[doc(alias = "Interval")]
    pub const fn window_time(mut self, time: Duration) -> Self {
        if time.is_zero() {
            self.refuse("a window of time must be longer than zero");
        }
        self.set_span(Span::Time(time));
        self
    }

    /// How many calls the window must hold before a rate opens the circuit: at least 1, at most a
    /// window of calls; default 10, or the window of calls if that is smaller. Only for rates.
    #[doc(alias = "minimumNumberOfCalls")]
    #[doc(alias = "MinimumThroughput")]
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) => self.minimum_calls = Some(calls),
            None => self.refuse("minimum_calls must be at least 1"),
        }
        self
    }

    /// From how long on a call is slow, a failed one too: longer than zero; default none. A call is
    /// timed from when its function starts until it ends. Needs a window.
    #[doc(alias = "slowCallDurationThreshold")]
    pub const fn slow_call(mut self, duration: Duration) -> Self {
        if duration.is_zero() {
            self.refuse("slow_call must be longer than zero");
        }
        self.slow_call = Some(duration);
        self
    }

    /// Which share of slow calls in the window opens the circuit: above 0, up to 1; default 0.5 when
    /// [`slow_call`](Self::slow_call) is set. Waits for [`minimum_calls`](Self::minimum_calls).
    #[doc(alias = "slowCallRateThreshold")]
    pub const fn slow_call_rate(mut self, rate: f64) -> Self {
        match Rate::new(rate) {
            Some(rate) => self.slow_call_rate = Some(rate),
            None => self.refuse("slow_call_rate must be above 0 and at most 1"),
        }
        self
    }

    /// How long the circuit stays open before it admits a trial: longer than zero; default 30 seconds.
    /// At exactly this time a call is admitted. `Duration::MAX` means never.
    #[doc(alias = "waitDurationInOpenState")]
    #[doc(alias = "BreakDuration")]
    pub const fn recovery_timeout(mut self, open_for: Duration) -> Self {
        if open_for.is_zero() {
            self.refuse("recovery_timeout must be longer than zero");
        }
        self.recovery_timeout = open_for;
        self
    }

    /// By how much the time in which the circuit stays open grows each time that a trial opens it
    /// again: at least 1.0; default 1.0. It is back at `recovery_timeout` when the circuit closes.
    pub const fn backoff(mut self, factor: f64) -> Self {
        match Factor::new(factor) {
            Some(factor) => self.backoff = Some(factor),
            None => self.refuse("backoff must be a number of at least 1.0"),
        }
        self
    }

    /// Up to how long it grows: at least `recovery_timeout`; default 5 minutes, or `recovery_timeout`
    /// if that is longer. Needs [`backoff`](Self::backoff).
    pub const fn max_recovery_timeout(mut self, at_most: Duration) -> Self {
        self.max_recovery_timeout = Some(at_most);
        self
    }

    /// Which part of the time in which the circuit stays open is left to chance, so that many
    /// processes do not come back in one moment: 0.0 to 1.0; default 0.0. With 0.2 it is between 80 and
    /// 100 percent of its length.
    pub const fn jitter(mut self, share: f64) -> Self {
        match Share::new(share) {
            Some(share) => self.jitter = share,
            None => self.refuse("jitter must be between 0.0 and 1.0"),
        }
        self
    }

    /// How many trials may run at a time while the circuit is half-open: 1 to 1,024; default 3.
    #[doc(alias = "permittedNumberOfCallsInHalfOpenState")]
    #[doc(alias = "MaxRequests")]
    pub const fn half_open_max_calls(mut self, trials: u32) -> Self {
        match counted(trials, MAX_TRIALS) {
            Some(trials) => self.half_open_max_calls = trials,
            None => self.refuse("half_open_max_calls must be between 1 and 1024"),
        }
        self
    }

    /// How many successful trials close the circuit: at least 1; default 3. One failed or slow trial
    /// opens it again.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        match NonZeroU32::new(successes) {
            Some(successes) => self.success_threshold = successes,
            None => self.refuse("success_threshold must be at least 1"),
        }
        self
    }

    /// How long a trial may take before it counts as failed and gives its place back: longer than
    /// zero; default: as long as `recovery_timeout`, or `call_timeout` if that is longer, lest a trial that may
    /// still succeed has failed. `Duration::MAX` means never, and then a trial
    /// whose permit is leaked holds its place until an operator resets the breaker.
    #[doc(alias = "maxWaitDurationInHalfOpenState")]
    pub const fn half_open_timeout(mut self, lease: Duration) -> Self {
        if lease.is_zero() {
            self.refuse("half_open_timeout must be longer than zero");
        }
        self.half_open_timeout = Some(lease);
        self
    }

    /// How long an async call may take: longer than zero; default: as long as it likes. When the time
    /// is over its future is dropped, which counts as a failure and, in the totals, as a timeout; the
    /// caller gets a [`BreakerError`](crate::BreakerError) of the kind `TimedOut`. Sync calls cannot be
    /// ended and have no such limit. `Duration::MAX` means none. Needs the feature `tokio`.
    #[doc(alias = "timeoutDuration")]
    pub const fn call_timeout(mut self, at_most: Duration) -> Self {
        if at_most.is_zero() {
            self.refuse("call_timeout must be longer than zero");
        }
        if !HAS_ASYNC_TIMER {
            self.refuse("call_timeout needs the feature `tokio` of breaker-runtime");
        }
        self.limits.call_timeout = Some(at_most);
        self
    }

    /// How many calls may run at a time: at least 1; default: no limit. The circuit is asked first;
    /// then a call that finds no room waits for [`max_wait`](Self::max_wait) and is rejected, which is
    /// no failure. A call that has waited while the circuit changed asks it again. With keys the limit is
    /// that of each key. A permit that is forgotten (`mem::forget`) keeps its place; only
    /// [`set_config`](crate::CircuitBreaker::set_config) with a larger limit makes up for it.
    #[doc(alias = "maxConcurrentCalls")]
    #[doc(alias = "bulkhead")]
    pub const fn max_concurrent(mut self, calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) => self.limits.max_concurrent = Some(calls),
            None => self.refuse("max_concurrent must be at least 1"),
        }
        self
    }

    /// How long a call waits for its turn when `max_concurrent` calls are running; default: not at
    /// all. First come, first served, sync and async calls in one queue. A sync call blocks its thread;
    /// an async one needs the feature `tokio` to wait. `Duration::MAX` waits for ever.
    #[doc(alias = "maxWaitDuration")]
    pub const fn max_wait(mut self, at_most: Duration) -> Self {
        self.limits.max_wait = at_most;
        self
    }

    /// Whether the durations of calls are recorded, for [`Snapshot::durations`](crate::Snapshot); default
    /// no, but with [`slow_call`](Self::slow_call) they always are. It costs two readings of the time a
    /// call. Calls of a disabled breaker are not timed.
    pub const fn durations(mut self, recorded: bool) -> Self {
        self.durations = recorded;
        self
    }

    /// Whether the breaker rejects calls; default [`Mode::Enforce`].
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Whether your service is not ready while this circuit rejects calls and is not yet due for a trial;
    /// default no. The breaker itself does nothing with it: those who report health do.
    pub const fn critical(mut self, critical: bool) -> Self {
        self.critical = critical;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting that was out of its range; then whatever makes no sense together: a rate
    /// without a window, a wait without a limit.
    pub const fn build(self) -> Result<Config, ConfigError> {
        self.combined()
    }

    pub(crate) const fn error(&self) -> Option<&ConfigError> {
        self.error.as_ref()
    }

    const fn set_span(&mut self, span: Span) {
        if !matches!(self.span, Span::Unlimited) {
            self.refuse("a window is either of calls or of time; set one of them, once");
        }
        self.span = span;
    }

    const fn refuse(&mut self, message: &'static str) {
        if self.error.is_none() {
            self.error = Some(ConfigError::new(message));
        }
    }
}

const fn counted(number: u32, most: u32) -> Option<NonZeroU32> {
    match NonZeroU32::new(number) {
        Some(number) if number.get() <= most => Some(number),
        _ => None,
    }
}

pub(super) const fn non_zero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
