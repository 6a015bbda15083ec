//! The builder of a [`Config`]. It accepts plain numbers and remembers the first one that is out of range.
//!
//! Every method is `const`: the attribute evaluates it while the user's crate compiles.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Adopt, Config, ConfigError, Mode, Setting, SettingSet, Sharing};
use crate::state::{Factor, MAX_TRIALS, Share};
use crate::window::{Rate, Span};

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
/// Other settings limit calls and decide how the circuit recovers:
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Mode};
///
/// let config = Config::builder()
///     .half_open_max_calls(1) // one trial call after the other
///     .success_threshold(2)
///     .half_open_timeout(Duration::from_secs(5))
///     .max_recovery_timeout(Duration::from_secs(120))
///     .jitter(0.2)
///     .ramp(Duration::from_secs(60))
///     .max_concurrent(50)
///     .max_wait(Duration::from_millis(100))
///     .hang(Duration::from_secs(20))
///     .cancelled_after(Duration::from_millis(500))
///     .mode(Mode::Shadow)
///     .critical(true)
///     .durations(true)
///     .build()?;
/// assert_eq!((config.max_concurrent(), config.ramp()), (Some(50), Some(Duration::from_secs(60))));
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
    pub(super) window: Option<Span>,
    pub(super) minimum_calls: Option<NonZeroU32>,
    pub(super) slow_call: Option<Duration>,
    pub(super) slow_call_rate: Option<Rate>,
    pub(super) recovery_timeout: Option<Duration>,
    pub(super) backoff: Option<Factor>,
    pub(super) max_recovery_timeout: Option<Duration>,
    pub(super) jitter: Option<Share>,
    pub(super) half_open_max_calls: Option<NonZeroU32>,
    pub(super) success_threshold: Option<NonZeroU32>,
    pub(super) half_open_timeout: Option<Duration>,
    pub(super) ramp: Option<Duration>,
    /// `Duration::MAX` for no limit.
    pub(super) call_timeout: Option<Duration>,
    pub(super) max_concurrent: Option<NonZeroU32>,
    pub(super) max_wait: Option<Duration>,
    pub(super) cancelled_after: Option<Duration>,
    /// `Duration::MAX` for none.
    pub(super) hang: Option<Duration>,
    /// 1.0 for no limit.
    pub(super) max_open: Option<Rate>,
    pub(super) shared: Option<Sharing>,
    pub(super) adopt: Option<Adopt>,
    pub(super) durations: Option<bool>,
    pub(super) mode: Option<Mode>,
    pub(super) critical: Option<bool>,
    /// The settings that [`unset`](Self::unset) has returned to their defaults.
    pub(super) unset: SettingSet,
    /// `true` if the window comes from other settings and can be replaced.
    pub(super) inherits_window: bool,
    pub(super) error: Option<ConfigError>,
}

impl ConfigBuilder {
    pub(super) const fn new() -> Self {
        Self {
            failure_threshold: None,
            consecutive_failures: None,
            failure_rate: None,
            window: None,
            minimum_calls: None,
            slow_call: None,
            slow_call_rate: None,
            recovery_timeout: None,
            backoff: None,
            max_recovery_timeout: None,
            jitter: None,
            half_open_max_calls: None,
            success_threshold: None,
            half_open_timeout: None,
            ramp: None,
            call_timeout: None,
            max_concurrent: None,
            max_wait: None,
            cancelled_after: None,
            hang: None,
            max_open: None,
            shared: None,
            adopt: None,
            durations: None,
            mode: None,
            critical: None,
            unset: SettingSet::NONE,
            inherits_window: false,
            error: None,
        }
    }

