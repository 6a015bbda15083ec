//! The keys of the attribute, and which one a misspelt key was meant to be.

use proc_macro2::Ident;
use syn::Error;
use syn::ext::IdentExt as _;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Name,
    FailureThreshold,
    ConsecutiveFailures,
    FailureRate,
    Window,
    MinimumCalls,
    SlowCall,
    SlowCallRate,
    RecoveryTimeout,
    Backoff,
    MaxRecoveryTimeout,
    Jitter,
    HalfOpenMaxCalls,
    SuccessThreshold,
    HalfOpenTimeout,
    FailureIf,
    IgnoreIf,
    Fallback,
    FallbackOn,
    CallTimeout,
    MaxConcurrent,
    MaxWait,
    Keyed,
    MaxKeys,
    Mode,
    Critical,
    CallDurations,
    Breaker,
    Registry,
    Crate,
}

const KEYS: [Key; 30] = [
    Key::Name,
    Key::FailureThreshold,
    Key::ConsecutiveFailures,
    Key::FailureRate,
    Key::Window,
    Key::MinimumCalls,
    Key::SlowCall,
    Key::SlowCallRate,
    Key::RecoveryTimeout,
    Key::Backoff,
    Key::MaxRecoveryTimeout,
    Key::Jitter,
    Key::HalfOpenMaxCalls,
    Key::SuccessThreshold,
    Key::HalfOpenTimeout,
    Key::FailureIf,
    Key::IgnoreIf,
    Key::Fallback,
    Key::FallbackOn,
    Key::CallTimeout,
    Key::MaxConcurrent,
    Key::MaxWait,
    Key::Keyed,
    Key::MaxKeys,
    Key::Mode,
    Key::Critical,
    Key::CallDurations,
    Key::Breaker,
    Key::Registry,
    Key::Crate,
];

impl Key {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::FailureThreshold => "failure_threshold",
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureRate => "failure_rate",
            Self::Window => "window",
            Self::MinimumCalls => "minimum_calls",
            Self::SlowCall => "slow_call",
            Self::SlowCallRate => "slow_call_rate",
            Self::RecoveryTimeout => "recovery_timeout",
            Self::Backoff => "backoff",
            Self::MaxRecoveryTimeout => "max_recovery_timeout",
            Self::Jitter => "jitter",
            Self::HalfOpenMaxCalls => "half_open_max_calls",
            Self::SuccessThreshold => "success_threshold",
            Self::HalfOpenTimeout => "half_open_timeout",
            Self::FailureIf => "failure_if",
            Self::IgnoreIf => "ignore_if",
            Self::Fallback => "fallback",
            Self::FallbackOn => "fallback_on",
            Self::CallTimeout => "call_timeout",
            Self::MaxConcurrent => "max_concurrent",
            Self::MaxWait => "max_wait",
            Self::Keyed => "key",
            Self::MaxKeys => "max_keys",
            Self::Mode => "mode",
            Self::Critical => "critical",
            Self::CallDurations => "durations",
            Self::Breaker => "breaker",
            Self::Registry => "registry",
            Self::Crate => "crate",
        }
    }

    pub(super) fn find(word: &Ident) -> Result<Self, Error> {
        let written = word.unraw().to_string();
        KEYS.into_iter().find(|key| key.name() == written).ok_or_else(|| {
            let alike = alike(&written).join("` or `");
            let advice = if alike.is_empty() {
                format!("the keys are: {}", KEYS.map(Self::name).join(", "))
            } else {
                format!("did you mean `{alike}`?")
            };
            Error::new(word.span(), format!("unknown key `{written}`; {advice}"))
        })
    }
}

/// The known keys that may be meant: the closest one, if at most a third of it differs, or else all of which this
/// is a word.
fn alike(written: &str) -> Vec<&'static str> {
    let names = KEYS.map(Key::name);
    let distance = |name: &str| strsim::damerau_levenshtein(written, name);
    let closest = names.into_iter().min_by_key(|name| distance(name));
    match closest.filter(|name| 3 * distance(name) <= name.len()) {
        Some(name) => vec![name],
        None => names.into_iter().filter(|name| name.split('_').any(|word| word == written)).collect(),
    }
}
