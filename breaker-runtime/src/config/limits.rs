//! The limits of a single call: how long it may take and wait, and how many calls may run at a time.
//!
//! The breaker applies them; this file only holds the values.

use std::num::NonZeroU32;
use std::time::Duration;

/// The limits of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) max_concurrent: Option<NonZeroU32>,
    pub(crate) max_wait: Duration,
}
