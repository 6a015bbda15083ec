//! The static of an annotated function, its settings, and the question whether a call may go through.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::{at, call_at};
use crate::check::{Breaker, Holding, Name, Plan, Setting, Value};
use crate::target::Target;

/// How many circuits the keys of one function may have if nobody says how many.
const DEFAULT_KEYS: u32 = 1024;

// Input:  name = "payment"
// Output: (nothing), p::Site::acquire({ static __BREAKER_SITE: p::Site = ..; &__BREAKER_SITE })
//
// Input:  name = "payment", key = tenant, max_wait = "1s", async
// Output: let __circuit = p::KeyedSite::circuit({ .. }, &p::Key(&(tenant)).__breaker_key());,
//         p::KeyedCircuit::acquire_waiting(&__circuit).await
pub(super) fn acquire(p: &TokenStream, plan: &Plan, target: &Target) -> (TokenStream, TokenStream) {
    let (function, awaited) = match (target.is_async(), plan.may_wait()) {
        (false, _) => ("acquire", None),
        (true, false) => ("acquire_now", None),
        (true, true) => ("acquire_waiting", Some(quote_spanned!(Span::mixed_site()=> .await))),
    };
    let function = Ident::new(function, Span::mixed_site());
    if let Some(breaker) = &plan.breaker {
        let circuit = given(p, breaker);
        return (circuit, quote_spanned!(Span::mixed_site()=> #p::Given::#function(&__circuit) #awaited));
    }
    let Some(key) = &plan.key else {
        let site = reference(p, plan, target, "Site");
        return (
            TokenStream::new(),
            quote_spanned!(Span::mixed_site()=> #p::Site::#function(#site) #awaited),
        );
    };
    let site = reference(p, plan, target, "KeyedSite");
    let key = text(p, key);
    (
        quote_spanned!(Span::mixed_site()=> let __circuit = #p::KeyedSite::circuit(#site, #key);),
        quote_spanned!(Span::mixed_site()=> #p::KeyedCircuit::#function(&__circuit) #awaited),
    )
}

// Input:  breaker = self.breaker
// Output: let __circuit = p::borrowed(&(self.breaker));
fn given(p: &TokenStream, breaker: &Breaker) -> TokenStream {
    let value = &breaker.value;
    let function = match breaker.holding {
        Holding::Borrowed => "borrowed",
        Holding::Cloned => "cloned",
    };
    let place = at(value.span());
    let given = call_at(value.span(), p, function, &quote_spanned!(place=> &(#value)));
    quote_spanned!(Span::mixed_site()=> let __circuit = #given;)
}

// Input:  key = tenant
// Output: &p::Key(&(tenant)).__breaker_key()
fn text(p: &TokenStream, key: &Expr) -> TokenStream {
    let place = at(key.span());
    let wrapped = call_at(key.span(), p, "Key", &quote_spanned!(place=> &(#key)));
    quote_spanned!(place=> &#wrapped.__breaker_key())
}

// Input:  Site
// Output: { static __BREAKER_SITE: p::Site = ..; p::declare!(..); &__BREAKER_SITE }
//
// Input:  Site, registry = self.registry
// Output: p::Site::declared_in({ .. }, || p::registry(&(self.registry)))
fn reference(p: &TokenStream, plan: &Plan, target: &Target, kind: &str) -> TokenStream {
    let kind = Ident::new(kind, Span::mixed_site());
    let site = site(p, plan, target, &kind);
    let elsewhere = plan.registry.as_ref().map(|_| quote!(.elsewhere()));
    let reference = quote_spanned! {Span::mixed_site()=>
        {
            static __BREAKER_SITE: #p::#kind = #site #elsewhere;
            #p::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        }
    };
    let Some(value) = &plan.registry else {
        return reference;
    };
    let registry = call_at(value.span(), p, "registry", &quote_spanned!(at(value.span())=> &(#value)));
    quote_spanned!(Span::mixed_site()=> #p::#kind::declared_in(#reference, || #registry))
}

// Input:  name = "payment", failure_threshold = 5, key = tenant
// Output: p::KeyedSite::named("payment", p::concat!(..), p::SETTINGS.failure_threshold(5), p::checked_keys(1024))
fn site(p: &TokenStream, plan: &Plan, target: &Target, kind: &Ident) -> TokenStream {
    let settings = plan.settings.iter().fold(quote!(#p::SETTINGS), |before, next| {
        let settings = setting(p, &before, next);
        if target.is_async() { waiting(p, settings, next) } else { settings }
    });
    let settings = together(p, plan, settings);
    let most = plan.key.as_ref().map(|_| max_keys(p, plan.max_keys.as_ref()));
    let function = format!("::{}", target.signature.ident.unraw());
    let path = quote!(#p::concat!(#p::module_path!(), #function));
    let Some(name) = &plan.name else {
        return quote!(#p::#kind::unnamed(#path, #settings #most));
    };
    let name = match name {
        Name::Literal(name) => name.to_token_stream(),
        Name::Const(name) => call_at(name.span(), p, "checked_name", &name.to_token_stream()),
    };
    quote!(#p::#kind::named(#name, #path, #settings #most))
}

// Input:  p::SETTINGS, failure_threshold = LIMIT
// Output: p::checked(p::SETTINGS.failure_threshold(LIMIT))
fn setting(p: &TokenStream, before: &TokenStream, setting: &Setting) -> TokenStream {
    let method = &setting.method;
    match &setting.value {
        Value::Literal(literal) => quote!(#before.#method(#literal)),
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            let next = quote!(#before.#method(#p::Duration::new(#seconds, #nanos)));
            // A time limit needs more than to be right: a feature of the runtime.
            if method == "call_timeout" { call_at(method.span(), p, "checked", &next) } else { next }
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

// Input:  p::SETTINGS.max_wait(LIMIT), max_wait = LIMIT, in an async function
// Output: p::checked_waiting(p::SETTINGS.max_wait(LIMIT))
//
// Only async code needs a feature to wait, and the builder does not know for whom it builds. Nobody
// needs one for `"0s"`.
fn waiting(p: &TokenStream, settings: TokenStream, setting: &Setting) -> TokenStream {
    let Setting { method, value } = setting;
    let never_waits = matches!(value, Value::Duration(Duration::ZERO));
    if method != "max_wait" || never_waits {
        return settings;
    }
    call_at(method.span(), p, "checked_waiting", &settings)
}

// Input:  p::SETTINGS.., minimum_calls = LIMIT, window = 100
// Output: p::checked_rules(p::SETTINGS..)
//
// Literals were compared already. What is wrong with a const beside another setting, the compiler shows at
// the key that must change.
fn together(p: &TokenStream, plan: &Plan, settings: TokenStream) -> TokenStream {
    const PAIRS: [(&str, &[&str], &str); 3] = [
        ("minimum_calls", &["window", "window_calls"], "checked_rules"),
        ("failure_threshold", &["window", "window_calls"], "checked_rules"),
        ("max_recovery_timeout", &["recovery_timeout"], "checked_recovery"),
    ];
    let find = |name| plan.settings.iter().find(|setting| setting.method == name);
    PAIRS.into_iter().fold(settings, |settings, (name, others, function)| {
        let Some(setting) = find(name) else {
            return settings;
        };
        let mut all = others.iter().filter_map(|other| find(*other)).chain([setting]);
        let is_known = all.all(|setting| !matches!(setting.value, Value::Const(_) | Value::Window(_)));
        if is_known { settings } else { call_at(setting.method.span(), p, function, &settings) }
    })
}

// Input:  max_keys = LIMIT
// Output: , p::checked_keys(LIMIT)
fn max_keys(p: &TokenStream, given: Option<&Value>) -> TokenStream {
    let most = match given {
        Some(Value::Literal(literal)) => quote!(#p::checked_keys(#literal)),
        Some(Value::Const(value)) => call_at(value.span(), p, "checked_keys", &value.to_token_stream()),
        Some(Value::Duration(_) | Value::Mode(_) | Value::Window(_)) | None => {
            let most = Literal::u32_unsuffixed(DEFAULT_KEYS);
            quote!(#p::checked_keys(#most))
        }
    };
    quote!(, #most)
}
