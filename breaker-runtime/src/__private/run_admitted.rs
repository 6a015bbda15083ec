//! The body of an admitted call. Generated code handles the rejection itself.

use super::classifier::WithConditions;
use crate::breaker::{Admission, Guarded, Limited, Permit};
use crate::classifier::Classifier;
use crate::outcome::Verdict;

/// Runs the body of a sync function.
#[expect(clippy::needless_pass_by_value, reason = "the same signature as the async forms, which keep it")]
#[inline]
pub fn run_admitted<T, C: Classifier<T>>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classifier: C,
) -> T {
    Permit::running(admission).run(
        body,
        |output| classifier.outcome(output),
        |output| classifier.text(output),
    )
}

/// Runs the body of a sync function. `conditions` take precedence over the classifier.
#[inline]
pub fn run_admitted_with_conditions<T, C: Classifier<T>>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classifier: C,
    conditions: impl Fn(&T, &C) -> Verdict,
) -> T {
    run_admitted(admission, body, WithConditions { classifier, conditions })
}

/// Runs the body of an async function.
#[inline]
pub const fn run_admitted_async<F, C>(admission: Admission<'_>, body: F, classifier: C) -> Guarded<'_, F, C> {
    Guarded::new(admission, body, classifier)
}

/// Runs the body of an async function. `conditions` take precedence over the classifier.
#[inline]
pub fn run_admitted_async_with_conditions<F: Future, C, P: Fn(&F::Output, &C) -> Verdict>(
    admission: Admission<'_>,
    body: F,
    classifier: C,
    conditions: P,
) -> Guarded<'_, F, WithConditions<C, P>> {
    run_admitted_async(admission, body, WithConditions { classifier, conditions })
}

/// Runs the body of an async function until its `call_timeout` has passed.
pub fn run_admitted_async_with_timeout<
    F: Future,
    C: Classifier<F::Output>,
    P: Fn(&F::Output, &C) -> Verdict,
>(
    admission: Admission<'_>,
    body: F,
    classifier: C,
    conditions: P,
) -> Limited<'_, F, WithConditions<C, P>> {
    Limited::new(admission, body, WithConditions { classifier, conditions })
}
