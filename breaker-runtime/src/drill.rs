//! The faults that a drill injects, and the data about a drill that is running.
//!
//! Plain data. This module does not know how faults are injected; see `breaker/gate.rs`. Without the feature `chaos`,
//! nothing starts a drill.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::SettingDuration;

/// The faults that a drill injects into the calls of a circuit; see `breaker_runtime::chaos` (feature `chaos`).
///
/// Each call is decided independently at random. A call can be delayed and then fail. The shares are checked when the
/// drill starts.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Fault;
///
/// // Three calls of ten fail, and every call takes two seconds longer.
/// let fault = Fault::fail(0.3).delay(Duration::from_secs(2));
/// assert_eq!(fault.to_string(), "fails 30% of the calls, delays 100% by 2s");
///
/// // One call of ten takes five seconds longer.
/// let slow = Fault::slow(Duration::from_secs(5)).delay_share(0.1);
/// assert_eq!(slow.to_string(), "delays 10% of the calls by 5s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// Share of the calls that fail without running, from 0 to 1.
    pub fail: f64,
    /// Time by which calls are delayed before they run or fail, at most one hour. Zero for no delay.
    pub delay: Duration,
    /// Share of the calls that are delayed, from 0 to 1. The default is 1.
    pub delay_share: f64,
}

/// A drill that is running, in [`Snapshot::drill`](crate::Snapshot::drill).
///
/// ```
/// # #[cfg(feature = "chaos")]
/// # {
/// use std::time::Duration;
/// use breaker_runtime::chaos::Drill;
/// use breaker_runtime::{Config, Fault, Registry};
///
/// let registry = Registry::new();
/// let search = registry.register("search", Config::default())?;
/// assert_eq!(search.snapshot().drill, None);
///
/// let minute = Duration::from_secs(60);
/// Drill::new(Fault::fail(0.3), minute).operator("alice").start(&registry, "search")?;
/// let drill = search.snapshot().drill.unwrap();
/// assert_eq!((drill.fault, &*drill.initiator), (Fault::fail(0.3), "alice"));
/// assert!(drill.remaining <= minute);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ActiveDrill {
    /// The fault that the drill injects.
    pub fault: Fault,
    /// Time until the drill ends by itself.
    pub remaining: Duration,
    /// The operator who started the drill, or the location of the code that did.
    pub initiator: Arc<str>,
}

/// The reason why a drill ended.
///
/// ```
/// # #[cfg(feature = "chaos")]
/// # {
/// use std::time::Duration;
/// use breaker_runtime::chaos::Drill;
/// use breaker_runtime::{Config, DrillEnd, Event, Fault, Registry};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let running = Drill::new(Fault::fail(0.3), Duration::from_secs(60)).start(&registry, "payment")?;
/// let mut events = registry.subscribe();
/// running.stop();
///
/// let Some(Ok(Event::DrillEnded(ended))) = events.try_next() else { panic!("the drill is running") };
/// assert_eq!(ended.end(), DrillEnd::Stopped);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DrillEnd {
    /// Its time was over.
    Elapsed,
    /// It was stopped.
    Stopped,
    /// Another drill of the same circuit replaced it.
    Replaced,
    /// The circuit of its key was evicted or removed.
    Removed,
}

/// Maximum delay of a call.
const MAX_DELAY: Duration = Duration::from_secs(60 * 60);

impl Fault {
    /// Creates a fault that fails a share of the calls, from 0 to 1.
    #[must_use]
    pub const fn fail(share: f64) -> Self {
        Self { fail: share, delay: Duration::ZERO, delay_share: 1.0 }
    }

    /// Creates a fault that delays every call, by at most one hour.
    #[must_use]
    pub const fn slow(delay: Duration) -> Self {
        Self::fail(0.0).delay(delay)
    }

    /// Sets the time by which calls are delayed, at most one hour.
    #[must_use]
    pub const fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Sets the share of the calls that are delayed, from 0 to 1. The default is 1.
    #[must_use]
    pub const fn delay_share(self, share: f64) -> Self {
        Self { delay_share: share, ..self }
    }

    /// Checks the shares and the delay.
    ///
    /// # Errors
    ///
    /// Returns what is accepted.
    #[allow(dead_code, reason = "only the feature `chaos` starts drills")]
    pub(crate) fn check(self) -> Result<(), &'static str> {
        self.check_ranges()?;
        if self.fail == 0.0 && (self.delay.is_zero() || self.delay_share == 0.0) {
            return Err("the drill has no effect: set fail or delay");
        }
        Ok(())
    }

    /// Checks each value by itself.
    ///
    /// # Errors
    ///
    /// Returns what is accepted.
    #[allow(dead_code, reason = "only the feature `chaos` starts drills")]
    pub(crate) fn check_ranges(self) -> Result<(), &'static str> {
        // NaN is in no range.
        if !(0.0..=1.0).contains(&self.fail) {
            return Err("fail must be between 0 and 1");
        }
        if !(0.0..=1.0).contains(&self.delay_share) {
            return Err("delay_share must be between 0 and 1");
        }
        if self.delay > MAX_DELAY {
            return Err("delay must be at most 1h");
        }
        Ok(())
    }
}

impl DrillEnd {
    /// Returns the name of the reason in logs and JSON.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::DrillEnd::Elapsed.label(), "elapsed");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Elapsed => "elapsed",
            Self::Stopped => "stopped",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fail, delay, delay_share } = *self;
        if fail > 0.0 {
            write!(out, "fails {}% of the calls", percent(fail))?;
        }
        if !delay.is_zero() && delay_share > 0.0 {
            let (start, of) = if fail > 0.0 { (", ", "") } else { ("", " of the calls") };
            write!(out, "{start}delays {}%{of} by {}", percent(delay_share), SettingDuration(delay))?;
        }
        Ok(())
    }
}

/// Returns a share in percent with at most two decimals.
fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}
