//! States and causes as machines read them: one word each.

use super::transition::{Cause, State};

impl State {
    /// The word for it in metrics, logs and JSON; people read its `Display`.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::State::HalfOpen.label(), "half_open");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
        }
    }
}

impl Cause {
    /// The word for it in logs and JSON; people read its `Display`.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::Cause::ThresholdReached.label(), "threshold_reached");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ThresholdReached => "threshold_reached",
            Self::RecoveryElapsed => "recovery_elapsed",
            Self::TrialsPassed => "trials_passed",
            Self::TrialFailed => "trial_failed",
            Self::TrialSlow => "trial_slow",
            Self::LeaseExpired => "lease_expired",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
            Self::Released => "released",
            Self::Reset => "reset",
        }
    }
}
