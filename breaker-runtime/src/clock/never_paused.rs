//! A replacement for `paused.rs` without the feature `tokio`, where time is never paused.

use std::future::Pending;
use std::pin::Pin;
use std::time::Duration;

use super::moment::Moment;

/// A timer that does not exist.
pub(super) type Timer = Pin<Box<Pending<()>>>;

/// A runtime that does not exist.
#[derive(Clone, Debug)]
pub(super) enum Runtime {}

/// A start that does not exist.
#[derive(Debug)]
pub(super) enum PausedStart {}

impl Runtime {
    pub(super) const fn current() -> Option<Self> {
        None
    }
}

impl PausedStart {
    pub(super) const fn now(runtime: &Runtime) -> Option<Self> {
        match *runtime {}
    }

    pub(super) const fn elapsed(&self) -> Option<Duration> {
        match *self {}
    }

    pub(super) const fn timer(&self, _: Duration) -> Option<Timer> {
        match *self {}
    }
}

pub(super) const fn now() -> Option<Moment> {
    None
}
