//! The functions and constructors of `breaker_runtime::__private` that the expansion calls with tokens of the user
//! among the arguments.
//!
//! rustc reports a type error at the name of the called function, so each call has the span of the tokens of
//! the user that the error is about.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::at;
use crate::repeated::Repeated;

#[derive(Clone, Copy)]
pub(super) enum RuntimeFn {
    ByClone,
    ByRef,
    CallFallback,
    CallFallbackOnFailure,
    Checked,
    CheckedAsyncConfig,
    CheckedKeys,
    CheckedMaxAge,
    CheckedName,
    CheckedRecovery,
    CheckedRules,
    CheckedSyncConfig,
    CheckedUnkeyedConfig,
    CheckedWaiting,
    CheckedWithoutClones,
    CloneForFallback,
    CloneIf,
    ConstWindow,
    Evaluate,
    GuardBoxed,
    GuardOpaque,
    ItemsOf,
    KeyValue,
    LastGood,
    MaybeClone,
    MaybeCloneForAll,
    Opened,
    Policy,
    Registry,
    Resolve,
    Run,
    RunAdmitted,
    RunAdmittedWithConditions,
    RunAsync,
    RunAsyncOrFallback,
    RunAsyncWithConditions,
    RunOrFallback,
    RunSavedAsync,
    RunSavedAsyncWithConditions,
    RunWithConditions,
    TryRunAsync,
    TryRunAsyncWithConditions,
    WithRetryAfter,
}

impl RuntimeFn {
    const fn name(self) -> &'static str {
        match self {
            Self::ByClone => "by_clone",
            Self::ByRef => "by_ref",
            Self::CallFallback => "call_fallback",
            Self::CallFallbackOnFailure => "call_fallback_on_failure",
            Self::Checked => "checked",
            Self::CheckedAsyncConfig => "checked_async_config",
            Self::CheckedKeys => "checked_keys",
            Self::CheckedMaxAge => "checked_max_age",
            Self::CheckedName => "checked_name",
            Self::CheckedRecovery => "checked_recovery",
            Self::CheckedRules => "checked_rules",
            Self::CheckedSyncConfig => "checked_sync_config",
            Self::CheckedUnkeyedConfig => "checked_unkeyed_config",
            Self::CheckedWaiting => "checked_waiting",
            Self::CheckedWithoutClones => "checked_without_clones",
            Self::CloneForFallback => "clone_for_fallback",
            Self::CloneIf => "clone_if",
            Self::ConstWindow => "ConstWindow",
            Self::Evaluate => "evaluate",
            Self::GuardBoxed => "guard_boxed",
            Self::GuardOpaque => "guard_opaque",
            Self::ItemsOf => "items_of",
            Self::KeyValue => "KeyValue",
            Self::LastGood => "last_good",
            Self::MaybeClone => "maybe_clone",
            Self::MaybeCloneForAll => "maybe_clone_for_all",
            Self::Opened => "opened",
            Self::Policy => "Policy",
            Self::Registry => "registry",
            Self::Resolve => "resolve",
            Self::Run => "run",
            Self::RunAdmitted => "run_admitted",
            Self::RunAdmittedWithConditions => "run_admitted_with_conditions",
            Self::RunAsync => "run_async",
            Self::RunAsyncOrFallback => "run_async_or_fallback",
            Self::RunAsyncWithConditions => "run_async_with_conditions",
            Self::RunOrFallback => "run_or_fallback",
            Self::RunSavedAsync => "run_saved_async",
            Self::RunSavedAsyncWithConditions => "run_saved_async_with_conditions",
            Self::RunWithConditions => "run_with_conditions",
            Self::TryRunAsync => "try_run_async",
            Self::TryRunAsyncWithConditions => "try_run_async_with_conditions",
            Self::WithRetryAfter => "with_retry_after",
        }
    }

    // Input:  Resolve, the span of `cached`, cached(sku)
    // Output: private::resolve(cached(sku))
    pub(super) fn call(self, private: &Repeated, span: Span, arguments: &TokenStream) -> TokenStream {
        self.call_generic(private, span, None, arguments)
    }

    // Input:  CallFallbackOnFailure, .., ::<_, Option<u64>>, ..
    // Output: private::call_fallback_on_failure::<_, Option<u64>>(..)
    pub(super) fn call_generic(
        self,
        private: &Repeated,
        span: Span,
        types: Option<&TokenStream>,
        arguments: &TokenStream,
    ) -> TokenStream {
        let private = private.at(span);
        let function = Ident::new(self.name(), at(span));
        quote_spanned!(at(span)=> #private::#function #types (#arguments))
    }
}
