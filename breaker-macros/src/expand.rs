//! The expansion of a checked function to tokens. It contains no rules: its input is valid.
//!
//! | file | contents |
//! |---|---|
//! | `site.rs` | the static of the function, and the admission of a call |
//! | `settings.rs` | the settings of the attribute |
//! | `classifier.rs` | the classifier and the conditions |
//! | `keys.rs` | the text of a key, and the maximum number of keys |
//! | `last_good.rs` | the values of earlier calls as a fallback |
//! | `fallback.rs` | the output of a call that is rejected, times out or fails |
//! | `stream.rs` | the stream that a function with `settle = stream` returns |
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
//! * An async call may be rejected after its body has received the arguments, because it has waited or has
//!   timed out. The block `'__unserved` returns the output from the function. Otherwise its value is the
//!   rejection with the arguments, or with clones of them that only such calls make. So the fallback is
//!   written once.
//! * The block does not await before it moves the arguments, or every future would store them twice. Only
//!   with `max_wait` and a fallback that uses arguments the call waits first, so that they need not be
//!   `Clone`.
//! * With `fallback_on = failure`, the arguments are cloned first, and one `match` on the result contains the
//!   fallback.
//! * A sync body is a closure that the runtime takes as `FnOnce`, so the body can return a `&mut`.
//! * An async body is an `async move` block. A separate scope fixes its output type, so that `?`, literals
//!   and coercions work as in the function, and a `use` in the body cannot change the meaning of the type.
//! * An async body is an arm of `match () { () => .. }`, because a block inside the `async` block would
//!   trigger `unused_braces`.
//! * The key is evaluated in its own statement, so its locks and borrows end before the body runs.
//! * The key is evaluated before the admission. It is code of the user and may panic. No such code may run
//!   between the admission and its guard.
//! * The names start with `__`, because items are not hygienic, and a pattern that has the name of a static
//!   would refer to that static.
//! * Braces, closures and `async` have the span of the tokens of the user, because lints skip code from
//!   macros.
//! * Calls with a trait bound have the span of the tokens of the user that the error is about.

