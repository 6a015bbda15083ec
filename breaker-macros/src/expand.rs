//! The expansion of a checked function to tokens. It contains no rules: its input is valid.
//!
//! | file | contents |
//! |---|---|
//! | `site.rs` | the static of the function, and the admission of a call |
//! | `settings.rs` | the settings of the attribute |
//! | `classifier.rs` | the classifier and the conditions |
//! | `fallback.rs` | the output of a call that is rejected, times out or fails |
//! | `value_closure.rs` | fallback closures that visibly return a value |
//! | `runtime_fn.rs` | the functions of the runtime that the expansion calls |
//!
//! A comment above each emitter shows its input and output. `private` is the path
//! `breaker_runtime::__private`. The expansion contains only code that cannot be a function of the runtime.
//!
//! Reasons for the form of the expansion:
//! * A function without a fallback is one call without a `match`, which saves compile time.
//! * A function with a fallback is a `match` with two arms, not two closures, so each arm can move the
//!   arguments.
//! * If the result may be replaced after the body has started (`call_timeout`, `fallback_on = failure`), a
//!   second `match` contains the fallback, so the fallback is written once.
//! * A sync body is a closure that the runtime takes as `FnOnce`, so the body can return a `&mut`.
//! * An async body is an `async move` block. A separate scope fixes its output type, so that `?`, literals
//!   and coercions work as in the function, and a `use` in the body cannot change the meaning of the type.
//! * An async body is an arm of `match () { () => .. }`, because a block inside the `async` block would
//!   trigger `unused_braces`.
//! * The key is evaluated in its own statement, so its locks and borrows end before the body runs.
//! * The key and the clones are evaluated before the admission. They are code of the user and may panic. No
//!   such code may run between the admission and its guard.
//! * The names start with `__`, because items are not hygienic, and a pattern that has the name of a static
//!   would refer to that static.
//! * Braces, closures and `async` have the span of the tokens of the user, because lints skip code from
//!   macros.
//! * Calls with a trait bound have the span of the tokens of the user that the error is about.

mod classifier;
mod fallback;
mod runtime_fn;
mod settings;
mod site;
mod value_closure;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use self::runtime_fn::RuntimeFn;
use self::site::AdmissionTokens;
use crate::check::{Fallback, FallbackOn, Spec};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

