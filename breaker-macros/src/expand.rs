//! Tokens out. Each emitter says what it is given and what it writes; `p` stands for the path of
//! `breaker_runtime::__private`. Everything that can live in the runtime does.
//!
//! Why these forms:
//! * two arms of a match, not two closures: each arm may move the arguments;
//! * the sync body in a closure that a function takes as `FnOnce`: a returned `&mut` may leave it;
//! * the async body as `async move`, its type pinned in a scope of its own, so that `?`, literals and
//!   coercions work as in the function itself, and the user's `use` cannot change what the type means;
//! * the body as one group in the user's own braces, in `match () { () => .. }` where a block around
//!   it would be unused braces;
//! * names that no user has: an item is not hygienic, nor is a pattern beside a static of its name;
//! * tokens that carry a bound are spanned at what the user wrote, so that rustc points there.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{ExprClosure, ExprPath, ReturnType};

use crate::check::{Fallback, Name, Plan, Setting, Value};
use crate::target::Target;

// Input:  #[circuit_breaker(name = "payment")] fn price(sku: &str) -> Result<u64, E> { .. }
// Output: fn price(sku: &str) -> Result<u64, E> {
//             match p::Site::acquire({ static __BREAKER_SITE: p::Site = ..; &__BREAKER_SITE }) {
//                 p::Ok(__admission) => ..,
//                 p::Err(__rejected) => ..,
//             }
//         }
pub(crate) fn expand(plan: &Plan, target: &Target) -> TokenStream {
    let Target { attributes, visibility, signature, inner_attributes, .. } = target;
    let runtime = &plan.runtime;
    let p = &quote!(#runtime::__private);
    let site = site(p, plan, target);
    let acquire = Ident::new(if target.is_async() { "acquire_now" } else { "acquire" }, Span::mixed_site());
    let call = call(p, target);
    let refuse = refuse(p, plan, target);
    quote_spanned! {Span::mixed_site()=>
        #(#attributes)*
        #visibility #signature {
            #inner_attributes
            match #p::Site::#acquire({ static __BREAKER_SITE: #p::Site = #site; &__BREAKER_SITE }) {
                #p::Ok(__admission) => #call,
                #refuse
            }
        }
    }
}

