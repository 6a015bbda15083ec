//! tokio's clock, where a test has paused it: `#[tokio::test(start_paused = true)]`, `tokio::time::pause()`.
//!
//! tokio says nowhere that its time is paused, but one can see it: time that nobody touched lies between two
//! looks at the system's. Nothing here needs tokio's `test-util`, without which no time is ever paused.

#![expect(clippy::disallowed_types, reason = "this is the door")]

use std::pin::Pin;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use tokio::runtime::Handle;
use tokio::task::coop::{Unconstrained, unconstrained};

use super::{Moment, nanos_of, system};

pub(super) type Timer = Pin<Box<Unconstrained<tokio::time::Sleep>>>;

/// Since when a clock goes with tokio's.
#[derive(Debug)]
pub(super) struct Since(Instant);

/// One moment on both clocks.
static TOGETHER: Lazy<(Instant, Moment)> = Lazy::new(|| (Instant::now(), Moment(system::precise())));

/// The time that a test has paused, if this thread is in such a runtime.
pub(super) fn now() -> Option<Moment> {
    Lazy::force(&TOGETHER);
    let before = Instant::now();
    let shown = in_runtime()?;
    let is_the_systems = before <= shown && shown <= Instant::now();
    (!is_the_systems).then(|| on_our_clock(shown))
}

impl Since {
    /// From now on, if time is paused here.
    pub(super) fn now() -> Option<Self> {
        now()?;
        in_runtime().map(Self)
    }

    /// How long by tokio's clock; none outside of a runtime.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        Some(in_runtime()?.saturating_duration_since(self.0))
    }
}

/// Goes off when tokio's clock has gone so far; none outside of a runtime.
pub(super) fn timer(wait: Duration) -> Option<Timer> {
    Handle::try_current().ok()?;
    Some(Box::pin(unconstrained(tokio::time::sleep(wait))))
}

fn in_runtime() -> Option<Instant> {
    Handle::try_current().ok()?;
    Some(tokio::time::Instant::now().into_std())
}

fn on_our_clock(shown: Instant) -> Moment {
    let (instant, Moment(nanos)) = *TOGETHER;
    Moment(match shown.checked_duration_since(instant) {
        Some(later) => nanos.saturating_add(nanos_of(later)),
        None => nanos.saturating_sub(nanos_of(instant.saturating_duration_since(shown))),
    })
}
