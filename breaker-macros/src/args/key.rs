//! The keys of the attribute, and suggestions for a misspelled one.

use std::fmt;

use proc_macro2::Ident;
use syn::Error;
use syn::ext::IdentExt as _;

use super::foreign;

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
            const ALL: &[Self] = &[$(Self::$variant,)*];

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
    CircuitKey = "key",
    MaxKeys = "max_keys",
    MaxOpen = "max_open",
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

    /// Finds the key that `word` names. The error suggests similar keys.
    pub(super) fn find(word: &Ident) -> Result<Self, Error> {
        let written = word.unraw().to_string();
        let known = Self::ALL.iter().copied().find(|key| key.name() == written);
        known.ok_or_else(|| {
            let similar: Vec<_> = similar(&written).iter().map(|name| format!("`{name}`")).collect();
            let advice = match similar.as_slice() {
                [] => {
                    let names: Vec<_> = Self::ALL.iter().map(|key| key.name()).collect();
                    format!("the keys are: {}", names.join(", "))
                }
                [name] => format!("did you mean {name}?"),
                [first @ .., last] => format!("did you mean {} or {last}?", first.join(", ")),
            };
            Error::new(word.span(), format!("unknown key `{written}`; {advice}"))
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the keys for which another library has this name. Without one, returns the closest key if at most a
/// third of its letters differ, or else all keys that contain `written` as a word, the most likely first.
fn similar(written: &str) -> Vec<&'static str> {
    let names = || Key::ALL.iter().map(|key| key.name());
    let foreign: Vec<_> = foreign::keys(written).iter().map(|key| key.name()).collect();
    if !foreign.is_empty() {
        return foreign;
    }
    let camel_case = foreign::normalized(written);
    if let Some(name) = names().find(|name| foreign::normalized(name) == camel_case) {
        return vec![name];
    }
    let distance = |name: &str| strsim::damerau_levenshtein(written, name);
    let closest = names().min_by_key(|name| distance(name));
    if let Some(name) = closest.filter(|name| 3 * distance(name) <= name.len()) {
        return vec![name];
    }
    let mut similar: Vec<_> = names().filter(|name| name.split('_').any(|word| word == written)).collect();
    similar.sort_by_key(|name| distance(name));
    similar
}
