//! Tokens out. Each emitter says what it is given and what it writes; `p` stands for the path of
//! `breaker_runtime::__private`. Everything that can live in the runtime does.
//!
//! | file | |
//! |---|---|
//! | `site.rs` | the static, and the question whether a call may go through |
//! | `settings.rs` | what the attribute sets |
//! | `classify.rs` | what a result counts as, and what it says |
//! | `refuse.rs` | what a call gives that may not go through, takes too long, or fails |
//! | `plain.rs` | closures that give a value, as one sees |
//!
//! Why these forms:
//! * without a fallback one call, and no match: to look at what was asked is the runtime's work;
//! * with one, two arms of a match, not two closures: each arm may move the arguments;
//! * a second match where something may have to give the result after the body: there it stands once;
//! * the sync body in a closure that a function takes as `FnOnce`: a returned `&mut` may leave it;
//! * the async body as `async move`, its type pinned in a scope of its own, so that `?`, literals and
//!   coercions work as in the function itself, and the user's `use` cannot change what the type means;
//! * the body as one group in the user's own braces, in `match () { () => .. }` where a block around
//!   it would be unused braces;
//! * the key in a statement of its own: what it locked or borrowed is free again before the body runs;
//! * the key and the clones before the circuit is asked: they are the user's code and may panic, and from
//!   the admission to its guard there must be no code but ours;
//! * names that no user has: an item is not hygienic, nor is a pattern beside a static of its name;
//! * braces, closure and `async` at the user's place: lints leave alone what they take for a macro's;
//! * tokens that carry a bound are spanned at what the user wrote, so that rustc points there.

mod classify;
mod plain;
mod refuse;
mod settings;
mod site;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use crate::check::{Fallback, FallbackOn, Spec};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

