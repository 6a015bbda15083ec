//! Documentation pages.

// Re-exported, because a compile error names an item without a path if a visible module exports it.
#[doc(hidden)]
pub use crate::__private::{
    AnyValue, BreakerHandle, ByDebug, ByDisplay, ByError, ByTarget, CannotClone, CloneForFallback, CloneIf,
    ConstWindow, DerefTo, DisplayKey, FromRejected, IntoFutureOf, IsPolicy, KeyText, KeyValue,
    KeyedByDisplay, KeyedByOption, Length, MaybeClone, NoText, OtherLength, OtherPolicy, Policy, Predicate,
    Resolved, ResultClassifier, RetryAfter, RunAsync, RunSaved, WithConditions, WithRetryAfter, by_clone,
    by_ref, call_fallback, call_fallback_on_failure, clone_for_fallback, evaluate, registry, reject, resolve,
    run, run_admitted, run_async, run_async_with_conditions, run_with_conditions, with_retry_after,
};

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/performance.md")]
pub mod performance {}
