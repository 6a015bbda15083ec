//! The body of an admitted call. Generated code handles the rejection itself.

use super::classifier::WithConditions;
use crate::breaker::{Admission, Guarded, Limited, Permit};
use crate::classifier::Classifier;
use crate::outcome::Outcome;

/// Runs the body of a sync function.
#[expect(clippy::needless_pass_by_value, reason = "the same signature as the async forms, which keep it")]
#[inline]
pub fn run_admitted<T, J: Classifier<T>>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classifier: J,
) -> T {
    Permit::running(admission).run(
        body,
        |output| classifier.outcome(output),
        |output| classifier.text(output),
    )
}

/// Runs the body of a sync function. `conditions` take precedence over the classifier.
#[inline]
pub fn run_admitted_with_conditions<T, J: Classifier<T>>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classifier: J,
    conditions: impl Fn(&T, &J) -> Outcome,
) -> T {
    run_admitted(admission, body, WithConditions { classifier, conditions })
}

/// Runs the body of an async function.
#[inline]
pub const fn run_admitted_async<F, J>(admission: Admission<'_>, body: F, classifier: J) -> Guarded<'_, F, J> {
    Guarded::new(admission, body, classifier)
}

/// Runs the body of an async function. `conditions` take precedence over the classifier.
#[inline]
pub fn run_admitted_async_with_conditions<F: Future, J, C: Fn(&F::Output, &J) -> Outcome>(
    admission: Admission<'_>,
    body: F,
    classifier: J,
    conditions: C,
) -> Guarded<'_, F, WithConditions<J, C>> {
    run_admitted_async(admission, body, WithConditions { classifier, conditions })
}

/// Runs the body of an async function until its `call_timeout` has passed.
pub fn run_admitted_async_with_timeout<
    F: Future,
    J: Classifier<F::Output>,
    C: Fn(&F::Output, &J) -> Outcome,
>(
    admission: Admission<'_>,
    body: F,
    classifier: J,
    conditions: C,
) -> Limited<'_, F, WithConditions<J, C>> {
    Limited::new(admission, body, WithConditions { classifier, conditions })
}
