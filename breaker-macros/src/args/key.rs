//! The keys of the attribute.

use std::fmt;

use proc_macro2::Ident;
use syn::ext::IdentExt as _;

/// Declares the enum of all keys, the list of its variants, and their names.
macro_rules! keys {
    ($($variant:ident = $name:literal,)*) => {
        /// A key of the attribute.
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[expect(clippy::enum_variant_names, reason = "`CircuitKey` is the key named `key`")]
        pub(crate) enum Key {
            $($variant,)*
        }

        impl Key {
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the name of the key.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

keys! {
    Name = "name",
    Config = "config",
    FailureThreshold = "failure_threshold",
    ConsecutiveFailures = "consecutive_failures",
    FailureRate = "failure_rate",
    Window = "window",
    MinimumCalls = "minimum_calls",
    SlowCall = "slow_call",
    SlowCallRate = "slow_call_rate",
    RecoveryTimeout = "recovery_timeout",
    Backoff = "backoff",
    MaxRecoveryTimeout = "max_recovery_timeout",
    RetryAfter = "retry_after",
    Jitter = "jitter",
    HalfOpenMaxCalls = "half_open_max_calls",
    SuccessThreshold = "success_threshold",
    HalfOpenTimeout = "half_open_timeout",
    Ramp = "ramp",
    FailureIf = "failure_if",
    IgnoreIf = "ignore_if",
    Fallback = "fallback",
    FallbackOn = "fallback_on",
    CallTimeout = "call_timeout",
    MaxConcurrent = "max_concurrent",
    MaxWait = "max_wait",
    CancelledAfter = "cancelled_after",
    Hang = "hang",
    Settle = "settle",
    CircuitKey = "key",
    MaxKeys = "max_keys",
    MaxOpen = "max_open",
    Shared = "shared",
    Adopt = "adopt",
    Mode = "mode",
    Critical = "critical",
    Durations = "durations",
    Breaker = "breaker",
    Registry = "registry",
    Crate = "crate",
}

impl Key {
    /// The keys whose value is a share.
    pub(super) const SHARES: [Self; 4] = [Self::FailureRate, Self::SlowCallRate, Self::Jitter, Self::MaxOpen];

    /// Finds the key that is written as `word`.
    pub(super) fn find(word: &Ident) -> Option<Self> {
        let written = word.unraw();
        Self::ALL.iter().copied().find(|key| written == key.name())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