// Input:  #[circuit_breaker(name = "payment")] fn price(sku: &str) -> Result<u64, E> { .. }
// Output: fn price(sku: &str) -> Result<u64, E> {
//             let __classifier = private::classifier_for::<Result<u64, E>>().__breaker_classifier();
//             private::run(
//                 { static __BREAKER_SITE: private::Site = ..; &__BREAKER_SITE },
//                 move || -> Result<u64, E> { .. },
//                 __classifier,
//             )
//         }
pub(crate) fn expand(spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let AnnotatedFn { attributes, visibility, signature, inner_attributes, .. } = annotated;
    let runtime = &spec.runtime;
    let private = &Repeated::new(quote!(#runtime::__private));
    let call = match &spec.fallback {
        _ if spec.may_replace_result(annotated) => fallback_after_body(private, spec, annotated),
        Some(fallback) => with_fallback(private, spec, annotated, fallback),
        None => without_fallback(private, spec, annotated),
    };
    let call = annotated.boxed.as_ref().map_or(call.clone(), |boxed| boxed.wrap(&call));
    let body = braces(annotated, &quote!(#inner_attributes #call));
    quote!(#(#attributes)* #visibility #signature #body)
}

/// Puts the tokens into braces with the span of the user's braces, so that the function spans the same
/// source.
fn braces(annotated: &AnnotatedFn, inside: &TokenStream) -> TokenStream {
    let mut braces = Group::new(Delimiter::Brace, inside.clone());
    braces.set_span(annotated.body.span());
    TokenTree::Group(braces).into()
}

// Input:  #[circuit_breaker(key = sku)] fn price(sku: &str) -> Result<u64, E> { .. }
// Output: let __circuit = ..;
//         let __classifier = ..;
//         private::run(&__circuit, .., __classifier)
fn without_fallback(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let AdmissionTokens { circuit, acquire } = site::admission_source(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let call = run(private, spec, annotated, &acquire);
    let call = end_borrows(annotated, &circuit, call);
    quote!(#circuit #classifier #call)
}

// Input:  #[circuit_breaker(fallback = cached)] fn price(sku: &str) -> u64 { .. }
// Output: let __classifier = ..;
//         match private::Acquire::acquire(..) {
//             private::Ok(__admission) => private::run_admitted(..),
//             private::Err(__rejected) => {
//                 let __value: u64 = ..;
//                 __classifier.record_fallback(__rejected, __value)
//             }
//         }
fn with_fallback(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
) -> TokenStream {
    let AdmissionTokens { circuit, acquire } = site::admission(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let call = run_admitted(private, spec, annotated);
    let fallback = fallback::arm(private, spec, annotated, fallback);
    let call = quote_spanned! {Span::mixed_site()=>
        match #acquire {
            #private::Ok(__admission) => #call,
            #fallback
        }
    };
    let call = end_borrows(annotated, &circuit, call);
    quote!(#circuit #classifier #call)
}

// Input:  private::run_async(&__circuit, ..).await
// Output: let __output = private::run_async(&__circuit, ..).await;
//         __output
//
// In edition 2021 a future that borrows `__circuit` would outlive it at the end of the block.
fn end_borrows(annotated: &AnnotatedFn, circuit: &TokenStream, call: TokenStream) -> TokenStream {
    if circuit.is_empty() || !annotated.is_async() {
        return call;
    }
    quote_spanned!(Span::mixed_site()=> let __output = #call; __output)
}

// Input:  #[circuit_breaker(fallback = cached, fallback_on = failure)] fn price(order: Order) -> u64 { .. }
// Output: let __clone_of_order = private::clone_for_fallback(&order);
//         let __classifier = ..;
//         let __result = match private::Acquire::acquire(..) {
//             private::Ok(__admission) => private::run_admitted_or_fallback(..),
//             private::Err(__rejected) => private::Err(private::NoResult::Rejected(__rejected)),
//         };
//         match __result {
//             private::Ok(__output) => __output,
//             private::Err(ref __no_result) => {
//                 let order = __clone_of_order;
//                 ..;
//                 __classifier.record_fallback(__circuit_ref, __value)
//             }
//         }
fn fallback_after_body(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let AdmissionTokens { circuit, acquire } = site::admission(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let clones = fallback::clone_arguments(private, spec);
    let call = run_admitted(private, spec, annotated);
    let rejected = match spec.fallback_on {
        FallbackOn::Rejected => quote_spanned!(Span::mixed_site()=> __rejected),
        FallbackOn::Failure => {
            quote_spanned!(Span::mixed_site()=> #private::NoResult::Rejected(__rejected))
        }
    };
    let fallback = match &spec.fallback {
        Some(fallback) => fallback::arm(private, spec, annotated, fallback),
        None => fallback::arm_without_fallback(private, annotated),
    };
    quote_spanned! {Span::mixed_site()=>
        #circuit
        #clones
        #classifier
        let __result = match #acquire {
            #private::Ok(__admission) => #call,
            #private::Err(__rejected) => #private::Err(#rejected),
        };
        match __result {
            #private::Ok(__output) => __output,
            #fallback
        }
    }
}

// Input:  &__circuit, fn price(sku: &str) -> Result<u64, E> { .. }
// Output: private::run(&__circuit, move || .., __classifier)
//
// The call has the span of the return type, where rustc reports a type that cannot represent a rejection.
fn run(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn, acquire: &TokenStream) -> TokenStream {
    let conditions = classifier::conditions(private, spec);
    let function = match (annotated.is_async(), &conditions) {
        (false, None) => RuntimeFn::Run,
        (false, Some(_)) => RuntimeFn::RunWithConditions,
        (true, None) => RuntimeFn::RunAsync,
        (true, Some(_)) => RuntimeFn::RunAsyncWithConditions,
    };
    call_with_body(private, annotated, function, annotated.output_span(), acquire, conditions)
}

// Input:  fn price(sku: &str) -> Result<u64, E> { .. }
// Output: private::run_admitted(__admission, move || .., __classifier)
//
// Input:  async fn price(sku: &str) -> Result<u64, E> { .. }, failure_if = is_down
// Output: private::run_admitted_async_with_conditions(
//             __admission,
//             async move { .. },
//             __classifier,
//             |__output, __classifier| ..
//         ).await
fn run_admitted(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let conditions = classifier::conditions(private, spec);
    let function = match (spec.fallback_on, annotated.is_async(), &conditions) {
        (FallbackOn::Failure, false, _) => RuntimeFn::RunAdmittedOrFallback,
        (FallbackOn::Failure, true, _) => RuntimeFn::RunAdmittedAsyncOrFallback,
        (FallbackOn::Rejected, true, _) if spec.may_time_out() => RuntimeFn::RunAdmittedAsyncWithTimeout,
        (FallbackOn::Rejected, false, None) => RuntimeFn::RunAdmitted,
        (FallbackOn::Rejected, false, Some(_)) => RuntimeFn::RunAdmittedWithConditions,
        (FallbackOn::Rejected, true, None) => RuntimeFn::RunAdmittedAsync,
        (FallbackOn::Rejected, true, Some(_)) => RuntimeFn::RunAdmittedAsyncWithConditions,
    };
    let conditions = match (function, conditions) {
        (RuntimeFn::RunAdmitted | RuntimeFn::RunAdmittedAsync, None) => None,
        (_, None) => Some(quote!(#private::verdict_on)),
        (_, conditions) => conditions,
    };
    let admission = quote_spanned!(Span::mixed_site()=> __admission);
    call_with_body(private, annotated, function, Span::mixed_site(), &admission, conditions)
}

// Input:  Run, .., &__BREAKER_SITE, fn price(sku: &str) -> Result<u64, E> { .. }
// Output: private::run(&__BREAKER_SITE, move || .., __classifier)
fn call_with_body(
    private: &Repeated,
    annotated: &AnnotatedFn,
    function: RuntimeFn,
    span: Span,
    source: &TokenStream,
    conditions: Option<TokenStream>,
) -> TokenStream {
    let body = if annotated.is_async() { async_body(private, annotated) } else { sync_body(annotated) };
    let classifier = quote_spanned!(Span::mixed_site()=> __classifier);
    let conditions = conditions.map(|conditions| quote!(, #conditions));
    let call = function.call(private, span, &quote!(#source, #body, #classifier #conditions));
    if annotated.is_async() { quote_spanned!(at(span)=> #call.await) } else { call }
}

// Input:  fn price(sku: &str) -> Result<u64, E> { .. }
// Output: move || -> Result<u64, E> { .. }
fn sync_body(annotated: &AnnotatedFn) -> TokenStream {
    let body = &annotated.body;
    let output = &annotated.nameable_output;
    quote_spanned!(body.span()=> move || -> #output #body)
}

// Input:  async fn price(sku: &str) -> Result<u64, E> { .. }
// Output: async move {
//             if false { return private::fix_output_type::<Result<u64, E>>(); }
//             match () { () => { .. } }
//         }
fn async_body(private: &Repeated, annotated: &AnnotatedFn) -> TokenStream {
    let body = &annotated.body;
    let output_type = (!annotated.never_returns()).then(|| {
        let output = &annotated.nameable_output;
        quote_spanned!(Span::mixed_site()=> if false { return #private::fix_output_type::<#output>(); })
    });
    quote_spanned!(body.span()=> async move { #output_type match () { () => #body } })
}

/// Returns a span with the hygiene of the macro and the location of the user's tokens.
fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}
