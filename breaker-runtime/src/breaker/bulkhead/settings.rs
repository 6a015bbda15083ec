//! The settings of a bulkhead, which apply to a call together.

use std::time::Duration;

use crate::config::{Config, Mode};

#[derive(Clone, Copy, Debug)]
pub(crate) struct BulkheadSettings {
    pub(super) limit: u32,
    pub(super) when_full: FullPolicy,
}

/// The treatment of a call that finds no free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FullPolicy {
    Reject,
    /// The call waits for at most this time, if it can wait.
    Wait(Duration),
    /// The call runs without a slot, in shadow mode.
    Admit,
}

/// The limit of a bulkhead without a limit, which admits all waiting calls.
const UNLIMITED: u32 = 1 << 28;

impl BulkheadSettings {
    pub(crate) fn of(config: &Config) -> Self {
        let when_full = match (config.mode(), config.max_wait()) {
            (Mode::Shadow, _) => FullPolicy::Admit,
            (Mode::Enforce, Duration::ZERO) => FullPolicy::Reject,
            (Mode::Enforce, wait) => FullPolicy::Wait(wait),
        };
        Self { limit: config.max_concurrent().unwrap_or(UNLIMITED).min(UNLIMITED), when_full }
    }
}
