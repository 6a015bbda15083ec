//! The fallback `last_good(..)`: the values of earlier calls, and what becomes of them in one call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::at;
use super::keys::{checked_keys, value_key};
use super::runtime_fn::RuntimeFn;
use crate::check::{LastGood, Value};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

/// Default maximum number of values of one circuit.
const DEFAULT_KEYS: u32 = 1000;

// Input:  last_good(max_age = "5m", key = sku), &__circuit
// Output: let __last_good = {
//             static __BREAKER_LAST_GOOD: private::LastGoodSite =
//                 private::LastGoodSite::new(private::Duration::new(300u64, 0u32), private::checked_keys(1000));
//             private::last_good::<Result<u64, E>>().__breaker_last_good(
//                 private::Acquire::circuit(&__circuit),
//                 &__BREAKER_LAST_GOOD,
//                 private::value_key(&[private::KeyValue(&(sku)).__breaker_key()])
//             )
//         };
pub(super) fn binding(
    private: &Repeated,
    last_good: &LastGood,
    circuit_key: Option<&Expr>,
    annotated: &AnnotatedFn,
    circuit: &TokenStream,
) -> TokenStream {
    let max_age = max_age(private, &last_good.max_age);
    let max_keys = checked_keys(private, last_good.max_keys.as_ref(), DEFAULT_KEYS);
    // Without a key of its own, a function with arguments has a key of the circuit that consists of them. The circuit
    // alone does not distinguish them: those of the keys `None` and `Some("none")` are the same one.
    let circuit_key = circuit_key.filter(|_| annotated.has_arguments());
    let key = match last_good.key.as_ref().or(circuit_key) {
        Some(Expr::Tuple(tuple)) if tuple.elems.is_empty() => None,
        key => key,
    };
    let key = key.map_or_else(|| quote!(#private::ONLY_KEY), |key| value_key(private, key));
    let output = &annotated.nameable_output;
    // rustc reports a type that cannot be remembered at the name or the receiver of a method.
    let span = annotated.output_span();
    let types = quote_spanned!(at(span)=> ::<#output>);
    let step = RuntimeFn::LastGood.call_generic(private, span, Some(&types), &TokenStream::new());
    // The compiler would infer `MaybeStale<_>` for an `impl Trait`, which is `_` here.
    let step = if annotated.impl_in_result().is_some() { quote_spanned!(at(span)=> (*#step)) } else { step };
    let step = quote_spanned!(at(span)=> #step.__breaker_last_good);
    quote_spanned! {Span::mixed_site()=>
        let __last_good = {
            static __BREAKER_LAST_GOOD: #private::LastGoodSite =
                #private::LastGoodSite::new(#max_age, #max_keys);
            #step(
                #private::Acquire::circuit(#circuit),
                &__BREAKER_LAST_GOOD,
                #key
            )
        };
    }
}

// Input:  max_age = LIMIT
// Output: private::checked_max_age(LIMIT)
fn max_age(private: &Repeated, value: &Value) -> TokenStream {
    match value {
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            quote!(#private::Duration::new(#seconds, #nanos))
        }
        Value::Const(value) | Value::Window(value) => {
            RuntimeFn::CheckedMaxAge.call(private, value.span(), &value.to_token_stream())
        }
        // No duration is one of these.
        Value::Literal(_) | Value::Variant(_) => TokenStream::new(),
    }
}

// Input:  private::verdict_on(__output, __classifier)
// Output: (&__last_good).observe(__output, private::verdict_on(__output, __classifier))
//
// A method of a user's blanket trait that takes `self` by value comes before a method of the value that takes `&self`,
// but not before one of the reference.
pub(super) fn observed(annotated: &AnnotatedFn, verdict: &TokenStream) -> TokenStream {
    let span = at(annotated.output_span());
    quote_spanned!(span=> (&__last_good).observe(__output, #verdict))
}

// Input:  last_good(max_age = "5m")
// Output: __classifier.run_fallback(__rejected, |__error| (&__last_good).recall(__error, private::ignore_stale))
pub(super) fn after_rejection(
    private: &Repeated,
    last_good: &LastGood,
    annotated: &AnnotatedFn,
) -> TokenStream {
    let recall = recall(private, "recall", last_good, annotated);
    quote_spanned!(Span::mixed_site()=> __classifier.run_fallback(__rejected, #recall))
}

// Input:  last_good(max_age = "5m"), fallback_on = failure
// Output: private::call_fallback_on_failure(__no_result, |__error| (&__last_good).recall_after_failure(..))
pub(super) fn after_failure(
    private: &Repeated,
    last_good: &LastGood,
    annotated: &AnnotatedFn,
) -> TokenStream {
    let recall = recall(private, "recall_after_failure", last_good, annotated);
    let arguments = quote_spanned!(Span::mixed_site()=> __no_result, #recall);
    RuntimeFn::CallFallbackOnFailure.call(private, last_good.span, &arguments)
}

// Input:  "recall", on_stale = warn
// Output: |__error| (&__last_good).recall(__error, warn)
fn recall(private: &Repeated, function: &str, last_good: &LastGood, annotated: &AnnotatedFn) -> TokenStream {
    let span = at(annotated.output_span());
    let function = Ident::new(function, span);
    let on_stale = last_good.on_stale.as_ref().map(ToTokens::to_token_stream);
    let on_stale = on_stale.unwrap_or_else(|| quote!(#private::ignore_stale));
    quote_spanned!(span=> |__error| (&__last_good).#function(__error, #on_stale))
}
