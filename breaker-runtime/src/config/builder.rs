//! The builder of a [`Config`]. It accepts plain numbers and remembers the first one that is out of range.
//!
//! Every method is `const`: the attribute evaluates it while the user's crate compiles.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Adopt, Config, ConfigError, Limits, Mode, Sharing};
use crate::state::{Factor, MAX_RUN, MAX_TRIALS, Share};
use crate::window::{MAX_CALLS, Rate, Span};

/// A builder of a [`Config`]. A setting that is not set keeps its default.
///
/// A circuit opens when one of its rules is met. Thresholds are inclusive: with
/// [`failure_threshold(5)`](Self::failure_threshold) the fifth failure opens the circuit. Without any rule,
/// `failure_threshold(5)` applies.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Config;
///
/// // Opens when half of the last 100 calls have failed, or 5 calls in a row.
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
///
/// Every method is `const`. A constant of this type is a policy that many functions share, with the key
/// [`config`](crate::circuit_breaker#a-policy-shared-by-many-functions) of the attribute.
#[derive(Clone)]
#[must_use = "call build() to get the config"]
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
    pub(super) ramp: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) max_open: Option<Rate>,
    pub(super) shared: Sharing,
    pub(super) adopt: Adopt,
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
            ramp: None,
            limits: Limits::DEFAULT,
            max_open: None,
            shared: Sharing::Local,
            adopt: Adopt::UnlessHealthy,
            durations: false,
            mode: Mode::Enforce,
            critical: false,
            error: None,
        }
    }

    /// Sets the number of failures that open the circuit: in a row, or within the window if there is one.
    ///
    /// Range: 1 to 16,777,215, and at most [`window_calls`](Self::window_calls). Default: if no other rule is
    /// set, 5 or `window_calls`, whichever is smaller; otherwise this rule is off.
    #[doc(alias = "maxFailures")]
    #[doc(alias = "handledEventsAllowedBeforeBreaking")]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        match in_range(failures, MAX_RUN) {
            Some(failures) => self.failure_threshold = Some(failures),
            None => self.record_error("failure_threshold must be between 1 and 16777215"),
        }
        self
    }

    /// Sets the number of failures in a row that open the circuit, in addition to the rules of a window.
    ///
    /// Any success, even a slow one, ends a run of failures; an ignored call does not.
    ///
    /// Range: 1 to 16,777,215. Default: this rule is off.
    #[doc(alias = "ConsecutiveFailures")]
    pub const fn consecutive_failures(mut self, failures: u32) -> Self {
        match in_range(failures, MAX_RUN) {
            Some(failures) => self.consecutive_failures = Some(failures),
            None => self.record_error("consecutive_failures must be between 1 and 16777215"),
        }
        self
    }

    /// Sets the share of failures in the window that opens the circuit.
    ///
    /// Ignored calls do not count. The rule needs a window, and applies once the window holds
    /// [`minimum_calls`](Self::minimum_calls).
    ///
    /// Range: above 0.0, up to 1.0. Default: this rule is off.
    #[doc(alias = "failureRateThreshold")]
    #[doc(alias = "FailureRatio")]
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        match Rate::new(rate) {
            Some(rate) => self.failure_rate = Some(rate),
            None => self.record_error("failure_rate must be above 0 and at most 1"),
        }
        self
    }

    /// Sets a window of the last `calls` calls that succeeded or failed.
    ///
    /// All rules apply to the window, except [`consecutive_failures`](Self::consecutive_failures). The time of a call
    /// does not depend on the length of the window. Its memory is proportional to the failures and slow calls that it
    /// has held at most.
    ///
    /// Range: 1 to 1,000,000 calls. Default: no window. Cannot be combined with
    /// [`window_time`](Self::window_time).
    #[doc(alias = "slidingWindowSize")]
    pub const fn window_calls(mut self, calls: u32) -> Self {
        match in_range(calls, MAX_CALLS) {
            Some(calls) => self.set_span(Span::Calls(calls)),
            None => self.record_error("the window must be between 1 and 1000000 calls long"),
        }
        self
    }

    /// Sets a window of the calls that ended within this time.
    ///
    /// All rules apply to the window, except [`consecutive_failures`](Self::consecutive_failures). The window
    /// consists of ten slices and drops one at a time, so it covers the last 90 to 100 % of its length. It
    /// empties even if no call arrives. Neither the time of a call nor the memory depends on its length.
    ///
    /// Range: longer than zero. Times of more than 65 days count as 65 days; with `Duration::MAX` the window
    /// never drops a call. Default: no window. Cannot be combined with [`window_calls`](Self::window_calls).
    #[doc(alias = "SamplingDuration")]
    #[doc(alias = "Interval")]
    pub const fn window_time(mut self, time: Duration) -> Self {
        if time.is_zero() {
            self.record_error("the window must be longer than zero");
        }
        self.set_span(Span::Time(time));
        self
    }

    /// Sets the number of calls that the window must hold before [`failure_rate`](Self::failure_rate) or
    /// [`slow_call_rate`](Self::slow_call_rate) can open the circuit. Other rules ignore it.
    ///
    /// Range: at least 1, and at most [`window_calls`](Self::window_calls). Default: 10, or `window_calls` if
    /// that is smaller.
    #[doc(alias = "minimumNumberOfCalls")]
    #[doc(alias = "MinimumThroughput")]
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) => self.minimum_calls = Some(calls),
            None => self.record_error("minimum_calls must be at least 1"),
        }
        self
    }

    /// Sets the minimum duration of a slow call. A slow call may succeed or fail.
    ///
    /// A call is timed from the start of its function to its end. Slow calls count in the rule
    /// [`slow_call_rate`](Self::slow_call_rate). A slow trial call reopens the circuit. Needs a window.
    ///
    /// Range: longer than zero. Default: no call is slow.
    #[doc(alias = "slowCallDurationThreshold")]
    pub const fn slow_call(mut self, duration: Duration) -> Self {
        if duration.is_zero() {
            self.record_error("slow_call must be longer than zero");
        }
        self.slow_call = Some(duration);
        self
    }

    /// Sets the share of slow calls in the window that opens the circuit.
    ///
    /// Needs [`slow_call`](Self::slow_call) and a window. The rule applies once the window holds
    /// [`minimum_calls`](Self::minimum_calls).
    ///
    /// Range: above 0.0, up to 1.0. Default: 0.5 if `slow_call` is set.
    #[doc(alias = "slowCallRateThreshold")]
    pub const fn slow_call_rate(mut self, rate: f64) -> Self {
        match Rate::new(rate) {
            Some(rate) => self.slow_call_rate = Some(rate),
            None => self.record_error("slow_call_rate must be above 0 and at most 1"),
        }
        self
    }

    /// Sets the time that the circuit stays open before it admits a trial call.
    ///
    /// A call that arrives exactly then is admitted.
    ///
    /// Range: longer than zero; with `Duration::MAX` the circuit does not recover by itself. Default: 30
    /// seconds.
    #[doc(alias = "waitDurationInOpenState")]
    #[doc(alias = "BreakDuration")]
    pub const fn recovery_timeout(mut self, open_for: Duration) -> Self {
        if open_for.is_zero() {
            self.record_error("recovery_timeout must be longer than zero");
        }
        self.recovery_timeout = open_for;
        self
    }

    /// Sets the factor by which the recovery timeout grows each time a trial call reopens the circuit.
    ///
    /// The timeout returns to [`recovery_timeout`](Self::recovery_timeout) when the circuit closes.
    ///
    /// Range: finite, and at least 1.0. Default: 1.0, which means that it does not grow.
    pub const fn backoff(mut self, factor: f64) -> Self {
        match Factor::new(factor) {
            Some(factor) => self.backoff = Some(factor),
            None => self.record_error("backoff must be finite and at least 1.0"),
        }
        self
    }

    /// Sets the maximum to which the recovery timeout grows by [`backoff`](Self::backoff), and to which the hint of
    /// a failure extends it: that of the key [`retry_after`](crate::circuit_breaker#waiting-as-long-as-the-service-says),
    /// or of [`Permit::fail_with_retry_after`](crate::Permit::fail_with_retry_after).
    ///
    /// Range: at least [`recovery_timeout`](Self::recovery_timeout). Default: 5 minutes, or
    /// `recovery_timeout` if that is longer.
    pub const fn max_recovery_timeout(mut self, at_most: Duration) -> Self {
        self.max_recovery_timeout = Some(at_most);
        self
    }

    /// Sets the share of the recovery timeout that is random, so that many processes do not send their trial
    /// calls at the same time.
    ///
    /// With 0.2 the circuit stays open for 80 to 100 % of its recovery timeout.
    ///
    /// Range: 0.0 to 1.0. Default: 0.0.
    pub const fn jitter(mut self, share: f64) -> Self {
        match Share::new(share) {
            Some(share) => self.jitter = share,
            None => self.record_error("jitter must be between 0.0 and 1.0"),
        }
        self
    }

    /// Sets the number of trial slots: the maximum number of trial calls that run at the same time while the
    /// circuit is half-open.
    ///
    /// Range: 1 to 1,024. Default: 3.
    #[doc(alias = "permittedNumberOfCallsInHalfOpenState")]
    #[doc(alias = "MaxRequests")]
    pub const fn half_open_max_calls(mut self, trials: u32) -> Self {
        match in_range(trials, MAX_TRIALS) {
            Some(trials) => self.half_open_max_calls = trials,
            None => self.record_error("half_open_max_calls must be between 1 and 1024"),
        }
        self
    }

    /// Sets the number of successful trial calls that close the circuit. One failed or slow trial call
    /// reopens it.
    ///
    /// Range: at least 1. Default: 3.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        match NonZeroU32::new(successes) {
            Some(successes) => self.success_threshold = successes,
            None => self.record_error("success_threshold must be at least 1"),
        }
        self
    }

    /// Sets the lease of a trial call.
    ///
    /// A trial call that has not ended by then counts as failed, which reopens the circuit; its later result
    /// counts only in the totals. If it succeeds late, further leases are longer: they are doubled until they
    /// exceed the time of that call, up to one hour, and return to this setting when the circuit closes.
    /// Therefore a dependency whose calls always take longer than this, but at most an hour, closes its circuit.
    /// If this setting is longer than an hour, leases do not grow. With `Duration::MAX`, a trial call whose
    /// permit is leaked keeps its slot until an operator resets the circuit.
    ///
    /// Range: longer than zero. Default: `recovery_timeout`, or `call_timeout` if that is longer, so that a
    /// trial call does not count as failed while it may still succeed.
    #[doc(alias = "maxWaitDurationInHalfOpenState")]
    pub const fn half_open_timeout(mut self, lease: Duration) -> Self {
        if lease.is_zero() {
            self.record_error("half_open_timeout must be longer than zero");
        }
        self.half_open_timeout = Some(lease);
        self
    }

    /// Sets the time over which the circuit closes gradually.
    ///
    /// Without it, the full load returns at once when enough trial calls have succeeded. With it, the circuit then
    /// is closed, but admits only a share of the calls: 5 % at first, growing evenly to 100 % over this time. Which
    /// calls are admitted is random. The others are rejected with [`ErrorKind::Ramping`](crate::ErrorKind::Ramping).
    /// [`Snapshot::ramp`](crate::Snapshot::ramp) shows the share and the time that remains.
    ///
    /// The rules apply as in any closed circuit. If one is met, the circuit reopens as after a failed trial call, with
    /// [`backoff`](Self::backoff). A call inside an admitted call of the same circuit, on the same thread or in the
    /// same task, is admitted with it. Only trial calls begin a ramp: an operator closes the circuit wholly, and
    /// ends a ramp. The ramp ends by itself; no timer and no task is involved. After
    /// [`set_config`](crate::CircuitBreaker::set_config), a ramp that is not over has the new length, counted from
    /// its start.
    ///
    /// Range: longer than zero; times of more than 30 days count as 30 days. Default: the circuit closes at once.
    pub const fn ramp(mut self, over: Duration) -> Self {
        if over.is_zero() {
            self.record_error("ramp must be longer than zero");
        }
        self.ramp = Some(over);
        self
    }

    /// Sets whether the durations of calls are recorded, for [`Snapshot::durations`](crate::Snapshot).
    ///
    /// They are always recorded with [`slow_call`](Self::slow_call). Recording reads the clock twice per
    /// call. Calls of a disabled breaker are not timed.
    ///
    /// Default: `false`.
    pub const fn durations(mut self, recorded: bool) -> Self {
        self.durations = recorded;
        self
    }

    /// Sets whether the breaker rejects calls or only observes them.
    ///
    /// Default: [`Mode::Enforce`].
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Marks the circuit as critical: while it rejects calls and no trial call is due, `/health/circuits`
    /// returns 503. It does not affect calls.
    ///
    /// A breaker with keys makes `/health/circuits` return 503 only while every one of its existing circuits
    /// rejects calls, so one failing host of several does not make the service unready.
    /// The overflow circuit does not count, and the own settings of one circuit neither set nor unset this.
    ///
    /// Default: `false`.
    pub const fn critical(mut self, critical: bool) -> Self {
        self.critical = critical;
        self
    }

    /// Checks the settings and returns the config.
    ///
    /// # Errors
    ///
    /// Returns the error of the first setting that is out of range. If there is none, returns the error of
    /// settings that contradict each other, such as a rate without a window or `max_wait` without
    /// `max_concurrent`.
    pub const fn build(self) -> Result<Config, ConfigError> {
        let message = match &self.error {
            Some(error) => Some(error.message()),
            None => self.consistency_error(),
        };
        match message {
            Some(message) => Err(ConfigError::new(message)),
            None => Ok(self.build_unchecked()),
        }
    }

    /// Returns the error of the first setting that is out of range.
    pub(crate) const fn error(&self) -> Option<&ConfigError> {
        self.error.as_ref()
    }

    /// Returns a copy, like `clone`, but also while the user's crate compiles.
    pub(crate) const fn copied(&self) -> Self {
        let error = match &self.error {
            Some(error) => Some(ConfigError::new(error.message())),
            None => None,
        };
        Self { error, ..*self }
    }

    /// Returns these settings without a window, so that another one can be set.
    pub(crate) const fn without_window(mut self) -> Self {
        self.span = Span::Unlimited;
        self
    }

    const fn set_span(&mut self, span: Span) {
        if !matches!(self.span, Span::Unlimited) {
            self.record_error("set either window_calls or window_time, and only once");
        }
        self.span = span;
    }

    /// Remembers the error unless there is an earlier one.
    pub(super) const fn record_error(&mut self, message: &'static str) {
        if self.error.is_none() {
            self.error = Some(ConfigError::new(message));
        }
    }
}

const fn in_range(number: u32, max: u32) -> Option<NonZeroU32> {
    match NonZeroU32::new(number) {
        Some(number) if number.get() <= max => Some(number),
        _ => None,
    }
}

/// Returns the number as a `NonZeroU32`; it must not be zero.
pub(super) const fn non_zero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
