//! The fallback `last_good(..)`: the values of earlier calls, and what becomes of them in one call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::at;
use super::keys::{checked_keys, key_text};
use super::runtime_fn::RuntimeFn;
use crate::check::{FallbackOn, LastGood, Value};
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
//                 private::value_key(&private::KeyValue(&(sku)).__breaker_key())
//             )
//         };
pub(super) fn binding(
    private: &Repeated,
    last_good: &LastGood,
    annotated: &AnnotatedFn,
    circuit: &TokenStream,
) -> TokenStream {
    let max_age = max_age(private, &last_good.max_age);
    let max_keys = checked_keys(private, last_good.max_keys.as_ref(), DEFAULT_KEYS);
    let key = match &last_good.key {
        Some(Expr::Tuple(tuple)) if tuple.elems.is_empty() => None,
        key => key.as_ref(),
    };
    let key = key.map_or_else(
        || quote!(#private::ONLY_VALUE),
        |key| {
            let text = key_text(private, key);
            quote!(#private::value_key(&#text))
        },
    );
    let output = &annotated.nameable_output;
    // rustc reports a type that cannot be remembered at the name of the function.
    let bind = Ident::new("__breaker_last_good", at(annotated.output_span()));
    quote_spanned! {Span::mixed_site()=>
        let __last_good = {
            static __BREAKER_LAST_GOOD: #private::LastGoodSite =
                #private::LastGoodSite::new(#max_age, #max_keys);
            #private::last_good::<#output>().#bind(
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
// Output: __last_good.observe(__output, private::verdict_on(__output, __classifier))
pub(super) fn observed(verdict: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> __last_good.observe(__output, #verdict))
}

// Input:  on_stale = warn
// Output: |__error| __last_good.recall(__error, warn)
pub(super) fn recall(
    private: &Repeated,
    last_good: &LastGood,
    fallback_on: FallbackOn,
    annotated: &AnnotatedFn,
) -> TokenStream {
    let function = match fallback_on {
        FallbackOn::Rejected => "recall",
        FallbackOn::Failure => "recall_after_failure",
    };
    let function = Ident::new(function, at(annotated.output_span()));
    let on_stale = match &last_good.on_stale {
        Some(on_stale) => on_stale.to_token_stream(),
        None => quote!(#private::ignore_stale),
    };
    quote_spanned!(Span::mixed_site()=> |__error| __last_good.#function(__error, #on_stale))
}
