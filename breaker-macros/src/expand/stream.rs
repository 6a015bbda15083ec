//! The key `settle = stream`: the call is kept when the function has returned a stream, and the stream settles it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::at;
use super::runtime_fn::RuntimeFn;
use crate::check::{Settle, Spec};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

// Input:  __classifier
// Output: private::settle_later(__classifier, &__kept)
pub(super) fn settle_later(private: &Repeated, classifier: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #private::settle_later(#classifier, &__kept))
}

// Input:  (nothing)
// Output: return
//
// Input:  settle = stream
// Output: break '__call
//
// The output of a call with a stream leaves the block of the call, so that the stream is guarded once.
pub(super) fn leave_call(spec: &Spec) -> TokenStream {
    match spec.settle {
        Settle::Return => quote_spanned!(Span::mixed_site()=> return),
        Settle::Stream => quote_spanned!(Span::mixed_site()=> break '__call),
    }
}

// Input:  private::run(..), -> Result<impl Stream<Item = Result<u8, E>>, E>
// Output: let __kept = private::keep_call();
//         let __output = '__call: { private::run(..) };
//         match private::opened(__output) {
//             private::Ok(__stream) => {
//                 let __items = private::items_of::<_, Result<u8, E>>(&__stream).__breaker_classifier();
//                 private::Ok(private::guard_opaque(&__kept, __stream, __items))
//             }
//             private::Err(__error) => private::Err(__error),
//         }
pub(super) fn guard(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    call: &TokenStream,
) -> TokenStream {
    let span = annotated.output_span();
    // rustc reports a type that is no such stream at the arguments.
    let output = quote_spanned!(at(span)=> __output);
    let opened = RuntimeFn::Opened.call(private, span, &output);
    let types = annotated.nameable_item().map(|item| quote!(::<_, #item>));
    let reference = quote_spanned!(at(span)=> &__stream);
    let items = RuntimeFn::ItemsOf.call_generic(private, span, types.as_ref(), &reference);
    let guard =
        if annotated.impl_in_result().is_some() { RuntimeFn::GuardOpaque } else { RuntimeFn::GuardBoxed };
    let arguments = quote_spanned!(at(span)=> &__kept, __stream, __items);
    let guarded = guard.call(private, span, &arguments);
    let leaves_early = annotated.is_async() && spec.fallback.is_some();
    let label = leaves_early.then(|| quote_spanned!(Span::mixed_site()=> '__call:));
    let block = quote!(#label { #call });
    quote_spanned! {Span::mixed_site()=>
        let __kept = #private::keep_call();
        let __output = #block;
        match #opened {
            #private::Ok(__stream) => {
                let __items = #items.__breaker_classifier();
                #private::Ok(#guarded)
            }
            #private::Err(__error) => #private::Err(__error),
        }
    }
}
