//! The keys of the attribute, and suggestions for a misspelt one.

use std::fmt;

use proc_macro2::Ident;
use syn::Error;
use syn::ext::IdentExt as _;

/// Declares the enum of all keys, the list of its variants, and their names.
macro_rules! keys {
    ($($variant:ident = $name:literal,)*) => {
        /// A key of the attribute.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key {
            $($variant,)*
        }

        impl Key {
            const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the key as users write it.
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
    Jitter = "jitter",
    HalfOpenMaxCalls = "half_open_max_calls",
    SuccessThreshold = "success_threshold",
    HalfOpenTimeout = "half_open_timeout",
    FailureIf = "failure_if",
    IgnoreIf = "ignore_if",
    Fallback = "fallback",
    FallbackOn = "fallback_on",
    CallTimeout = "call_timeout",
    MaxConcurrent = "max_concurrent",
    MaxWait = "max_wait",
    CircuitKey = "key",
    MaxKeys = "max_keys",
    Mode = "mode",
    Critical = "critical",
    Durations = "durations",
    Breaker = "breaker",
    Registry = "registry",
    Crate = "crate",
}

impl Key {
    /// Finds the key that `word` names. The error suggests similar keys.
    pub(super) fn find(word: &Ident) -> Result<Self, Error> {
        let written = word.unraw().to_string();
        let known = Self::ALL.iter().copied().find(|key| key.name() == written);
        known.ok_or_else(|| {
            let similar = similar(&written).join("` or `");
            let advice = if similar.is_empty() {
                let names: Vec<_> = Self::ALL.iter().map(|key| key.name()).collect();
                format!("the keys are: {}", names.join(", "))
            } else {
                format!("did you mean `{similar}`?")
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

/// Returns the closest key if at most a third of its letters differ, or else all keys that contain
/// `written` as a word.
fn similar(written: &str) -> Vec<&'static str> {
    let names = || Key::ALL.iter().map(|key| key.name());
    let distance = |name: &str| strsim::damerau_levenshtein(written, name);
    let closest = names().min_by_key(|name| distance(name));
    match closest.filter(|name| 3 * distance(name) <= name.len()) {
        Some(name) => vec![name],
        None => names().filter(|name| name.split('_').any(|word| word == written)).collect(),
    }
}
