//! Names for compile errors. rustc names an item by the shortest visible path and, if a visible module exports it,
//! prints the name alone, so these names appear in compile errors instead of paths of the private module.
//!
//! Enums are not exported, because their variants would then make names such as `Future` ambiguous.

pub use crate::__private::{
    AnyValue, BreakerHandle, ByDebug, ByDisplay, ByError, ByTarget, CannotClone, CircuitRef,
    CloneForFallback, CloneIf, ConstWindow, DerefTo, DisplayKey, FromRejected, IfBare, IfMaybeStale,
    IntoFutureOf, IsPolicy, ItemResult, KeyText, KeyValue, KeyedByDisplay, KeyedByOption, LastGood,
    LastGoodOutput, LastGoodSite, LastGoodValue, Length, MaybeClone, NoFuture, NoText, OpensStream,
    OtherLength, OtherPolicy, Policy, Predicate, Resolved, ResultClassifier, RetryAfter, RunAsync, RunSaved,
    SavedCall, SettleLater, WithConditions, WithRetryAfter, by_clone, by_ref, call_fallback,
    call_fallback_on_failure, classifier_for, classifier_for_all, clone_for_fallback, clone_if, evaluate,
    fix_output_type, items_of, maybe_clone, maybe_clone_for_all, opened, registry, reject, resolve, run,
    run_admitted, run_admitted_with_conditions, run_async, run_async_or_fallback, run_async_with_conditions,
    run_or_fallback, run_saved_async, run_saved_async_with_conditions, run_with_conditions, try_run_async,
    try_run_async_with_conditions, verdict_on, with_retry_after,
};
