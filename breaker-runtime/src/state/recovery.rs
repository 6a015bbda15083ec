//! The settings that the machine obeys once a circuit is open.

use std::num::NonZeroU32;
use std::time::Duration;

/// How an open circuit comes back.
#[expect(clippy::struct_field_names, reason = "settings have the names that users know")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recovery {
    pub(crate) recovery_timeout: Duration,
    pub(crate) half_open_max_calls: NonZeroU32,
    pub(crate) success_threshold: NonZeroU32,
    pub(crate) half_open_timeout: Duration,
}
