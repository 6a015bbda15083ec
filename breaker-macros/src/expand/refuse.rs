//! What a call gives that may not go through, that takes too long, or that fails.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{ExprClosure, ExprPath, ReturnType};

use super::plain::is_plain;
use super::{at, call_at, generic_call_at};
use crate::check::{Fallback, FallbackOn, Spec};
use crate::function::{AnnotatedFn, Binding};
use crate::repeated::Repeated;

// Input:  fallback = cached, or fallback = |error| ..
// Output: p::Err(__rejected) => { .. }
pub(super) fn arm(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn, fallback: &Fallback) -> TokenStream {
    let answer = answer(p, spec, annotated, fallback);
    // What failed stays where it is if nobody looks at it.
    let by_reference = looks_at_nothing(spec, fallback).then(|| quote!(ref));
    quote_spanned!(Span::mixed_site()=> #p::Err(#by_reference __rejected) => { #answer })
}

// Input:  call_timeout = "1s", and no fallback
// Output: p::Err(__rejected) => p::reject(__rejected),
pub(super) fn without_fallback(p: &Repeated, annotated: &AnnotatedFn) -> TokenStream {
    let value = call_at(annotated.output_span(), p, "reject", &rejected());
    quote_spanned!(Span::mixed_site()=> #p::Err(__rejected) => #value,)
}

fn looks_at_nothing(spec: &Spec, fallback: &Fallback) -> bool {
    spec.fallback_on == FallbackOn::Failure && matches!(fallback, Fallback::Path { .. })
}

// Input:  cached, for a function that returns Result<u64, E>
// Output: let __answer: Result<u64, E> = ..;
//         __classifier.answered(__rejected, __answer)
//
// Input:  the same, fallback_on = failure
// Output: let __asking = p::Unserved::asking(__rejected);
//         let __answer: Result<u64, E> = ..;
//         __classifier.answered(__asking, __answer)
//
// The type of `__answer` is said so that a fallback that gives another one is told so, and not that two arms differ.
fn answer(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn, fallback: &Fallback) -> TokenStream {
    let given_back = give_back(spec);
    if let Some(answer) = answer_of_closure(spec, annotated, fallback) {
        return quote!(#given_back #answer);
    }
    let value = value(p, spec, annotated, fallback);
    if annotated.never_returns() {
        return quote_spanned!(Span::mixed_site()=> #given_back #value);
    }
    let output = &annotated.nameable_output;
    if spec.fallback_on == FallbackOn::Rejected {
        return quote_spanned! {Span::mixed_site()=>
            #given_back
            let __answer: #output = #value;
            __classifier.answered(__rejected, __answer)
        };
    }
    let borrowed = (!looks_at_nothing(spec, fallback)).then(|| quote!(&));
    quote_spanned! {Span::mixed_site()=>
        #given_back
        let __asking = #p::Unserved::asking(#borrowed __rejected);
        let __answer: #output = #value;
        __classifier.answered(__asking, __answer)
    }
}

// Input:  |_| Ok(0)
// Output: __classifier.answer(__rejected, move |_| Ok(0))
//
// The short form spares the compiler a type and a call.
fn answer_of_closure(spec: &Spec, annotated: &AnnotatedFn, fallback: &Fallback) -> Option<TokenStream> {
    let Fallback::Closure(closure) = fallback else {
        return None;
    };
    let is_short = spec.fallback_on == FallbackOn::Rejected
        && matches!(closure.output, ReturnType::Default)
        && (is_plain(closure) || !annotated.is_async())
        && !annotated.never_returns();
    let function = Ident::new("answer", at(closure.body.span()));
    is_short.then(|| quote_spanned!(function.span()=> __classifier.#function(__rejected, #closure)))
}

// Input:  cached
// Output: if let p::Some(__answer) = p::None { __answer } else { cached(sku) }
//
// Input:  cached, in an async function
// Output: p::resolve(cached(sku)).await
//
// Input:  |_| Ok(0), fallback_on = failure
// Output: p::fallback_or_fail::<_, Result<u64, E>>(__rejected, move |_| Ok(0))
fn value(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn, fallback: &Fallback) -> TokenStream {
    match fallback {
        Fallback::Path { path, arguments } if annotated.is_async() => {
            resolve(p, path.span(), &call_path(path, arguments))
        }
        Fallback::Path { path, arguments } => maybe(p, &call_path(path, arguments)),
        Fallback::Closure(closure) if matches!(closure.output, ReturnType::Type(..)) => {
            let called = call_closure(p, spec, closure, None);
            if annotated.is_async() { resolve(p, closure.body.span(), &called) } else { maybe(p, &called) }
        }
        Fallback::Closure(closure) if annotated.is_async() && !is_plain(closure) => {
            resolve(p, closure.body.span(), &call_closure(p, spec, closure, None))
        }
        Fallback::Closure(closure) => {
            let output = (!annotated.never_returns()).then_some(&annotated.nameable_output);
            call_closure(p, spec, closure, output)
        }
    }
}

// Input:  exit(code)
// Output: if let p::Some(__answer) = p::None { __answer } else { exit(code) }
//
// One that never returns is a good fallback, and what stands after it is not the user's.
fn maybe(p: &Repeated, value: &TokenStream) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        if let #p::Some(__answer) = #p::None { __answer } else { #value }
    }
}

// Input:  order: Order, which the fallback needs
// Output: let __again_order = p::again(&order);
pub(super) fn keep(p: &Repeated, spec: &Spec) -> TokenStream {
    let kept = spec.clones.iter().map(|binding| {
        let Binding { name, cfg_attributes, .. } = binding;
        let borrowed = quote_spanned!(at(name.span())=> &#name);
        let (clone, again) = (clone_of(binding), call_at(name.span(), p, "again", &borrowed));
        quote_spanned!(Span::mixed_site()=> #cfg_attributes let #clone = #again;)
    });
    kept.collect()
}

// Input:  mut order: Order, which the fallback needs
// Output: let mut order = __again_order;
//         let _ = &mut order;
//
// It was found among the fallback's tokens, which need not mean that it is used there, or changed: the
// second line does both. An `allow` would be an error where the user forbids the lint.
fn give_back(spec: &Spec) -> Option<TokenStream> {
    let given_back = spec.clones.iter().map(|binding| {
        let Binding { name, mutability, cfg_attributes } = binding;
        let clone = clone_of(binding);
        quote_spanned! {Span::mixed_site()=>
            #cfg_attributes let #mutability #name = #clone;
            #cfg_attributes let _ = &#mutability #name;
        }
    });
    (!spec.clones.is_empty()).then(|| given_back.collect())
}

// Input:  order
// Output: __again_order
fn clone_of(binding: &Binding) -> Ident {
    format_ident!("__again_{}", binding.name.unraw(), span = Span::mixed_site())
}

// Input:  cached, for the arguments (order: Order, note: &str)
// Output: cached(order, note)
fn call_path(path: &ExprPath, arguments: &[Ident]) -> TokenStream {
    quote_spanned!(at(path.span())=> #path(#(#arguments),*))
}

// Input:  |error| -> Option<u64> { None }
// Output: p::fallback(__rejected, move |error| -> Option<u64> { None })
//
// Input:  |error| None, fallback_on = failure, Option<u64>
// Output: p::fallback_or_fail::<_, Option<u64>>(__rejected, move |error| None)
fn call_closure(p: &Repeated, spec: &Spec, closure: &ExprClosure, output: Option<&Repeated>) -> TokenStream {
    let place = closure.body.span();
    let (function, types) = match spec.fallback_on {
        FallbackOn::Rejected => ("fallback", None),
        FallbackOn::Failure => {
            ("fallback_or_fail", output.map(|output| quote_spanned!(at(place)=> ::<_, #output>)))
        }
    };
    let rejected = rejected();
    generic_call_at(place, p, function, types.as_ref(), &quote!(#rejected, #closure))
}

// Input:  cached(sku), in an async function
// Output: p::resolve(cached(sku)).await
fn resolve(p: &Repeated, span: Span, value: &TokenStream) -> TokenStream {
    let resolved = call_at(span, p, "resolve", value);
    quote_spanned!(at(span)=> #resolved.await)
}

fn rejected() -> TokenStream {
    quote_spanned!(Span::mixed_site()=> __rejected)
}
