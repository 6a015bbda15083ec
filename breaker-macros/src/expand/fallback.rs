//! The output of a call that is rejected, times out or fails.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{ExprClosure, ExprPath, ReturnType};

use super::at;
use super::last_good;
use super::runtime_fn::RuntimeFn;
use super::settings::clone_condition;
use super::stream::leave_call;
use super::value_closure::{is_never, returns_value};
use crate::check::{Cloning, Fallback, FallbackOn, Spec};
use crate::function::{AnnotatedFn, Binding, Copying, for_all_lifetimes};
use crate::repeated::Repeated;

// Input:  fallback = cached, or fallback = |error| ..
// Output: private::Err(__rejected) => { .. }
//
// With `fallback_on = failure` the name is `__no_result`.
pub(super) fn arm(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
) -> TokenStream {
    let output = output(private, spec, annotated, fallback);
    let error = error(spec);
    // A failed output that the fallback does not take is dropped after the fallback has run.
    let by_reference = ignores_error(spec, fallback).then(|| quote!(ref));
    quote_spanned!(Span::mixed_site()=> #private::Err(#by_reference #error) => { #output })
}

/// Returns the name of the value that a fallback closure takes: the rejection, or the reason why there is no
/// result.
fn error(spec: &Spec) -> TokenStream {
    match spec.fallback_on {
        FallbackOn::Rejected => quote_spanned!(Span::mixed_site()=> __rejected),
        FallbackOn::Failure => quote_spanned!(Span::mixed_site()=> __no_result),
    }
}

fn ignores_error(spec: &Spec, fallback: &Fallback) -> bool {
    spec.fallback_on == FallbackOn::Failure && matches!(fallback, Fallback::Path { .. })
}

// Input:  cached, for a function that returns Result<u64, E>
// Output: let __value: Result<u64, E> = ..;
//         __classifier.record_fallback(__rejected, __value)
//
// Input:  cached, fallback_on = failure
// Output: let __circuit_ref = private::NoResult::circuit(__no_result);
//         let __value: Result<u64, E> = ..;
//         __classifier.record_fallback(__circuit_ref, __value)
//
// With the type of `__value`, rustc reports a fallback of another type at the fallback and not at the two
// arms.
pub(super) fn output(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
) -> TokenStream {
    let clones = bind_clones(spec);
    if let Some(output) = output_of_closure(private, spec, annotated, fallback) {
        return quote!(#clones #output);
    }
    let value = match value(private, spec, annotated, fallback) {
        Value::Output(value) => value,
        Value::Resolution { call, span } => awaited(private, &call, span),
    };
    if annotated.never_returns() {
        return quote_spanned!(Span::mixed_site()=> #clones #value);
    }
    let output = &annotated.nameable_output;
    if spec.fallback_on == FallbackOn::Rejected {
        return quote_spanned! {Span::mixed_site()=>
            #clones
            let __value: #output = #value;
            __classifier.record_fallback(__rejected, __value)
        };
    }
    let borrow = (!ignores_error(spec, fallback)).then(|| quote!(&));
    quote_spanned! {Span::mixed_site()=>
        #clones
        let __circuit_ref = #private::NoResult::circuit(#borrow __no_result);
        let __value: #output = #value;
        __classifier.record_fallback(__circuit_ref, __value)
    }
}

// Input:  cached, fallback_on = failure, in an async function
// Output: let __circuit_ref;
//         let __value: Result<u64, E> = '__fallback: {
//             let __future = match private::run_async_or_fallback(..).await {
//                 private::Ok(__output) => return __output,
//                 private::Err(__no_result) => {
//                     __circuit_ref = private::NoResult::circuit(&__no_result);
//                     match private::resolve(cached(sku)) { .. }
//                 }
//             };
//             __future.await
//         };
//         __classifier.record_fallback(__circuit_ref, __value)
//
// Everything that contains the failed output is dropped before the fallback is awaited. Otherwise the future would be
// `Send` only if the output is, and larger by the output. Returns `None` if the fallback is never awaited.
pub(super) fn call_and_output(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
    call: &TokenStream,
) -> Option<TokenStream> {
    let Value::Resolution { call: resolution, span } = value(private, spec, annotated, fallback) else {
        return None;
    };
    let clones = bind_clones(spec);
    let leave = leave_call(spec);
    let output = &annotated.nameable_output;
    let future = future_of(private, &resolution, span);
    let awaited = quote_spanned!(at(span)=> __future.await);
    Some(quote_spanned! {Span::mixed_site()=>
        let __circuit_ref;
        let __value: #output = '__fallback: {
            let __future = match #call {
                #private::Ok(__output) => #leave __output,
                #private::Err(__no_result) => {
                    #clones
                    __circuit_ref = #private::NoResult::circuit(&__no_result);
                    #future
                }
            };
            #awaited
        };
        __classifier.record_fallback(__circuit_ref, __value)
    })
}

