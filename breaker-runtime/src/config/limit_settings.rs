//! The methods of the builder that set the limits of a single call.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{ConfigBuilder, Limits, Setting};
use crate::clock::HAS_ASYNC_TIMER;
use crate::window::Rate;

const DEFAULT_CANCELLED_AFTER: Duration = Duration::from_secs(1);

impl ConfigBuilder {
    /// Sets the maximum duration of an async call.
    ///
    /// The breaker stops a call that takes longer: it drops the future, and the caller receives a
    /// [`BreakerError`](crate::BreakerError) of the kind [`TimedOut`](crate::ErrorKind::TimedOut). The call
    /// counts as a failure, and in the totals as a timeout. The breaker cannot stop sync calls, and stops no
    /// call in [shadow mode](crate::Mode::Shadow) or while it is disabled.
    ///
    /// Range: longer than zero; `Duration::MAX` means no limit, as if this were not set. Default: no limit. Needs the
    /// feature `tokio`, and a tokio runtime with timers: a call outside such a runtime panics.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use std::time::Duration;
    /// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
    ///
    /// let config = Config::builder().call_timeout(Duration::from_millis(1)).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// let answer = breaker.call_async(std::future::pending::<Result<(), BreakerError>>()).await;
    /// assert_eq!(answer.unwrap_err().kind(), ErrorKind::TimedOut);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "timeoutDuration")]
    pub const fn call_timeout(mut self, at_most: Duration) -> Self {
        if at_most.is_zero() {
            self.record_error(Setting::CallTimeout, "call_timeout must be longer than zero");
        }
        self.call_timeout = Some(at_most);
        if self.times_out() && !HAS_ASYNC_TIMER {
            self.record_error(
                Setting::CallTimeout,
                "call_timeout needs the feature `tokio` of breaker-runtime",
            );
        }
        self
    }

