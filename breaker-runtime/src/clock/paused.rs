//! tokio's clock while a test has paused it, with `#[tokio::test(start_paused = true)]` or `tokio::time::pause()`.
//!
//! tokio has no function that returns whether its time is paused. Its clock is not paused if a reading lies between
//! two readings of the system's clock. This module does not need tokio's feature `test-util`, without which time is
//! never paused.

#![expect(clippy::disallowed_types, reason = "only the clock module reads the system's time")]

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use tokio::runtime::Handle;
use tokio::task::coop::{Unconstrained, unconstrained};

use super::moment::{Moment, nanos_of};
use super::system;

/// A timer on tokio's clock.
pub(super) type Timer = Pin<Box<Unconstrained<tokio::time::Sleep>>>;

/// A runtime whose clock is paused.
#[derive(Clone, Debug)]
pub(super) struct Runtime(Arc<Handle>);

/// The instant on tokio's paused clock at which a mock clock was created, and the runtime of that clock. Any thread can
/// read the clock while the runtime is kept.
#[derive(Debug)]
pub(super) struct PausedStart {
    instant: Instant,
    runtime: Weak<Handle>,
}

/// One point in time on both clocks.
struct Reference {
    instant: Instant,
    moment: Moment,
}

static REFERENCE: Lazy<Reference> =
    Lazy::new(|| Reference { instant: Instant::now(), moment: Moment::from_nanos(system::precise()) });

/// Returns the time of tokio's clock, if this thread is in a runtime whose time is paused.
pub(super) fn now() -> Option<Moment> {
    Lazy::force(&REFERENCE);
    let before = Instant::now();
    let shown = tokio_now()?;
    let is_running = before <= shown && shown <= Instant::now();
    (!is_running).then(|| to_moment(shown))
}

impl Runtime {
    /// Returns the runtime of this thread, if its time is paused.
    pub(super) fn current() -> Option<Self> {
        now()?;
        Some(Self(Arc::new(Handle::try_current().ok()?)))
    }
}

impl PausedStart {
    /// Returns the current instant of the runtime of this thread.
    pub(super) fn now(runtime: &Runtime) -> Option<Self> {
        Some(Self { instant: tokio_now()?, runtime: Arc::downgrade(&runtime.0) })
    }

    /// Returns the time since the start on the clock of the runtime. Returns `None` if nothing keeps the runtime, and
    /// while the thread destroys its thread-local values.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        self.in_runtime(|| tokio_now().map(|now| now.saturating_duration_since(self.instant)))?
    }

    /// Returns a timer of the runtime that completes after `wait`, or `None` like [`elapsed`](Self::elapsed).
    pub(super) fn timer(&self, wait: Duration) -> Option<Timer> {
        self.in_runtime(|| -> Timer { Box::pin(unconstrained(tokio::time::sleep(wait))) })
    }

    fn in_runtime<T>(&self, action: impl FnOnce() -> T) -> Option<T> {
        let runtime = self.runtime.upgrade()?;
        if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
            return None;
        }
        let _runtime = runtime.enter();
        Some(action())
    }
}

fn tokio_now() -> Option<Instant> {
    Handle::try_current().ok()?;
    Some(tokio::time::Instant::now().into_std())
}

fn to_moment(shown: Instant) -> Moment {
    let nanos = REFERENCE.moment.nanos();
    Moment::from_nanos(match shown.checked_duration_since(REFERENCE.instant) {
        Some(later) => nanos.saturating_add(nanos_of(later)),
        None => nanos.saturating_sub(nanos_of(REFERENCE.instant.saturating_duration_since(shown))),
    })
}