    /// Sets the time that the circuit stays open before it admits a trial call.
    ///
    /// A call that arrives exactly then is admitted.
    ///
    /// Range: longer than zero; with `Duration::MAX` the circuit does not recover by itself. Default: 30
    /// seconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let config = Config::builder().failure_threshold(1).recovery_timeout(Duration::from_secs(5)).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// breaker.try_acquire()?.fail("503 Service Unavailable");
    /// let wait = breaker.try_acquire().unwrap_err().retry_after().unwrap();
    /// assert!(wait > Duration::from_secs(4) && wait <= Duration::from_secs(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "waitDurationInOpenState")]
    #[doc(alias = "BreakDuration")]
    pub const fn recovery_timeout(mut self, open_for: Duration) -> Self {
        if open_for.is_zero() {
            self.record_error(Setting::RecoveryTimeout, "recovery_timeout must be longer than zero");
        }
        self.recovery_timeout = Some(open_for);
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
            None => self.record_error(Setting::Backoff, "backoff must be finite and at least 1.0"),
        }
        self
    }

    /// Sets the maximum to which the recovery timeout grows by [`backoff`](Self::backoff), and to which the hint of a
    /// failure extends it: that of the key [`retry_after`](crate::circuit_breaker#waiting-as-long-as-the-service-says),
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
            Some(share) => self.jitter = Some(share),
            None => self.record_error(Setting::Jitter, "jitter must be between 0.0 and 1.0"),
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
            Some(trials) => self.half_open_max_calls = Some(trials),
            None => {
                self.record_error(
                    Setting::HalfOpenMaxCalls,
                    "half_open_max_calls must be between 1 and 1024",
                );
            }
        }
        self
    }

    /// Sets the number of successful trial calls that close the circuit. One failed or slow trial call
    /// reopens it.
    ///
    /// Range: at least 1. Default: 3.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        match NonZeroU32::new(successes) {
            Some(successes) => self.success_threshold = Some(successes),
            None => self.record_error(Setting::SuccessThreshold, "success_threshold must be at least 1"),
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
    /// A trial call that waits for a slot of [`max_concurrent`](Self::max_concurrent) renews its lease while it is
    /// polled. Leases of less than two milliseconds are not renewed in time.
    ///
    /// Range: longer than zero. Default: `recovery_timeout`, or `call_timeout` if that is longer, so that a
    /// trial call does not count as failed while it may still succeed.
    #[doc(alias = "maxWaitDurationInHalfOpenState")]
    pub const fn half_open_timeout(mut self, lease: Duration) -> Self {
        if lease.is_zero() {
            self.record_error(Setting::HalfOpenTimeout, "half_open_timeout must be longer than zero");
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
    /// same task, is admitted with it. Only trial calls begin a ramp: an operator, also one of the fleet, closes the
    /// circuit wholly, and ends a ramp. The ramp ends by itself; no timer and no task is involved. After
    /// [`set_config`](crate::CircuitBreaker::set_config), a ramp that is not over has the new length, counted from
    /// its start.
    ///
    /// Range: longer than zero; times of more than 30 days count as 30 days. Default: the circuit closes at once.
    pub const fn ramp(mut self, over: Duration) -> Self {
        if over.is_zero() {
            self.record_error(Setting::Ramp, "ramp must be longer than zero");
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
        self.durations = Some(recorded);
        self
    }

    /// Sets whether the breaker rejects calls or only observes them.
    ///
    /// Default: [`Mode::Enforce`].
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Mode, State};
    ///
    /// let config = Config::builder().failure_threshold(1).mode(Mode::Shadow).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// breaker.try_acquire()?.fail("503 Service Unavailable");
    /// assert_eq!(breaker.state(), State::Open);
    /// assert!(breaker.try_acquire().is_ok()); // in shadow mode every call is admitted
    /// assert_eq!(breaker.snapshot().shadow_rejections, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
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
        self.critical = Some(critical);
        self
    }

    /// Checks the settings and returns the config.
    ///
    /// # Errors
    ///
    /// Returns the error of the first setting that is out of range. If there is none, returns the error of
    /// settings that contradict each other, such as a rate without a window or `max_wait` without
    /// `max_concurrent`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// let error = Config::builder().recovery_timeout(Duration::ZERO).build().unwrap_err();
    /// assert_eq!(error.to_string(), "recovery_timeout must be longer than zero");
    ///
    /// let error = Config::builder().failure_rate(0.5).build().unwrap_err();
    /// assert!(error.to_string().starts_with("failure_rate and slow_call need a window"));
    /// ```
    pub const fn build(self) -> Result<Config, ConfigError> {
        if let Some(error) = &self.error {
            return Err(error.copied());
        }
        match self.consistency_error() {
            Some(error) => Err(error),
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
            Some(error) => Some(error.copied()),
            None => None,
        };
        Self { error, ..*self }
    }

    /// Returns these settings as those of a built config, all of which can be replaced.
    pub(super) const fn inherited(mut self) -> Self {
        self.unset = SettingSet::NONE;
        self.inherits_window = true;
        self
    }

    /// Returns these settings without a window, so that another one can be set.
    pub(crate) const fn without_window(mut self) -> Self {
        self.window = None;
        self
    }

    pub(super) const fn set_window(&mut self, window: Span) {
        if self.window.is_some() && !self.inherits_window {
            self.record_error(Setting::Window, "set either window_calls or window_time, and only once");
        }
        self.window = Some(window);
        self.inherits_window = false;
    }

    /// Remembers the error unless there is an earlier one.
    pub(super) const fn record_error(&mut self, setting: Setting, message: &'static str) {
        if self.error.is_none() {
            self.error = Some(ConfigError::of_setting(setting, message));
        }
    }
}

pub(super) const fn in_range(number: u32, max: u32) -> Option<NonZeroU32> {
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