// Input:  |_| Ok(0)
// Output: __classifier.run_fallback(__rejected, move |_| Ok(0))
//
// This form saves the compiler a type annotation and a call.
fn output_of_closure(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
) -> Option<TokenStream> {
    let closure = match fallback {
        Fallback::Path { .. } => return None,
        Fallback::Closure(closure) => closure,
        Fallback::LastGood(last_good) => {
            let is_rejected = spec.fallback_on == FallbackOn::Rejected;
            return is_rejected.then(|| last_good::after_rejection(private, last_good, annotated));
        }
    };
    let is_short = spec.fallback_on == FallbackOn::Rejected
        && matches!(closure.output, ReturnType::Default)
        && (returns_value(closure) || !annotated.is_async())
        && !annotated.never_returns();
    let function = Ident::new("run_fallback", at(closure.body.span()));
    is_short.then(|| quote_spanned!(function.span()=> __classifier.#function(__rejected, #closure)))
}

/// The value of a fallback.
enum Value {
    /// An expression of the output itself.
    Output(TokenStream),
    /// A call that returns a `Resolution`, the output or a future of it, and the span for errors about its type.
    Resolution { call: TokenStream, span: Span },
}

// Input:  cached
// Output: if let private::Some(__value) = private::None { __value } else { cached(sku) }
//
// Input:  cached, in an async function
// Output: private::resolve(cached(sku))
//
// Input:  |_| Ok(0), fallback_on = failure
// Output: private::call_fallback_on_failure::<_, Result<u64, E>>(__no_result, move |_| Ok(0))
fn value(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn, fallback: &Fallback) -> Value {
    let resolve = |span, value: &TokenStream| {
        let call = RuntimeFn::Resolve.call(private, span, value);
        Value::Resolution { call, span }
    };
    match fallback {
        Fallback::Path { path, arguments } if annotated.never_returns() && annotated.is_async() => {
            resolve(path.span(), &reachable_after(private, path.span(), &call_path(path, arguments)))
        }
        Fallback::Path { path, arguments } if annotated.is_async() => {
            resolve(path.span(), &call_path(path, arguments))
        }
        Fallback::Path { path, arguments } => {
            Value::Output(reachable_after(private, Span::mixed_site(), &call_path(path, arguments)))
        }
        Fallback::Closure(closure) if matches!(closure.output, ReturnType::Type(..)) => {
            let value = call_closure(private, spec, closure, None);
            if annotated.is_async() && !is_never(closure) {
                resolve(closure.body.span(), &value)
            } else {
                Value::Output(reachable_after(private, Span::mixed_site(), &value))
            }
        }
        Fallback::Closure(closure) if annotated.is_async() && !returns_value(closure) => {
            resolve(closure.body.span(), &call_closure(private, spec, closure, None))
        }
        Fallback::Closure(closure) => {
            let output = (!annotated.never_returns()).then_some(&annotated.nameable_output);
            Value::Output(call_closure(private, spec, closure, output))
        }
        Fallback::LastGood(last_good) => {
            Value::Output(last_good::after_failure(private, last_good, annotated))
        }
    }
}

// Input:  private::resolve(cached(sku))
// Output: '__fallback: {
//             let __future = match private::resolve(cached(sku)) { .. };
//             __future.await
//         }
//
// The output itself leaves the block, so that the future never stores it.
fn awaited(private: &Repeated, resolution: &TokenStream, span: Span) -> TokenStream {
    let future = future_of(private, resolution, span);
    quote_spanned! {at(span)=>
        '__fallback: {
            let __future = #future;
            __future.await
        }
    }
}

// Input:  private::resolve(cached(sku))
// Output: match private::resolve(cached(sku)) {
//             private::Resolution::Future(__future) => __future,
//             private::Resolution::Output(__value) => break '__fallback __value,
//         }
fn future_of(private: &Repeated, resolution: &TokenStream, span: Span) -> TokenStream {
    quote_spanned! {at(span)=>
        match #resolution {
            #private::Resolution::Future(__future) => __future,
            #private::Resolution::Output(__value) => break '__fallback __value,
        }
    }
}