// Input:  #[circuit_breaker(name = "payment")] fn price(sku: &str) -> Result<u64, E> { .. }
// Output: fn price(sku: &str) -> Result<u64, E> {
//             let __classifier = p::returned::<Result<u64, E>>().__breaker_classifier();
//             p::protect(
//                 { static __BREAKER_SITE: p::Site = ..; &__BREAKER_SITE },
//                 move || -> Result<u64, E> { .. },
//                 __classifier,
//             )
//         }
pub(crate) fn expand(spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let AnnotatedFn { attributes, visibility, signature, inner_attributes, .. } = annotated;
    let runtime = &spec.runtime;
    let p = &Repeated::new(quote!(#runtime::__private));
    let guarded = match &spec.fallback {
        _ if spec.may_replace_result(annotated) => late(p, spec, annotated),
        Some(fallback) => early(p, spec, annotated, fallback),
        None => without_fallback(p, spec, annotated),
    };
    let guarded = annotated.boxed.as_ref().map_or(guarded.clone(), |boxed| boxed.wrap(&guarded));
    let body = braces(annotated, &quote!(#inner_attributes #guarded));
    quote!(#(#attributes)* #visibility #signature #body)
}

/// Where the user's own are: from the first word to the last brace, the function is the user's.
fn braces(annotated: &AnnotatedFn, inside: &TokenStream) -> TokenStream {
    let mut braces = Group::new(Delimiter::Brace, inside.clone());
    braces.set_span(annotated.body.span());
    TokenTree::Group(braces).into()
}

// Input:  #[circuit_breaker(key = sku)] fn price(sku: &str) -> Result<u64, E> { .. }
// Output: let __circuit = ..;
//         let __classifier = ..;
//         p::protect(&__circuit, .., __classifier)
fn without_fallback(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let (circuit, asked) = site::asked(p, spec, annotated);
    let classifier = classify::classifier(p, annotated);
    // At the return type rustc says so if that cannot be a rejection.
    let call = call(p, spec, annotated, ("protect", annotated.output_span()), &asked);
    let call = ended(annotated, &circuit, call);
    quote!(#circuit #classifier #call)
}

// Input:  #[circuit_breaker(fallback = cached)] fn price(sku: &str) -> u64 { .. }
// Output: let __classifier = ..;
//         match p::Acquire::acquire(..) {
//             p::Ok(__admission) => p::call(..),
//             p::Err(__rejected) => { let __answer: u64 = ..; __classifier.answered(__rejected, __answer) }
//         }
fn early(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn, fallback: &Fallback) -> TokenStream {
    let (circuit, acquired) = site::acquired(p, spec, annotated);
    let classifier = classify::classifier(p, annotated);
    let call = call_admitted(p, spec, annotated);
    let refused = refuse::arm(p, spec, annotated, fallback);
    let call = quote_spanned! {Span::mixed_site()=>
        match #acquired {
            #p::Ok(__admission) => #call,
            #refused
        }
    };
    let call = ended(annotated, &circuit, call);
    quote!(#circuit #classifier #call)
}

// Input:  p::protect_async(&__circuit, ..).await
// Output: let __out = p::protect_async(&__circuit, ..).await;
//         __out
//
// In edition 2021 a future that borrows the circuit would outlive it at the end of the block.
fn ended(annotated: &AnnotatedFn, circuit: &TokenStream, call: TokenStream) -> TokenStream {
    if circuit.is_empty() || !annotated.is_async() {
        return call;
    }
    quote_spanned!(Span::mixed_site()=> let __out = #call; __out)
}

// Input:  #[circuit_breaker(fallback = cached, fallback_on = failure)] fn price(order: Order) -> u64 { .. }
// Output: let __again_order = p::again(&order);
//         let __classifier = ..;
//         let __ended = match p::Acquire::acquire(..) {
//             p::Ok(__admission) => p::call_or_fail(..),
//             p::Err(__rejected) => p::Err(p::Unserved::Rejected(__rejected)),
//         };
//         match __ended {
//             p::Ok(__out) => __out,
//             p::Err(ref __rejected) => { let order = __again_order; ..; __classifier.answered(__asking, __answer) }
//         }
fn late(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let (circuit, acquired) = site::acquired(p, spec, annotated);
    let classifier = classify::classifier(p, annotated);
    let kept = refuse::keep(p, spec);
    let call = call_admitted(p, spec, annotated);
    let rejected = match spec.fallback_on {
        FallbackOn::Rejected => quote_spanned!(Span::mixed_site()=> __rejected),
        FallbackOn::Failure => quote_spanned!(Span::mixed_site()=> #p::Unserved::Rejected(__rejected)),
    };
    let refused = match &spec.fallback {
        Some(fallback) => refuse::arm(p, spec, annotated, fallback),
        None => refuse::without_fallback(p, annotated),
    };
    quote_spanned! {Span::mixed_site()=>
        #circuit
        #kept
        #classifier
        let __ended = match #acquired {
            #p::Ok(__admission) => #call,
            #p::Err(__rejected) => #p::Err(#rejected),
        };
        match __ended {
            #p::Ok(__out) => __out,
            #refused
        }
    }
}

// Input:  fn price(sku: &str) -> Result<u64, E> { .. }
// Output: p::call(__admission, move || .., __classifier)
fn call_admitted(p: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let admission = quote_spanned!(Span::mixed_site()=> __admission);
    call(p, spec, annotated, ("call", Span::mixed_site()), &admission)
}

// Input:  protect, .., fn price(sku: &str) -> Result<u64, E> { .. }
// Output: p::protect(.., move || .., __classifier)
//
// Input:  call, __admission, async fn price(sku: &str) -> Result<u64, E> { .. }, failure_if = is_down
// Output: p::call_async_asking(__admission, async move { .. }, __classifier, |__out, __classifier| ..).await
//
// The short forms spare the compiler a closure.
fn call(
    p: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    (verb, place): (&str, Span),
    given: &TokenStream,
) -> TokenStream {
    let tells_failures = spec.fallback_on == FallbackOn::Failure;
    let (short, long) = match (annotated.is_async(), tells_failures) {
        (false, false) => (Some(""), "_asking"),
        (false, true) => (None, "_or_fail"),
        (true, false) if spec.may_time_out() => (None, "_async_within"),
        (true, false) => (Some("_async"), "_async_asking"),
        (true, true) => (None, "_async_or_fail"),
    };
    let classifier = quote_spanned!(Span::mixed_site()=> __classifier);
    let (form, classifier) = match (short, classify::asked(p, spec)) {
        (Some(short), None) => (short, classifier),
        (_, Some(asked)) => (long, quote!(#classifier, #asked)),
        (None, None) => (long, quote!(#classifier, #p::judged)),
    };
    let (body, awaited) = if annotated.is_async() {
        (async_body(p, annotated), Some(quote_spanned!(at(place)=> .await)))
    } else {
        (sync_body(annotated), None)
    };
    let call = call_at(place, p, &format!("{verb}{form}"), &quote!(#given, #body, #classifier));
    quote!(#call #awaited)
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
//             if false { return p::pin::<Result<u64, E>>(); }
//             match () { () => { .. } }
//         }
fn async_body(p: &Repeated, annotated: &AnnotatedFn) -> TokenStream {
    let body = &annotated.body;
    let pin = (!annotated.never_returns()).then(|| {
        let output = &annotated.nameable_output;
        quote_spanned!(Span::mixed_site()=> if false { return #p::pin::<#output>(); })
    });
    quote_spanned!(body.span()=> async move { #pin match () { () => #body } })
}

// Input:  the place of `cached`, resolve, (cached(sku))
// Output: p::resolve(cached(sku)), where the compiler looks for it at `cached`
fn call_at(place: Span, p: &Repeated, function: &str, arguments: &TokenStream) -> TokenStream {
    generic_call_at(place, p, function, None, arguments)
}

// Input:  .., fallback_or_fail, ::<_, Option<u64>>, ..
// Output: p::fallback_or_fail::<_, Option<u64>>(..)
fn generic_call_at(
    place: Span,
    p: &Repeated,
    function: &str,
    types: Option<&TokenStream>,
    arguments: &TokenStream,
) -> TokenStream {
    let (p, function) = (p.at(place), Ident::new(function, at(place)));
    quote_spanned!(at(place)=> #p::#function #types (#arguments))
}

/// Our names, at the user's place.
fn at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
