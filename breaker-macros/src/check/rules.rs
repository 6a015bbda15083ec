//! Rules that relate several keys: requirements, exclusions and limits.

use std::time::Duration;

use syn::{Error, Lit, LitInt};

use super::ranges::DEFAULT_RECOVERY_TIMEOUT;
use super::spec::{Spec, Value, WrittenKey};
use crate::args::Key;

/// A key that has no effect without one of the others.
struct Requirement {
    key: Key,
    one_of: &'static [Key],
    advice: &'static str,
}

const REQUIREMENTS: [Requirement; 10] = [
    Requirement { key: Key::FailureRate, one_of: &[Key::Window], advice: ADD_WINDOW },
    Requirement { key: Key::SlowCall, one_of: &[Key::Window], advice: ADD_WINDOW },
    Requirement { key: Key::SlowCallRate, one_of: &[Key::SlowCall], advice: "add `slow_call = \"2s\"`" },
    Requirement {
        key: Key::MinimumCalls,
        one_of: &[Key::FailureRate, Key::SlowCall],
        advice: "add `failure_rate = 0.5`, or remove `minimum_calls`",
    },
    Requirement {
        key: Key::MaxRecoveryTimeout,
        one_of: &[Key::Backoff, Key::RetryAfter],
        advice: "add `backoff = 2.0`",
    },
    Requirement { key: Key::MaxWait, one_of: &[Key::MaxConcurrent], advice: "add `max_concurrent = 10`" },
    Requirement {
        key: Key::FallbackOn,
        one_of: &[Key::Fallback],
        advice: "add `fallback = |error| ..`, or remove `fallback_on`",
    },
    Requirement { key: Key::MaxKeys, one_of: &[Key::CircuitKey], advice: ADD_KEY },
    Requirement { key: Key::MaxOpen, one_of: &[Key::CircuitKey], advice: ADD_KEY },
    Requirement {
        key: Key::Adopt,
        one_of: &[Key::Shared],
        advice: "add `shared = \"quorum\"`, or remove `adopt`",
    },
];

const ADD_KEY: &str = "add `key = ..`, an expression of the arguments";
const ADD_WINDOW: &str = "add `window = 100` or `window = \"60s\"`";

/// Keys that can be combined with `breaker`. The others configure a circuit breaker that the function
/// declares.
const WITH_BREAKER: [Key; 8] = [
    Key::Breaker,
    Key::Fallback,
    Key::FallbackOn,
    Key::FailureIf,
    Key::IgnoreIf,
    Key::RetryAfter,
    Key::Settle,
    Key::Crate,
];

/// Checks all rules.
pub(super) fn check(spec: &Spec, errors: &mut Vec<Error>) {
    let has_breaker = spec.span_of(Key::Breaker).is_some();
    let is_allowed = |key| !has_breaker || WITH_BREAKER.contains(&key);
    errors.extend(spec.written().filter(|written| !is_allowed(written.key)).map(excluded_by_breaker));
    for requirement in REQUIREMENTS.iter().filter(|requirement| is_allowed(requirement.key)) {
        errors.extend(check_requirement(spec, requirement));
    }
    if !has_breaker {
        errors.extend(check_window(spec, Key::MinimumCalls));
        errors.extend(check_window(spec, Key::FailureThreshold));
        errors.extend(check_max_recovery_timeout(spec));
        errors.extend(check_adopt(spec));
    }
}

fn check_requirement(spec: &Spec, requirement: &Requirement) -> Option<Error> {
    let Requirement { key, one_of, advice } = requirement;
    let span = spec.span_of(*key)?;
    let is_met = one_of.iter().any(|other| spec.span_of(*other).is_some() || may_be_in_config(spec, *other));
    (!is_met).then(|| {
        let names: Vec<_> = one_of.iter().map(|other| format!("`{other}`")).collect();
        Error::new(span, format!("`{key}` needs {}; {advice}", names.join(" or ")))
    })
}

/// Returns `true` if `config` may contain the setting `key`. Then the compiler checks the combination.
fn may_be_in_config(spec: &Spec, key: Key) -> bool {
    spec.span_of(Key::Config).is_some() && !matches!(key, Key::Fallback | Key::CircuitKey)
}

fn excluded_by_breaker(WrittenKey { key, span }: WrittenKey) -> Error {
    let message = if matches!(key, Key::CircuitKey | Key::MaxKeys | Key::MaxOpen) {
        format!(
            "`{key}` cannot be combined with `breaker`; take the circuit from a `KeyedBreaker` instead: \
             `breaker = self.breakers.get(tenant)`"
        )
    } else {
        format!("`{key}` cannot be combined with `breaker`, which has its own settings; remove one of them")
    };
    Error::new(span, message)
}

/// Checks that a count-based window can hold as many calls as `key` requires.
fn check_window(spec: &Spec, key: Key) -> Option<Error> {
    let required = count(spec, key)?;
    let window = count(spec, Key::Window)?;
    let (least, most): (u32, u32) = (required.base10_parse().ok()?, window.base10_parse().ok()?);
    (least > most).then(|| {
        Error::new(
            required.span(),
            format!("`{key}` must be at most the `window`, which is {most} calls long; found {least}"),
        )
    })
}

/// Checks that `max_recovery_timeout` is not shorter than `recovery_timeout`.
fn check_max_recovery_timeout(spec: &Spec) -> Option<Error> {
    let longest = duration(spec, Key::MaxRecoveryTimeout)?;
    let first = match spec.span_of(Key::RecoveryTimeout) {
        Some(_) => duration(spec, Key::RecoveryTimeout)?,
        None if may_be_in_config(spec, Key::RecoveryTimeout) => return None,
        None => DEFAULT_RECOVERY_TIMEOUT,
    };
    let span = spec.span_of(Key::MaxRecoveryTimeout)?;
    (longest < first).then(|| {
        Error::new(
            span,
            format!(
                "`max_recovery_timeout` must be at least `recovery_timeout`, which is {first:?}; found \
                 {longest:?}"
            ),
        )
    })
}

/// Checks that a circuit of one process follows no other process.
fn check_adopt(spec: &Spec) -> Option<Error> {
    let is = |key, name| {
        matches!(&spec.setting(key)?.value, Value::Variant(variant) if variant.name == name).then_some(())
    };
    is(Key::Adopt, "Always").and(is(Key::Shared, "Local"))?;
    let span = spec.span_of(Key::Adopt)?;
    Some(Error::new(
        span,
        "`adopt` needs a circuit that processes share; write `shared = \"quorum\"`, or remove `adopt`",
    ))
}

/// Returns the value of `key` if it is an integer literal.
fn count(spec: &Spec, key: Key) -> Option<&LitInt> {
    match &spec.setting(key)?.value {
        Value::Literal(Lit::Int(number)) => Some(number),
        Value::Literal(_) | Value::Duration(_) | Value::Variant(_) | Value::Const(_) | Value::Window(_) => {
            None
        }
    }
}

/// Returns the value of `key` if it is a literal duration.
fn duration(spec: &Spec, key: Key) -> Option<Duration> {
    match &spec.setting(key)?.value {
        Value::Duration(duration) => Some(*duration),
        Value::Literal(_) | Value::Variant(_) | Value::Const(_) | Value::Window(_) => None,
    }
}
