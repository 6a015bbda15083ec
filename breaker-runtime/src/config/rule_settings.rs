//! The methods of the builder that set the rules by which a circuit opens.

use std::num::NonZeroU32;
use std::time::Duration;

use super::builder::in_range;
use super::{ConfigBuilder, Setting};
use crate::state::MAX_RUN;
use crate::window::{MAX_CALLS, Rate, Span};

impl ConfigBuilder {
    /// Sets the number of failures that open the circuit: in a row, or within the window if there is one.
    ///
    /// Range: 1 to 16,777,215, and at most [`window_calls`](Self::window_calls). Default: if no other rule is
    /// set, 5 or `window_calls`, whichever is smaller; otherwise this rule is off.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let config = Config::builder().failure_threshold(2).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// assert_eq!(breaker.state(), State::Closed);
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "maxFailures")]
    #[doc(alias = "handledEventsAllowedBeforeBreaking")]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        match in_range(failures, MAX_RUN) {
            Some(failures) => self.failure_threshold = Some(failures),
            None => self
                .record_error(Setting::FailureThreshold, "failure_threshold must be between 1 and 16777215"),
        }
        self
    }

    /// Sets the number of failures in a row that open the circuit, in addition to the rules of a window.
    ///
    /// Any success, even a slow one, ends a run of failures; an ignored call does not.
    ///
    /// Range: 1 to 16,777,215. Default: this rule is off.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// // Four failures of the last ten calls, or two in a row.
    /// let config = Config::builder().window_calls(10).failure_threshold(4).consecutive_failures(2).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// for outcome in [Outcome::Failure, Outcome::Success, Outcome::Failure, Outcome::Failure] {
    ///     breaker.try_acquire()?.settle(outcome);
    /// }
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "ConsecutiveFailures")]
    pub const fn consecutive_failures(mut self, failures: u32) -> Self {
        match in_range(failures, MAX_RUN) {
            Some(failures) => self.consecutive_failures = Some(failures),
            None => self.record_error(
                Setting::ConsecutiveFailures,
                "consecutive_failures must be between 1 and 16777215",
            ),
        }
        self
    }

    /// Sets the share of failures in the window that opens the circuit.
    ///
    /// Ignored calls do not count. The rule needs a window, and applies once the window holds
    /// [`minimum_calls`](Self::minimum_calls).
    ///
    /// Range: above 0.0, up to 1.0. Default: this rule is off.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let config = Config::builder().window_calls(10).failure_rate(0.5).minimum_calls(4).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// for outcome in [Outcome::Failure, Outcome::Success, Outcome::Success, Outcome::Failure] {
    ///     assert_eq!(breaker.state(), State::Closed);
    ///     breaker.try_acquire()?.settle(outcome);
    /// }
    /// assert_eq!(breaker.state(), State::Open); // two of four calls have failed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "failureRateThreshold")]
    #[doc(alias = "FailureRatio")]
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        match Rate::new(rate) {
            Some(rate) => self.failure_rate = Some(rate),
            None => self.record_error(Setting::FailureRate, "failure_rate must be above 0 and at most 1"),
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
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let config = Config::builder().window_calls(3).failure_threshold(2).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// for outcome in [Outcome::Failure, Outcome::Success, Outcome::Success, Outcome::Failure] {
    ///     breaker.try_acquire()?.settle(outcome);
    /// }
    /// assert_eq!(breaker.state(), State::Closed); // the window no longer contains the first call
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "slidingWindowSize")]
    pub const fn window_calls(mut self, calls: u32) -> Self {
        match in_range(calls, MAX_CALLS) {
            Some(calls) => self.set_window(Span::Calls(calls)),
            None => self.record_error(Setting::Window, "the window must be between 1 and 1000000 calls long"),
        }
        self
    }

    /// Sets a window of the calls that ended within this time.
    ///
    /// All rules apply to the window, except [`consecutive_failures`](Self::consecutive_failures). The window consists
    /// of ten slices and drops one at a time, so it covers the last 90 to 100 % of its length. It empties even if no
    /// call arrives. Neither the time of a call nor the memory depends on its length. A slice lasts a whole number of
    /// nanoseconds, rounded up, so windows of less than a microsecond may cover more than their length.
    ///
    /// Range: longer than zero. Times of more than 65 days count as 65 days; with `Duration::MAX` the window
    /// never drops a call. Default: no window. Cannot be combined with [`window_calls`](Self::window_calls).
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// // Opens when half of the calls of the last minute have failed, if these are at least 20 calls.
    /// let config =
    ///     Config::builder().window_time(Duration::from_secs(60)).failure_rate(0.5).minimum_calls(20).build()?;
    /// assert_eq!(config.window_time(), Some(Duration::from_secs(60)));
    ///
    /// let both = Config::builder().window_time(Duration::from_secs(60)).window_calls(100).build();
    /// assert_eq!(both.unwrap_err().to_string(), "set either window_calls or window_time, and only once");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[doc(alias = "SamplingDuration")]
    #[doc(alias = "Interval")]
    pub const fn window_time(mut self, time: Duration) -> Self {
        if time.is_zero() {
            self.record_error(Setting::Window, "the window must be longer than zero");
        }
        self.set_window(Span::Time(time));
        self
    }

    /// Sets the number of calls that the window must hold before [`failure_rate`](Self::failure_rate) or
    /// [`slow_call_rate`](Self::slow_call_rate) can open the circuit. Other rules ignore it.
    ///
    /// Range: at least 1, and at most [`window_calls`](Self::window_calls). Default: 10, or `window_calls` if
    /// that is smaller.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let config = Config::builder().window_calls(100).failure_rate(0.1).minimum_calls(3).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// assert_eq!(breaker.state(), State::Closed); // too few calls for a rate
    /// breaker.try_acquire()?.settle(Outcome::Success);
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "minimumNumberOfCalls")]
    #[doc(alias = "MinimumThroughput")]
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) => self.minimum_calls = Some(calls),
            None => self.record_error(Setting::MinimumCalls, "minimum_calls must be at least 1"),
        }
        self
    }

    /// Sets the minimum duration of a slow call. A slow call may succeed or fail.
    ///
    /// A call is timed from the start of its function to its end. Slow calls count in the rule
    /// [`slow_call_rate`](Self::slow_call_rate). A slow trial call reopens the circuit. Needs a window.
    ///
    /// Range: longer than zero. Default: no call is slow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let slow = Config::builder().window_calls(10).slow_call(Duration::from_millis(1));
    /// let breaker = CircuitBreaker::new("payment", slow.slow_call_rate(1.0).minimum_calls(2).build()?)?;
    /// for _ in 0..2 {
    ///     let permit = breaker.try_acquire()?;
    ///     std::thread::sleep(Duration::from_millis(2));
    ///     permit.settle(Outcome::Success);
    /// }
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "slowCallDurationThreshold")]
    pub const fn slow_call(mut self, duration: Duration) -> Self {
        if duration.is_zero() {
            self.record_error(Setting::SlowCall, "slow_call must be longer than zero");
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
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// let two_seconds = Duration::from_secs(2);
    /// let config = Config::builder().window_calls(100).slow_call(two_seconds).slow_call_rate(0.8).build()?;
    /// assert_eq!((config.slow_call(), config.slow_call_rate()), (Some(two_seconds), Some(0.8)));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[doc(alias = "slowCallRateThreshold")]
    pub const fn slow_call_rate(mut self, rate: f64) -> Self {
        match Rate::new(rate) {
            Some(rate) => self.slow_call_rate = Some(rate),
            None => self.record_error(Setting::SlowCallRate, "slow_call_rate must be above 0 and at most 1"),
        }
        self
    }
}
