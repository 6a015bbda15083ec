//! The functions and constructors of `breaker_runtime::__private` that the expansion calls with tokens of the user among the
//! arguments.
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
    CheckedKeys,
    CheckedName,
    CheckedRecovery,
    CheckedRules,
    CheckedWaiting,
    CloneForFallback,
    ConstWindow,
    Evaluate,
    KeyValue,
    Registry,
    Reject,
    Resolve,
    Run,
    RunAdmitted,
    RunAdmittedAsync,
    RunAdmittedAsyncOrFallback,
    RunAdmittedAsyncWithConditions,
    RunAdmittedAsyncWithTimeout,
    RunAdmittedOrFallback,
    RunAdmittedWithConditions,
    RunAsync,
    RunAsyncWithConditions,
    RunWithConditions,
}

impl RuntimeFn {
    const fn name(self) -> &'static str {
        match self {
            Self::ByClone => "by_clone",
            Self::ByRef => "by_ref",
            Self::CallFallback => "call_fallback",
            Self::CallFallbackOnFailure => "call_fallback_on_failure",
            Self::Checked => "checked",
            Self::CheckedKeys => "checked_keys",
            Self::CheckedName => "checked_name",
            Self::CheckedRecovery => "checked_recovery",
            Self::CheckedRules => "checked_rules",
            Self::CheckedWaiting => "checked_waiting",
            Self::CloneForFallback => "clone_for_fallback",
            Self::ConstWindow => "ConstWindow",
            Self::Evaluate => "evaluate",
            Self::KeyValue => "KeyValue",
            Self::Registry => "registry",
            Self::Reject => "reject",
            Self::Resolve => "resolve",
            Self::Run => "run",
            Self::RunAdmitted => "run_admitted",
            Self::RunAdmittedAsync => "run_admitted_async",
            Self::RunAdmittedAsyncOrFallback => "run_admitted_async_or_fallback",
            Self::RunAdmittedAsyncWithConditions => "run_admitted_async_with_conditions",
            Self::RunAdmittedAsyncWithTimeout => "run_admitted_async_with_timeout",
            Self::RunAdmittedOrFallback => "run_admitted_or_fallback",
            Self::RunAdmittedWithConditions => "run_admitted_with_conditions",
            Self::RunAsync => "run_async",
            Self::RunAsyncWithConditions => "run_async_with_conditions",
            Self::RunWithConditions => "run_with_conditions",
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
