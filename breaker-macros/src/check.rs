//! The rules for the keys and the function. All errors are reported in one pass.
//!
//! | file | contents |
//! |---|---|
//! | `spec.rs` | the result: the specification of a protected function |
//! | `ranges.rs` | the ranges of the settings |
//! | `expr.rs` | helpers for expressions |
//! | `run_time.rs` | settings that are not const |
//! | `number.rs`, `choice.rs`, `value.rs` | the rules for one value |
//! | `captures.rs` | the variables that an expression uses |
//! | `breaker.rs` | an existing circuit breaker |
//! | `condition.rs` | `failure_if`, `ignore_if` and `retry_after` |
//! | `last_good.rs` | the fallback `last_good(..)` |
//! | `fallback.rs` | `fallback`, and the arguments that it uses |
//! | `settle.rs` | `settle`, and the functions that can have it |
//! | `rules.rs` | the rules that relate several keys |
//!
//! This module does not know the form of the expansion.

mod spec;
mod ranges;
mod expr;
mod run_time;
mod number;
mod choice;
mod value;
mod captures;
mod breaker;
mod condition;
mod last_good;
mod fallback;
mod settle;
mod rules;

use syn::Error;
use syn::spanned::Spanned as _;

pub(crate) use expr::key_elements;
pub(crate) use spec::{
    AttributeSetting, Breaker, BreakerAccess, BreakerName, Cloning, Condition, Fallback, FallbackOn,
    LastGood, Settle, Spec, Value, Variant,
};

use crate::args::{Arg, Key};
use crate::function::AnnotatedFn;
use ranges::{MAX_FAILURES, MAX_KEYS, MAX_TRIALS};

/// Checks the keys. Does not need the function, so that their errors are reported even if it cannot be
/// parsed.
pub(crate) fn check_arguments(args: Vec<Arg>, errors: &mut Vec<Error>) -> Spec {
    let mut spec = Spec::new();
    // A key that could not be read may be the one that another key needs.
    let are_complete = errors.is_empty();
    for arg in args {
        let Arg { key, span, .. } = arg;
        if spec.span_of(key).is_some() {
            errors.push(Error::new(span, format!("`{key}` is set twice; remove one of them")));
            continue;
        }
        spec.record(key, span);
        errors.extend(read_value(&mut spec, arg).err());
    }
    if are_complete {
        rules::check(&spec, errors);
    }
    spec
}

/// Checks the function, and the keys against it.
pub(crate) fn check_function(spec: &mut Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    let signature = &annotated.signature;
    if let Some(word) = &signature.constness {
        errors.push(Error::new(
            word.span,
            "a `const fn` cannot be protected because a circuit breaker keeps state at run time; remove `const`",
        ));
    }
    if let Some(dots) = &signature.variadic {
        errors.push(Error::new(
            dots.span(),
            "a variadic function cannot be protected; annotate a function that calls it",
        ));
    }
    if annotated.hides_future() {
        errors.push(Error::new(
            annotated.output_span(),
            "this function returns a future, so the end of the call cannot be observed; write it as \
             `async fn`, or make its whole body one `Box::pin(async move { .. })`",
        ));
    } else if !annotated.is_async() {
        errors.extend(reject_call_timeout(spec));
        if spec.settle == Settle::Return {
            errors.extend(reject_cancelled_after(spec));
        }
    }
    run_time::check(spec, annotated, errors);
    condition::check(spec, annotated, errors);
    if let Some(breaker) = &mut spec.breaker {
        breaker::choose_access(breaker, annotated);
    }
    settle::check(spec, annotated, errors);
    fallback::check(spec, annotated, errors);
}

/// Reads the value of one key into the specification.
fn read_value(spec: &mut Spec, arg: Arg) -> Result<(), Error> {
    let Arg { key, span, value } = arg;
    let expr = |value| value::expr(value, key);
    let mut set = |value| spec.settings.push(AttributeSetting { key, span, value });
    match key {
        Key::Name => spec.name = Some(value::name(expr(value)?)?),
        Key::Config => spec.config = Some(value::policy(expr(value)?)?),
        Key::FailureIf => spec.failure_if = Some(condition::read(value, key)?),
        Key::IgnoreIf => spec.ignore_if = Some(condition::read(value, key)?),
        Key::RetryAfter => spec.retry_after = Some(condition::read_retry_after(expr(value)?)?),
        Key::Fallback => spec.fallback = Some(fallback::read(expr(value)?)?),
        Key::FallbackOn => spec.fallback_on = fallback::read_on(expr(value)?)?,
        Key::Settle => spec.settle = settle::read(expr(value)?)?,
        Key::CircuitKey => spec.key = Some(value::key_expr(expr(value)?)?),
        Key::MaxKeys => spec.max_keys = Some(number::count(expr(value)?, key, MAX_KEYS)?),
        Key::Breaker => spec.breaker = Some(breaker::read(expr(value)?)),
        Key::Registry => spec.registry = Some(expr(value)?),
        Key::Crate => spec.runtime = value::runtime(expr(value)?)?,
        Key::FailureThreshold | Key::ConsecutiveFailures => {
            set(number::count(expr(value)?, key, MAX_FAILURES)?);
        }
        Key::HalfOpenMaxCalls => set(number::count(expr(value)?, key, MAX_TRIALS)?),
        Key::MinimumCalls | Key::SuccessThreshold | Key::MaxConcurrent => {
            set(number::count(expr(value)?, key, u32::MAX)?);
        }
        Key::FailureRate | Key::SlowCallRate | Key::MaxOpen => set(number::rate(expr(value)?, key)?),
        Key::Backoff => set(number::factor(expr(value)?, key)?),
        Key::Jitter => set(number::share(expr(value)?, key)?),
        Key::SlowCall
        | Key::RecoveryTimeout
        | Key::MaxRecoveryTimeout
        | Key::HalfOpenTimeout
        | Key::Ramp
        | Key::Hang
        | Key::CallTimeout
        | Key::CancelledAfter => set(value::positive_duration(expr(value)?, key)?),
        Key::MaxWait => set(value::duration(expr(value)?, key)?),
        Key::Critical | Key::Durations => set(value::flag(expr(value)?, key)?),
        Key::Mode => set(choice::read(expr(value)?, &choice::MODE)?),
        Key::Shared => set(choice::read(expr(value)?, &choice::SHARED)?),
        Key::Adopt => set(choice::read(expr(value)?, &choice::ADOPT)?),
        Key::Window => set(value::window(expr(value)?)?),
    }
    Ok(())
}

/// Returns an error if `call_timeout` is a limit, because a sync call cannot be stopped.
fn reject_call_timeout(spec: &Spec) -> Option<Error> {
    spec.time_limit().map(|span| {
        Error::new(
            span,
            "`call_timeout` needs an `async fn`; make the function async, or set a timeout in the call that \
             it makes",
        )
    })
}

/// Returns an error if `cancelled_after` is set, because a sync call cannot be cancelled.
fn reject_cancelled_after(spec: &Spec) -> Option<Error> {
    spec.span_of(Key::CancelledAfter).map(|span| {
        Error::new(
            span,
            "`cancelled_after` needs an `async fn`, because a sync call cannot be cancelled; remove it",
        )
    })
}
