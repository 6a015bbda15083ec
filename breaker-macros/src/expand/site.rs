//! The static of an annotated function, its settings, and the question whether a call may go through.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::{at, call_at, path_at};
use crate::check::{Name, Plan, Setting, Value};
use crate::target::Target;

/// How many circuits the keys of one function may have if nobody says how many.
const MOST_KEYS: u32 = 1024;

// Input:  name = "payment"
// Output: (nothing), p::Site::acquire({ static __BREAKER_SITE: p::Site = ..; &__BREAKER_SITE })
//
// Input:  name = "payment", key = tenant, max_wait = "1s", async
// Output: let __acquired = p::KeyedSite::acquire_waiting({ .. }, p::Key(&(tenant)).__breaker_key()).await;,
//         __acquired
pub(super) fn acquire(p: &TokenStream, plan: &Plan, target: &Target) -> (TokenStream, TokenStream) {
    let kind = Ident::new(if plan.key.is_some() { "KeyedSite" } else { "Site" }, Span::mixed_site());
    let (function, awaited) = match (target.is_async(), plan.may_wait()) {
        (false, _) => ("acquire", None),
        (true, false) => ("acquire_now", None),
        (true, true) => ("acquire_waiting", Some(quote_spanned!(Span::mixed_site()=> .await))),
    };
    let function = Ident::new(function, Span::mixed_site());
    let site = site(p, plan, target, &kind);
    let key = plan.key.as_ref().map(|key| {
        let p = path_at(key.span(), p);
        quote_spanned!(at(key.span())=> , #p::Key(&(#key)).__breaker_key())
    });
    let acquire = quote_spanned! {Span::mixed_site()=>
        #p::#kind::#function({ static __BREAKER_SITE: #p::#kind = #site; &__BREAKER_SITE } #key) #awaited
    };
    if key.is_none() {
        return (TokenStream::new(), acquire);
    }
    (
        quote_spanned!(Span::mixed_site()=> let __acquired = #acquire;),
        quote_spanned!(Span::mixed_site()=> __acquired),
    )
}

// Input:  name = "payment", failure_threshold = 5, key = tenant
// Output: p::KeyedSite::named("payment", p::settings().failure_threshold(5), 1024)
fn site(p: &TokenStream, plan: &Plan, target: &Target, kind: &Ident) -> TokenStream {
    let settings =
        plan.settings.iter().fold(quote!(#p::settings()), |before, next| setting(p, &before, next));
    let most = plan.key.as_ref().map(|_| max_keys(p, plan.max_keys.as_ref()));
    let Some(name) = &plan.name else {
        let function = format!("::{}", target.signature.ident.unraw());
        return quote!(#p::#kind::unnamed(#p::concat!(#p::module_path!(), #function), #settings #most));
    };
    let name = match name {
        Name::Literal(name) => name.to_token_stream(),
        Name::Const(name) => call_at(name.span(), p, "checked_name", &name.to_token_stream()),
    };
    quote!(#p::#kind::named(#name, #settings #most))
}

// Input:  p::settings(), failure_threshold = LIMIT
// Output: p::checked(p::settings().failure_threshold(LIMIT))
fn setting(p: &TokenStream, before: &TokenStream, setting: &Setting) -> TokenStream {
    let method = &setting.method;
    match &setting.value {
        Value::Literal(literal) => quote!(#before.#method(#literal)),
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            quote!(#before.#method(#p::Duration::new(#seconds, #nanos)))
        }
        Value::Mode(mode) => quote!(#before.#method(#p::Mode::#mode)),
        Value::Const(value) => call_at(value.span(), p, "checked", &quote!(#before.#method(#value))),
        Value::Window(value) => {
            let window = call_at(value.span(), p, "Window", &value.to_token_stream());
            let set = Ident::new("set", at(value.span()));
            call_at(value.span(), p, "checked", &quote!(#window.#set(#before)))
        }
    }
}

// Input:  max_keys = LIMIT
// Output: , p::checked_keys(LIMIT)
fn max_keys(p: &TokenStream, given: Option<&Value>) -> TokenStream {
    let most = match given {
        Some(Value::Literal(literal)) => literal.to_token_stream(),
        Some(Value::Const(value)) => call_at(value.span(), p, "checked_keys", &value.to_token_stream()),
        Some(Value::Duration(_) | Value::Mode(_) | Value::Window(_)) | None => {
            Literal::u32_unsuffixed(MOST_KEYS).to_token_stream()
        }
    };
    quote!(, #most)
}