    /// Sets how long a call must have run for its cancellation to count as a failure. A call that is
    /// cancelled earlier is ignored.
    ///
    /// A call is cancelled when its future, or its [`Permit`](crate::Permit), is dropped before it ends. An
    /// outer `tokio::time::timeout`, a `TimeoutLayer` or `select!` does this to a call that hangs, so without
    /// this setting a dependency that hangs would never open its circuit. Sync calls cannot be cancelled.
    ///
    /// The time is measured from the end of the first poll (with [`slow_call`](Self::slow_call),
    /// [`durations`](Self::durations) or [`hang`](Self::hang), from admission), so time that a call blocks in its first
    /// poll is not included. The time of a permit is measured from `try_acquire`. The time that a call waits for
    /// [`max_wait`](Self::max_wait) is not included.
    ///
    /// Choose a value clearly below the timeouts of the callers: a caller's timeout of exactly
    /// `cancelled_after` may fall on either side, and calls that are cancelled by a shorter timeout never count.
    ///
    /// Range: longer than zero; with `Duration::MAX` every cancelled call is ignored. Default: 1 second.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let config = Config::builder().cancelled_after(Duration::from_millis(1)).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// let permit = breaker.try_acquire()?;
    /// std::thread::sleep(Duration::from_millis(2));
    /// drop(permit);
    /// assert_eq!(breaker.snapshot().consecutive_failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn cancelled_after(mut self, at_least: Duration) -> Self {
        if at_least.is_zero() {
            self.record_error(Setting::CancelledAfter, "cancelled_after must be longer than zero");
        }
        self.cancelled_after = Some(at_least);
        self
    }

    /// Sets how long a call may run before it opens the circuit, although it has not ended.
    ///
    /// Rules count calls that have ended. A dependency that accepts calls and never answers would not open its
    /// circuit until its callers give up, and with sync calls never. With this setting, the circuit opens at the moment
    /// when a running call is this old. The next call notices that, and is rejected; so does the end of any call, and
    /// an operator's command. [`state`](crate::CircuitBreaker::state) and
    /// [`snapshot`](crate::CircuitBreaker::snapshot) show it from that moment on, but listeners are notified only when
    /// it is noticed. The reason is [`TripReason::HangingCall`](crate::TripReason::HangingCall). The call that hangs
    /// is not stopped; when it ends, its result counts in the totals only.
    ///
    /// A call runs from its admission until it is settled, cancelled or stopped. The time that it waits for
    /// [`max_wait`](Self::max_wait) is not included. A future or a [`Permit`](crate::Permit) that is forgotten, or
    /// kept without being polled or settled, runs on. It opens the circuit once: a call of an earlier generation
    /// does not count again. A trial call is limited by [`half_open_timeout`](Self::half_open_timeout) instead, and
    /// calls of a disabled circuit are not watched. When [`set_config`](crate::CircuitBreaker::set_config) first
    /// sets `hang`, it applies to calls that begin later; a changed value applies to running calls too.
    ///
    /// A circuit with this setting takes a lock for a moment at the start and at the end of each call, and of each wait
    /// of a guarded stream. Under it, a stream that continues to wait takes time in proportion to the calls that began
    /// after that wait.
    ///
    /// Range: longer than zero; with `Duration::MAX` no call hangs, as if this were not set. Default: no call hangs.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().hang(Duration::from_millis(1)).build()?)?;
    /// let _running = breaker.try_acquire()?;
    /// std::thread::sleep(Duration::from_millis(2));
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn hang(mut self, after: Duration) -> Self {
        if after.is_zero() {
            self.record_error(Setting::Hang, "hang must be longer than zero");
        }
        self.hang = Some(after);
        self
    }

    /// Sets the maximum number of calls that run at the same time.
    ///
    /// When this many calls are running, a further call waits up to [`max_wait`](Self::max_wait) and is then
    /// rejected. A rejection is not a failure. If the state or the settings change while the call waits, it is
    /// admitted or rejected, or continues to wait, as if it arrived then. With keys, each circuit has its own limit.
    /// A call inside another call of the same circuit, on the same thread or in the same task, runs in the slot of
    /// the outer call.
    ///
    /// Calls hold a slot only if the limit was set when they started. If
    /// [`set_config`](crate::CircuitBreaker::set_config) introduces the limit, calls that run already are not counted,
    /// and neither are calls that were admitted while the breaker was disabled. To count every call from the start,
    /// create the breaker with a high limit and lower it later.
    ///
    /// A permit that is leaked with `mem::forget` keeps its slot. Only
    /// [`set_config`](crate::CircuitBreaker::set_config) with a larger limit compensates for it.
    ///
    /// Range: at least 1; values above 268,435,456 act as that number. Default: no limit.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, ErrorKind};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().max_concurrent(1).build()?)?;
    /// let running = breaker.try_acquire()?;
    /// assert_eq!(breaker.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
    /// drop(running);
    /// assert!(breaker.try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "maxConcurrentCalls")]
    #[doc(alias = "bulkhead")]
    pub const fn max_concurrent(mut self, calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) => self.max_concurrent = Some(calls),
            None => self.record_error(Setting::MaxConcurrent, "max_concurrent must be at least 1"),
        }
        self
    }

    /// Sets the share of the circuits of a keyed breaker that may reject calls at the same time. If everything
    /// fails, the cause may be on the side of the caller, and rejecting all calls does not help.
    ///
    /// With 0.5 and ten keys, at most five circuits reject calls: the share is rounded down, but it is at least one
    /// circuit. A circuit that opens while so many others reject calls is open in its state and in its counts, but
    /// it admits the calls that it would reject, and *waives* the rejections. It counts them in
    /// [`Snapshot::waived_rejections`](crate::Snapshot::waived_rejections), and
    /// [`Event::Waived`](crate::Event::Waived) reports the first one. Their results count in the totals and change
    /// no state; the circuit recovers by trial calls as usual.
    ///
    /// An open circuit counts until its open time is over or its state changes. A half-open circuit counts only from a
    /// call that it rejects because all trial calls are running, until one of them ends or its state changes; if it
    /// cannot count, it waives that rejection. As soon as fewer circuits count, the next call of a circuit that waives
    /// is rejected.
    ///
    /// The overflow circuit counts like that of a key. Circuits that are forced open, or in shadow mode, or that have
    /// own settings without `max_open`, are not counted and not limited.
    ///
    /// Range: above 0.0, at most 1.0. Default: 1.0, no limit. Needs keys: a breaker without keys refuses it when it is
    /// created.
    ///
    /// ```
    /// use breaker_runtime::{Config, Outcome, Registry};
    ///
    /// let config = Config::builder().failure_threshold(1).max_open(0.5).build()?;
    /// let hosts = Registry::new().register_keyed("hosts", config, 1000)?;
    /// for host in ["eu-1", "eu-2"] {
    ///     hosts.get(host).try_acquire()?.settle(Outcome::Failure);
    /// }
    /// assert!(hosts.get("eu-1").try_acquire().is_err());
    /// assert!(hosts.get("eu-2").try_acquire().is_ok()); // half of the circuits reject calls already
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "max_ejection_percent")]
    pub const fn max_open(mut self, share: f64) -> Self {
        match Rate::new(share) {
            Some(share) => self.max_open = Some(share),
            None => self.record_error(Setting::MaxOpen, "max_open must be above 0.0 and at most 1.0"),
        }
        self
    }

    /// Sets the maximum time that a call waits while [`max_concurrent`](Self::max_concurrent) calls are
    /// running.
    ///
    /// Sync and async calls wait in one queue and are admitted in arrival order. A sync call blocks its thread. An
    /// async call that must wait needs the feature `tokio`, and a tokio runtime with timers: without the feature it is
    /// rejected at once, and outside such a runtime it panics. With `Duration::MAX` it needs neither. If
    /// [`set_config`](crate::CircuitBreaker::set_config) changes the time, the new one also applies to calls that wait
    /// already, from when they began to wait.
    ///
    /// A free slot is offered to the first waiting call. If its future is not polled within 10 ms, because it was
    /// forgotten or its task is busy, the slot goes to the next call. Each new call and each call that ends
    /// notices that, and so do the calls that wait behind it: after about as long as they have waited so far, or
    /// after a second if that is less. A future that is polled again later waits ahead of all calls that arrived after
    /// it, and its next offer lasts twice as long, up to a second. Therefore a call that is polled at least once a
    /// second takes its eighth offer at the latest.
    ///
    /// An async call without timers cannot notice a forgotten call by itself: in a runtime without timers, and with
    /// `Duration::MAX` under tokio in a program that aborts when it panics, only later calls and calls that end do.
    /// tokio cannot tell whether a runtime has timers. With `Duration::MAX` in a runtime without them, a call that
    /// waits behind another one finds out by a panic of tokio that it catches, once on each thread of the runtime, and
    /// again when another such runtime has used the thread. The panic hook runs: the standard one writes to stderr, and
    /// one that ends the process does so. To avoid that, enable timers in the runtime, or use another `max_wait`. A
    /// call that waits also catches the panic of its timer when its runtime shuts down.
    ///
    /// When a waiting call gets its slot, the state is checked again, and the lease of a trial call starts
    /// again. A waiting sync call neither uses nor needs the token of [`std::thread::park`].
    ///
    /// Range: any duration; `Duration::MAX` waits indefinitely. Default: zero, no waiting. Needs
    /// `max_concurrent`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{BreakerError, CircuitBreaker, Config};
    ///
    /// let config = Config::builder().max_concurrent(1).max_wait(Duration::from_secs(10)).build()?;
    /// let breaker = CircuitBreaker::new("payment", config)?;
    /// let running = breaker.try_acquire_owned()?;
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(Duration::from_millis(10));
    ///     drop(running);
    /// });
    /// assert_eq!(breaker.call(|| Ok::<_, BreakerError>("paid"))?, "paid"); // after 10 ms
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "maxWaitDuration")]
    pub const fn max_wait(mut self, at_most: Duration) -> Self {
        self.max_wait = Some(at_most);
        self
    }

    /// Returns these settings without `max_wait`.
    pub(crate) const fn without_wait(mut self) -> Self {
        self.max_wait = None;
        self
    }

    /// Returns `true` if only a share of the circuits may reject calls.
    pub(crate) const fn has_max_open(&self) -> bool {
        self.limiting_max_open().is_some()
    }

    /// Returns `true` if an async call may reach its time limit.
    pub(crate) const fn times_out(&self) -> bool {
        unless_endless(self.call_timeout).is_some()
    }

    /// Returns `true` if a call may wait for a slot.
    pub(crate) const fn waits(&self) -> bool {
        match self.max_wait {
            Some(at_most) => !at_most.is_zero(),
            None => false,
        }
    }

    /// Returns `max_open`, if it is a limit.
    pub(super) const fn limiting_max_open(&self) -> Option<Rate> {
        match self.max_open {
            Some(share) if share.get() < 1.0 => Some(share),
            Some(_) | None => None,
        }
    }

    /// Returns the limits of a call, with the defaults of those that are not set.
    pub(super) const fn limits(&self) -> Limits {
        Limits {
            call_timeout: unless_endless(self.call_timeout),
            max_concurrent: self.max_concurrent,
            max_wait: match self.max_wait {
                Some(at_most) => at_most,
                None => Duration::ZERO,
            },
            cancelled_after: match self.cancelled_after {
                Some(at_least) => at_least,
                None => DEFAULT_CANCELLED_AFTER,
            },
            hang: unless_endless(self.hang),
        }
    }
}

/// Returns the limit, or `None` for `Duration::MAX`, which no call reaches.
const fn unless_endless(limit: Option<Duration>) -> Option<Duration> {
    match limit {
        Some(limit) if limit.as_nanos() < Duration::MAX.as_nanos() => Some(limit),
        Some(_) | None => None,
    }
}