// Input:  name = "payment", failure_threshold = 5
// Output: p::Site::named("payment", p::settings().failure_threshold(5))
fn site(p: &TokenStream, plan: &Plan, target: &Target) -> TokenStream {
    let settings =
        plan.settings.iter().fold(quote!(#p::settings()), |before, next| setting(p, &before, next));
    let Some(name) = &plan.name else {
        let function = format!("::{}", target.signature.ident.unraw());
        return quote!(#p::Site::unnamed(#p::concat!(#p::module_path!(), #function), #settings));
    };
    let name = match name {
        Name::Literal(name) => name.to_token_stream(),
        Name::Const(name) => call_at(name.span(), p, "checked_name", &name.to_token_stream()),
    };
    quote!(#p::Site::named(#name, #settings))
}

// Input:  p::settings(), failure_threshold = LIMIT
// Output: p::checked(p::settings().failure_threshold(LIMIT))
fn setting(p: &TokenStream, before: &TokenStream, setting: &Setting) -> TokenStream {
    let key = &setting.key;
    match &setting.value {
        Value::Count(number) => quote!(#before.#key(#number)),
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            quote!(#before.#key(#p::Duration::new(#seconds, #nanos)))
        }
        Value::Const(value) => call_at(value.span(), p, "checked", &quote!(#before.#key(#value))),
    }
}

fn call(p: &TokenStream, target: &Target) -> TokenStream {
    if target.is_async() { call_async(p, target) } else { call_sync(p, target) }
}

// Input:  fn price(sku: &str) -> Result<u64, E> { .. }
// Output: p::call(__admission, move || -> Result<u64, E> { .. }, |__out| p::Output(__out).__breaker_outcome())
fn call_sync(p: &TokenStream, target: &Target) -> TokenStream {
    let body = &target.body;
    let output = target.nameable_output().map(|output| quote!(-> #output));
    let classify = classify(p, target);
    let text = text(p, target);
    quote_spanned!(Span::mixed_site()=> #p::call(__admission, move || #output #body, #classify, #text))
}

// Input:  async fn price(sku: &str) -> Result<u64, E> { .. }
// Output: p::call_async(__admission, async move { ..; match () { () => { .. } } }, |__out| ..).await
fn call_async(p: &TokenStream, target: &Target) -> TokenStream {
    let body = &target.body;
    let (classify, text) = (classify(p, target), text(p, target));
    let output = if target.never_returns() { None } else { target.nameable_output() };
    let pin = output.map(|output| {
        quote_spanned! {Span::mixed_site()=>
            if let #p::Some(__out) = #p::None::<#output> {
                return __out;
            }
        }
    });
    quote_spanned! {Span::mixed_site()=>
        #p::call_async(__admission, async move { #pin match () { () => #body } }, #classify, #text).await
    }
}

// Input:  -> Result<u64, E>
// Output: |__out| p::Output(__out).__breaker_outcome()
fn classify(p: &TokenStream, target: &Target) -> TokenStream {
    if target.never_returns() {
        return quote!(|_| #p::Outcome::Success);
    }
    quote_spanned!(Span::mixed_site()=> |__out| #p::Output(__out).__breaker_outcome())
}

// Input:  -> Result<u64, E>
// Output: |__out| p::Output(__out).__breaker_text()
fn text(p: &TokenStream, target: &Target) -> TokenStream {
    if target.never_returns() {
        return quote!(|_| #p::None);
    }
    quote_spanned!(Span::mixed_site()=> |__out| #p::Output(__out).__breaker_text())
}

// Input:  fallback = cached, fallback = |error| .., or none
// Output: the arm for a rejected call
fn refuse(p: &TokenStream, plan: &Plan, target: &Target) -> TokenStream {
    match &plan.fallback {
        Some(Fallback::Path { path, arguments }) => {
            let value = resolve(p, target, path.span(), call_path(path, arguments));
            quote_spanned!(Span::mixed_site()=> #p::Err(_) => #value,)
        }
        Some(Fallback::Closure(closure)) => {
            let value = resolve(p, target, closure.body.span(), call_closure(p, closure));
            quote_spanned!(Span::mixed_site()=> #p::Err(__rejected) => #value,)
        }
        None => reject(p, target),
    }
}

// Input:  cached, for the arguments (order: Order, note: &str)
// Output: cached(order, note)
fn call_path(path: &ExprPath, arguments: &[Ident]) -> TokenStream {
    quote_spanned!(at(path.span())=> #path(#(#arguments),*))
}

// Input:  |error| Ok(0)
// Output: p::fallback(__rejected, move |error| Ok(0))
fn call_closure(p: &TokenStream, closure: &ExprClosure) -> TokenStream {
    call_at(closure.body.span(), p, "fallback", &quote_spanned!(Span::mixed_site()=> __rejected, #closure))
}

// Input:  cached(sku), in an async function
// Output: p::resolve(cached(sku)).await
fn resolve(p: &TokenStream, target: &Target, span: Span, value: TokenStream) -> TokenStream {
    if !target.is_async() {
        return value;
    }
    let resolved = call_at(span, p, "resolve", &value);
    quote_spanned!(at(span)=> #resolved.await)
}

// Input:  -> Result<u64, E>
// Output: p::Err(__rejected) => p::reject(__rejected),
fn reject(p: &TokenStream, target: &Target) -> TokenStream {
    let span = match &target.signature.output {
        ReturnType::Default => target.signature.ident.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let reject = call_at(span, p, "reject", &quote_spanned!(Span::mixed_site()=> __rejected));
    quote_spanned!(Span::mixed_site()=> #p::Err(__rejected) => #reject,)
}

// Input:  the place of `cached`, resolve, (cached(sku))
// Output: p::resolve(cached(sku)), where the compiler looks for it at `cached`
fn call_at(place: Span, p: &TokenStream, function: &str, arguments: &TokenStream) -> TokenStream {
    let p = p.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    let function = Ident::new(function, at(place));
    quote_spanned!(at(place)=> #(#p)*::#function(#arguments))
}

/// Our names, at the user's place.
fn at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