// Input:  exit(code)
// Output: if let private::Some(__value) = private::None { __value } else { exit(code) }
//
// A fallback may never return. Without the `if`, rustc would warn that our code after it is unreachable.
fn reachable_after(private: &Repeated, span: Span, value: &TokenStream) -> TokenStream {
    quote_spanned! {at(span)=>
        if let #private::Some(__value) = #private::None { __value } else { #value }
    }
}

// Input:  order: Order, which the fallback needs
// Output: let __clone_0 = private::clone_for_fallback(&order);
pub(super) fn clone_arguments(private: &Repeated, spec: &Spec) -> TokenStream {
    let clones = spec.clones.iter().enumerate().map(|(index, binding)| {
        let Binding { name, cfg_attributes, .. } = binding;
        let span = name.span();
        let argument = quote_spanned!(at(span)=> &#name);
        let clone = RuntimeFn::CloneForFallback.call(private, span, &argument);
        let clone_name = clone_name(index);
        quote_spanned!(Span::mixed_site()=> #cfg_attributes let #clone_name = #clone;)
    });
    clones.collect()
}

// Input:  order: Order, mut note: String, sku: &str, which the fallback needs
// Output: let (__saved, (__argument_0, __argument_1, __argument_2,)) = match private::save_arguments(
//             private::Acquire::start(..),
//             (order, note, sku,),
//             |(__argument_0, __argument_1, __argument_2,)| private::Some((
//                 private::maybe_clone(__argument_0).__breaker_clone()?,
//                 private::maybe_clone(__argument_1).__breaker_clone()?,
//                 *__argument_2,
//             ))
//         ) {
//             private::Ok(__saved) => __saved,
//             private::Err(__unserved) => break '__unserved __unserved,
//         };
//         let order = __argument_0;
//         note = __argument_1;
//
// The assignment uses the `mut` of the user.
pub(super) fn save_arguments(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    call: &TokenStream,
) -> TokenStream {
    if spec.cloning == Cloning::Impossible {
        return quote_spanned! {Span::mixed_site()=>
            let __saved = match #private::save_nothing(#call) {
                #private::Ok(__saved) => __saved,
                #private::Err(__rejected) => break '__unserved __rejected,
            };
        };
    }
    let arguments: Vec<_> = (0..spec.clones.len()).map(argument_name).collect();
    let values = spec.clones.iter().map(argument_value);
    let clones = spec.clones.iter().zip(&arguments).map(|(binding, argument)| {
        let Binding { name, copying, lifetimes_type, .. } = binding;
        let span = name.span();
        let argument = quote_spanned!(at(span)=> #argument);
        if *copying == Copying::ByCopy {
            return quote_spanned!(at(span)=> *#argument);
        }
        if spec.cloning == Cloning::Required {
            return RuntimeFn::CloneForFallback.call(private, span, &argument);
        }
        let generics = &annotated.signature.generics;
        let for_all = lifetimes_type.clone().and_then(|ty| for_all_lifetimes(ty, generics, private));
        let argument = match (&spec.config, for_all) {
            (None, Some(ty)) => {
                let types = quote_spanned!(at(span)=> ::<#ty, _>);
                RuntimeFn::MaybeCloneForAll.call_generic(private, span, Some(&types), &argument)
            }
            (None, None) => RuntimeFn::MaybeClone.call(private, span, &argument),
            (Some(config), _) => {
                let condition = clone_condition(private, spec, config);
                RuntimeFn::CloneIf.call_generic(private, span, Some(&condition), &argument)
            }
        };
        quote_spanned!(at(span)=> #argument.__breaker_clone()?)
    });
    let bindings = spec.clones.iter().zip(&arguments).map(|(binding, argument)| {
        let Binding { name, mutability, cfg_attributes, lint_attributes, copying, .. } = binding;
        if *copying == Copying::ByCopy {
            return TokenStream::new();
        }
        if mutability.is_empty() {
            quote_spanned!(Span::mixed_site()=> #cfg_attributes #lint_attributes let #name = #argument;)
        } else {
            quote_spanned!(Span::mixed_site()=> #cfg_attributes { #name = #argument; })
        }
    });
    quote_spanned! {Span::mixed_site()=>
        let (__saved, (#(#arguments,)*)) = match #private::save_arguments(
            #call,
            (#(#values,)*),
            |(#(#arguments,)*)| #private::Some((#(#clones,)*))
        ) {
            #private::Ok(__saved) => __saved,
            #private::Err(__unserved) => break '__unserved __unserved,
        };
        #(#bindings)*
    }
}

// Input:  order: Order, which the fallback needs
// Output: (__rejected, (__clone_0,))
pub(super) fn rejected_with_clones(spec: &Spec) -> TokenStream {
    let rejected = quote_spanned!(Span::mixed_site()=> __rejected);
    if spec.cloning == Cloning::Impossible {
        return rejected;
    }
    let names = (0..spec.clones.len()).map(clone_name);
    quote_spanned!(Span::mixed_site()=> (#rejected, (#(#names,)*)))
}

// Input:  #[cfg(unix)] order: Order
// Output: { #[cfg(unix)] { order } }
//
// An element of a tuple cannot have a `cfg`. Without the argument, the block is `()`.
fn argument_value(binding: &Binding) -> TokenStream {
    let Binding { name, cfg_attributes, .. } = binding;
    if cfg_attributes.is_empty() {
        return name.to_token_stream();
    }
    quote_spanned!(Span::mixed_site()=> { #cfg_attributes { #name } })
}

// Input:  mut order: Order, which the fallback needs
// Output: let mut order = __clone_0;
//         let _ = &mut order;
//
// The name occurs among the tokens of the fallback, which does not prove that the fallback uses or changes
// the variable. The second line prevents the warnings; an `allow` is an error where the user forbids the
// lint.
fn bind_clones(spec: &Spec) -> Option<TokenStream> {
    if spec.cloning == Cloning::Impossible {
        return None;
    }
    let bindings = spec.clones.iter().enumerate().map(|(index, binding)| {
        let Binding { name, mutability, cfg_attributes, lint_attributes, .. } = binding;
        let clone_name = clone_name(index);
        quote_spanned! {Span::mixed_site()=>
            #cfg_attributes #lint_attributes let #mutability #name = #clone_name;
            #cfg_attributes let _ = &#mutability #name;
        }
    });
    (!spec.clones.is_empty()).then(|| bindings.collect())
}

// Input:  0
// Output: __clone_0
//
// The number, because two arguments may have the same name under different `cfg`.
fn clone_name(index: usize) -> Ident {
    format_ident!("__clone_{index}", span = Span::mixed_site())
}

// Input:  0
// Output: __argument_0
fn argument_name(index: usize) -> Ident {
    format_ident!("__argument_{index}", span = Span::mixed_site())
}

// Input:  cached, for the arguments (order: Order, note: &str)
// Output: cached(order, note)
fn call_path(path: &ExprPath, arguments: &[Ident]) -> TokenStream {
    quote_spanned!(at(path.span())=> #path(#(#arguments),*))
}

// Input:  |error| -> Option<u64> { None }
// Output: private::call_fallback(__rejected, move |error| -> Option<u64> { None })
//
// Input:  |error| None, fallback_on = failure, Option<u64>
// Output: private::call_fallback_on_failure::<_, Option<u64>>(__no_result, move |error| None)
fn call_closure(
    private: &Repeated,
    spec: &Spec,
    closure: &ExprClosure,
    output: Option<&Repeated>,
) -> TokenStream {
    let span = closure.body.span();
    let error = error(spec);
    let arguments = quote!(#error, #closure);
    match spec.fallback_on {
        FallbackOn::Rejected => RuntimeFn::CallFallback.call(private, span, &arguments),
        FallbackOn::Failure => {
            let types = output.map(|output| quote_spanned!(at(span)=> ::<_, #output>));
            RuntimeFn::CallFallbackOnFailure.call_generic(private, span, types.as_ref(), &arguments)
        }
    }
}
