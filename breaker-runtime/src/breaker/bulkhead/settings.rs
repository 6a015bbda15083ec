//! The settings of a bulkhead, which apply to a call together.

use std::time::Duration;

use super::slots::Slots;
use crate::config::{Config, Mode};

#[derive(Clone, Copy, Debug)]
pub(crate) struct BulkheadSettings {
    pub(super) limit: u32,
    pub(super) when_full: FullPolicy,
    needs: CallNeeds,
}

/// The needs of a call under the settings of its circuit, or for the taps of its circuit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallNeeds {
    /// A slot.
    Slot,
    /// No slot, or more than a slot: the call is timed or has a time limit.
    Other,
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
        let limit = config.max_concurrent().unwrap_or(UNLIMITED).min(UNLIMITED);
        Self { limit, when_full, needs: CallNeeds::of(config) }
    }

    /// Returns the word with this number of slots in use and without a queue, if the taps of the circuit have these
    /// needs.
    pub(super) const fn slots(&self, in_use: u32, tap_needs: CallNeeds) -> Slots {
        tap_needs.apply_to(self.needs.apply_to(Slots::new(self.limit, in_use)))
    }
}

impl CallNeeds {
    fn of(config: &Config) -> Self {
        let has_more = config.durations() || config.call_timeout().is_some();
        if config.max_concurrent().is_none() || has_more { Self::Other } else { Self::Slot }
    }

    const fn apply_to(self, slots: Slots) -> Slots {
        match self {
            Self::Slot => slots,
            Self::Other => slots.slow(),
        }
    }
}
