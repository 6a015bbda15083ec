//! The rules over several keys: which one means nothing without another, or beside it.

use std::time::Duration;

use proc_macro2::Span;
use syn::{Error, Lit, LitInt};

use super::keys::Key;
use super::{Plan, Setting, Value};

/// The runtime's default: `attribute_rules::a_longest_time_may_be_that_of_the_default_and_no_shorter`
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);

struct Need {
    key: Key,
    one_of: &'static [Key],
    because: &'static str,
}

const NEEDS: [Need; 8] = [
    Need { key: Key::FailureRate, one_of: &[Key::Window], because: OF_WHICH },
    Need { key: Key::SlowCall, one_of: &[Key::Window], because: OF_WHICH },
    Need {
        key: Key::SlowCallRate,
        one_of: &[Key::SlowCall],
        because: "which says from how long on a call is slow; add `slow_call = \"2s\"`",
    },
    Need {
        key: Key::MinimumCalls,
        one_of: &[Key::FailureRate, Key::SlowCall],
        because: "since it only holds back rates; add `failure_rate = 0.5`, or remove it",
    },
    Need {
        key: Key::MaxRecoveryTimeout,
        one_of: &[Key::Backoff],
        because: "without which no time grows; add `backoff = 2.0`",
    },
    Need {
        key: Key::MaxWait,
        one_of: &[Key::MaxConcurrent],
        because: "without which no call ever waits; add `max_concurrent = 10`",
    },
    Need {
        key: Key::FallbackOn,
        one_of: &[Key::Fallback],
        because: "which it says when to run; add `fallback = |error| ..`, or remove it",
    },
    Need {
        key: Key::MaxKeys,
        one_of: &[Key::Keyed],
        because: "without which there is one circuit; add `key = ..`, an expression over the arguments",
    },
];

const OF_WHICH: &str = "the calls that it looks at; add `window = 100` or `window = \"60s\"`";

/// What has a meaning where the breaker is there already.
const BESIDE_BREAKER: [Key; 6] =
    [Key::Breaker, Key::Fallback, Key::FallbackOn, Key::FailureIf, Key::IgnoreIf, Key::Crate];

pub(super) fn check(plan: &Plan, errors: &mut Vec<Error>) {
    let has_breaker = plan.place_of(Key::Breaker).is_some();
    let may_stand = |key| !has_breaker || BESIDE_BREAKER.contains(&key);
    let misplaced = plan.given.iter().filter(|(key, _)| !may_stand(*key));
    errors.extend(misplaced.map(|(key, place)| beside_breaker(*key, *place)));
    for Need { key, one_of, because } in NEEDS.into_iter().filter(|need| may_stand(need.key)) {
        let is_met = one_of.iter().any(|other| plan.place_of(*other).is_some());
        let names: Vec<_> = one_of.iter().map(|other| format!("`{}`", other.name())).collect();
        let message = || format!("`{}` needs {}, {because}", key.name(), names.join(" or "));
        errors.extend(plan.place_of(key).filter(|_| !is_met).map(|place| Error::new(place, message())));
    }
    if !has_breaker {
        errors.extend(check_window(plan, Key::MinimumCalls));
        errors.extend(check_window(plan, Key::FailureThreshold));
        errors.extend(check_longest(plan));
    }
}

fn beside_breaker(key: Key, place: Span) -> Error {
    let name = key.name();
    let message = if matches!(key, Key::Keyed | Key::MaxKeys) {
        format!(
            "`{name}` makes circuits, and with `breaker` there is one already; of a `KeyedBreaker` take the \
             right one: `breaker = self.breakers.get(tenant)`"
        )
    } else {
        format!(
            "`{name}` is said where a breaker is made, and with `breaker` there is one already; remove `{name}` \
             here, or remove `breaker`"
        )
    };
    Error::new(place, message)
}

/// A window of calls never holds more of them than it is long.
fn check_window(plan: &Plan, key: Key) -> Option<Error> {
    let name = key.name();
    let needed = count(plan, name)?;
    let window = count(plan, "window_calls")?;
    let (least, most): (u32, u32) = (needed.base10_parse().ok()?, window.base10_parse().ok()?);
    (least > most).then(|| {
        Error::new(
            needed.span(),
            format!(
                "`{name}` must be at most the window, which never holds more than {most} calls; found {least}"
            ),
        )
    })
}

/// What grows does not end below where it began.
fn check_longest(plan: &Plan) -> Option<Error> {
    let longest = duration(plan, Key::MaxRecoveryTimeout)?;
    let first = match plan.place_of(Key::RecoveryTimeout) {
        Some(_) => duration(plan, Key::RecoveryTimeout)?,
        None => RECOVERY_TIMEOUT,
    };
    let place = plan.place_of(Key::MaxRecoveryTimeout)?;
    (longest < first).then(|| {
        Error::new(
            place,
            format!("`max_recovery_timeout` must be at least `recovery_timeout`, which is {first:?}; found {longest:?}"),
        )
    })
}

fn count<'a>(plan: &'a Plan, method: &str) -> Option<&'a LitInt> {
    match &setting(plan, method)?.value {
        Value::Literal(Lit::Int(number)) => Some(number),
        Value::Literal(_) | Value::Duration(_) | Value::Mode(_) | Value::Const(_) | Value::Window(_) => None,
    }
}

fn duration(plan: &Plan, key: Key) -> Option<Duration> {
    match &setting(plan, key.name())?.value {
        Value::Duration(duration) => Some(*duration),
        Value::Literal(_) | Value::Mode(_) | Value::Const(_) | Value::Window(_) => None,
    }
}

fn setting<'a>(plan: &'a Plan, method: &str) -> Option<&'a Setting> {
    plan.settings.iter().find(|setting| setting.method == method)
}
