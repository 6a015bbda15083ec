//! tokio's clock while a test has paused it, with `#[tokio::test(start_paused = true)]` or `tokio::time::pause()`.
//!
//! tokio has no function that returns whether its time is paused. Its clock is not paused if a reading lies between
//! two readings of the system's clock. This module does not need tokio's feature `test-util`, without which time is
//! never paused.

#![expect(clippy::disallowed_types, reason = "only the clock module reads the system's time")]

use std::pin::Pin;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use tokio::runtime::Handle;
use tokio::task::coop::{Unconstrained, unconstrained};

use super::moment::{Moment, nanos_of};
use super::system;

/// A timer on tokio's clock.
pub(super) type Timer = Pin<Box<Unconstrained<tokio::time::Sleep>>>;

/// The instant on tokio's paused clock at which a mock clock was created.
#[derive(Debug)]
pub(super) struct PausedStart(Instant);

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

/// Returns a timer that completes after `wait`, or `None` outside a runtime.
pub(super) fn timer(wait: Duration) -> Option<Timer> {
    Handle::try_current().ok()?;
    Some(Box::pin(unconstrained(tokio::time::sleep(wait))))
}

impl PausedStart {
    /// Returns the current instant, if time is paused on this thread.
    pub(super) fn now() -> Option<Self> {
        now()?;
        tokio_now().map(Self)
    }

    /// Returns the time since the start on tokio's clock, or `None` outside a runtime.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        Some(tokio_now()?.saturating_duration_since(self.0))
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
