//! Documentation pages.

// Re-exported, because a compile error names an item without a path if a visible module exports it.
#[doc(hidden)]
pub use crate::__private::{
    AnyValue, BreakerHandle, ByDebug, ByDisplay, ByError, ByTarget, CloneForFallback, ConstWindow, DerefTo,
    DisplayKey, FromRejected, IntoFutureOf, KeyText, KeyValue, KeyedByDisplay, KeyedByOption, Length, NoText,
    OtherLength, Predicate, Resolved, ResultClassifier, RunAsync, RunSaved, WithConditions, WithRetryAfter,
    by_clone, by_ref, call_fallback, call_fallback_on_failure, clone_for_fallback, evaluate, registry,
    reject, resolve, run, run_admitted, run_async, run_async_with_conditions, run_with_conditions,
};

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

// The first definition of a link counts: here the picture itself, since rustdoc copies no files.
#[doc = include_str!("docs/growth.link")]
#[doc = include_str!("docs/performance.md")]
pub mod performance {}