mod classifier;
mod fallback;
mod keys;
mod last_good;
mod runtime_fn;
mod settings;
mod site;
mod stream;
mod value_closure;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use self::runtime_fn::RuntimeFn;
use self::site::Owner;
use crate::check::{Cloning, Fallback, FallbackOn, Settle, Spec};
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
        None => without_fallback(private, spec, annotated),
        Some(fallback) if spec.fallback_on == FallbackOn::Failure => {
            with_fallback_on_failure(private, spec, annotated, fallback)
        }
        Some(fallback) if annotated.is_async() => with_async_fallback(private, spec, annotated, fallback),
        Some(fallback) => with_fallback(private, spec, annotated, fallback),
    };
    let call = match spec.settle {
        Settle::Return => call,
        Settle::Stream => stream::guard(private, spec, annotated, &call),
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
    let Owner { circuit, reference } = site::owner(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let functions = if annotated.is_async() { RUN_ASYNC } else { RUN };
    // rustc reports a type that cannot represent a rejection at the name of the function.
    let span = annotated.output_span();
    let call = run(private, spec, annotated, functions, span, &reference);
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
    let Owner { circuit, reference } = site::owner(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let admission = quote_spanned!(Span::mixed_site()=> __admission);
    let call = run(private, spec, annotated, RUN_ADMITTED, Span::mixed_site(), &admission);
    let fallback = fallback::arm(private, spec, annotated, fallback);
    quote_spanned! {Span::mixed_site()=>
        #circuit
        #classifier
        match #private::Acquire::acquire(#reference) {
            #private::Ok(__admission) => #call,
            #fallback
        }
    }
}

// Input:  #[circuit_breaker(fallback = |_| 0)] async fn price(sku: String) -> u64 { .. }
// Output: let __classifier = ..;
//         let __rejected = match private::try_run_async(.., async move { .. }, __classifier).await {
//             private::Ok(__output) => return __output,
//             private::Err(__rejected) => __rejected,
//         };
//         __classifier.run_fallback(__rejected, move |_| 0)
//
// Input:  #[circuit_breaker(fallback = cached)] async fn price(sku: String) -> u64 { .. }
// Output: let __classifier = ..;
//         let (__rejected, (__clone_0,)) = '__unserved: {
//             let (__saved, (__argument_0,)) = match private::save_arguments(..) { .. };
//             let sku = __argument_0;
//             match private::run_saved_async(__saved, async move { .. }, __classifier).await {
//                 private::Ok(__output) => return __output,
//                 private::Err(__unserved) => __unserved,
//             }
//         };
//         let sku = __clone_0;
//         ..
//
// A future keeps the storage of a variable that is borrowed in it, or of which only a part is moved. So the
// arguments are moved through a function that clones them if necessary, and each variable is moved as a whole
// before the call is awaited.
fn with_async_fallback(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
) -> TokenStream {
    let Owner { circuit, reference } = site::owner(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let fallback = fallback::output(private, spec, annotated, fallback);
    let leave = stream::leave_call(spec);
    if spec.clones.is_empty() && spec.cloning != Cloning::Impossible {
        let call = run(private, spec, annotated, TRY_RUN_ASYNC, Span::mixed_site(), &reference);
        return quote_spanned! {Span::mixed_site()=>
            #circuit
            #classifier
            let __rejected = match #call {
                #private::Ok(__output) => #leave __output,
                #private::Err(__rejected) => __rejected,
            };
            #fallback
        };
    }
    let start = if spec.may_wait() {
        quote_spanned!(Span::mixed_site()=> #private::Acquire::start_after_wait(#reference).await)
    } else {
        quote_spanned!(Span::mixed_site()=> #private::Acquire::start(#reference))
    };
    let saved = fallback::save_arguments(private, spec, annotated, &start);
    let call = quote_spanned!(Span::mixed_site()=> __saved);
    let call = run(private, spec, annotated, RUN_SAVED_ASYNC, Span::mixed_site(), &call);
    let unserved = match spec.cloning {
        Cloning::Required | Cloning::IfPossible => quote_spanned!(Span::mixed_site()=> __unserved),
        Cloning::Impossible => quote_spanned!(Span::mixed_site()=> #private::never_unserved(__unserved)),
    };
    let rejected = fallback::rejected_with_clones(spec);
    quote_spanned! {Span::mixed_site()=>
        #circuit
        #classifier
        let #rejected = '__unserved: {
            #saved
            match #call {
                #private::Ok(__output) => #leave __output,
                #private::Err(__unserved) => #unserved,
            }
        };
        #fallback
    }
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
// Output: let __clone_0 = private::clone_for_fallback(&order);
//         let __classifier = ..;
//         let __result = private::run_or_fallback(.., move || .., __classifier, private::verdict_on);
//         match __result {
//             private::Ok(__output) => __output,
//             private::Err(ref __no_result) => {
//                 let order = __clone_0;
//                 ..;
//                 __classifier.record_fallback(__circuit_ref, __value)
//             }
//         }
fn with_fallback_on_failure(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    fallback: &Fallback,
) -> TokenStream {
    let Owner { circuit, reference } = site::owner(private, spec, annotated);
    let classifier = classifier::classifier(private, annotated);
    let clones = fallback::clone_arguments(private, spec);
    let functions = if annotated.is_async() { RUN_ASYNC_OR_FALLBACK } else { RUN_OR_FALLBACK };
    let call = run(private, spec, annotated, functions, Span::mixed_site(), &reference);
    if let Some(output) = fallback::call_and_output(private, spec, annotated, fallback, &call) {
        return quote!(#circuit #clones #classifier #output);
    }
    let fallback = fallback::arm(private, spec, annotated, fallback);
    quote_spanned! {Span::mixed_site()=>
        #circuit
        #clones
        #classifier
        let __result = #call;
        match __result {
            #private::Ok(__output) => __output,
            #fallback
        }
    }
}

/// The functions of the runtime for one form of the expansion.
struct Functions {
    /// `None` if the function takes conditions in any case.
    plain: Option<RuntimeFn>,
    with_conditions: RuntimeFn,
}

const RUN: Functions =
    Functions { plain: Some(RuntimeFn::Run), with_conditions: RuntimeFn::RunWithConditions };
const RUN_ASYNC: Functions =
    Functions { plain: Some(RuntimeFn::RunAsync), with_conditions: RuntimeFn::RunAsyncWithConditions };
const RUN_ADMITTED: Functions =
    Functions { plain: Some(RuntimeFn::RunAdmitted), with_conditions: RuntimeFn::RunAdmittedWithConditions };
const TRY_RUN_ASYNC: Functions =
    Functions { plain: Some(RuntimeFn::TryRunAsync), with_conditions: RuntimeFn::TryRunAsyncWithConditions };
const RUN_SAVED_ASYNC: Functions = Functions {
    plain: Some(RuntimeFn::RunSavedAsync),
    with_conditions: RuntimeFn::RunSavedAsyncWithConditions,
};
const RUN_OR_FALLBACK: Functions = Functions { plain: None, with_conditions: RuntimeFn::RunOrFallback };
const RUN_ASYNC_OR_FALLBACK: Functions =
    Functions { plain: None, with_conditions: RuntimeFn::RunAsyncOrFallback };

// Input:  RUN, &__BREAKER_SITE, fn price(sku: &str) -> Result<u64, E> { .. }
// Output: private::run(&__BREAKER_SITE, move || .., __classifier)
//
// Input:  RUN_SAVED_ASYNC, __saved, async fn price(sku: &str) -> Result<u64, E> { .. }, failure_if = is_down
// Output: private::run_saved_async_with_conditions(
//             __saved,
//             async move { .. },
//             __classifier,
//             |__output, __classifier| ..
//         ).await
fn run(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    functions: Functions,
    span: Span,
    source: &TokenStream,
) -> TokenStream {
    let body = if annotated.is_async() { async_body(private, annotated) } else { sync_body(annotated) };
    let (function, conditions) = match (functions, classifier::conditions(private, spec, annotated)) {
        (Functions { plain: Some(plain), .. }, None) => (plain, None),
        (Functions { with_conditions, .. }, conditions) => {
            (with_conditions, Some(conditions.unwrap_or_else(|| quote!(#private::verdict_on))))
        }
    };
    let classifier = classifier::describing_classifier(private, spec, annotated);
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
