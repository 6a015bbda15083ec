//! The limits of a single call: how long it may take and wait, how many calls may run at a time, and when
//! a cancelled call is a failure or a running one hangs.
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
    /// The time that a call must have run for its cancellation to be a failure.
    pub(crate) cancelled_after: Duration,
    /// The time that a call may run before it opens the circuit; `None` for any time.
    pub(crate) hang: Option<Duration>,
}
