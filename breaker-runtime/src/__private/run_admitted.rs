//! The body of an admitted sync call. Generated code handles the rejection itself.

use super::classifier::WithConditions;
use crate::breaker::{Admission, Permit};
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
    Permit::running(admission).run(body, |output| classifier.outcome(output), &classifier)
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
