//! The static of an annotated function, and the question whether a call may go through.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::{at, call_at, settings};
use crate::check::{Breaker, Holding, Name, Plan, Value};
use crate::repeated::Repeated;
use crate::target::Target;

/// How many circuits the keys of one function may have if nobody says how many.
const DEFAULT_KEYS: u32 = 1024;

// Input:  name = "payment"
// Output: (nothing), { static __BREAKER_SITE: p::Site = ..; &__BREAKER_SITE }
//
// Input:  name = "payment", key = tenant, max_wait = "1s", async
// Output: let __circuit = p::KeyedSite::circuit({ .. }, &p::Key(&(tenant)).__breaker_key());,
//         p::KeyedCircuit::acquire_waiting(&__circuit).await
//
// The second is what is asked whether a call may go through; or the answer, where the call waits for it.
pub(super) fn asked(p: &Repeated, plan: &Plan, target: &Target) -> (TokenStream, TokenStream) {
    let (circuit, site, kind) = if let Some(breaker) = &plan.breaker {
        (given(p, breaker), quote_spanned!(Span::mixed_site()=> &__circuit), "Given")
    } else if let Some(key) = &plan.key {
        let (site, key) = (reference(p, plan, target, "KeyedSite"), text(p, key));
        let circuit =
            quote_spanned!(Span::mixed_site()=> let __circuit = #p::KeyedSite::circuit(#site, #key););
        (circuit, quote_spanned!(Span::mixed_site()=> &__circuit), "KeyedCircuit")
    } else {
        (TokenStream::new(), reference(p, plan, target, "Site"), "Site")
    };
    if !(target.is_async() && plan.may_wait()) {
        return (circuit, site);
    }
    let kind = Ident::new(kind, Span::mixed_site());
    (circuit, quote_spanned!(Span::mixed_site()=> #p::#kind::acquire_waiting(#site).await))
}

// Input:  name = "payment"
// Output: (nothing), p::Acquire::acquire({ static __BREAKER_SITE: p::Site = ..; &__BREAKER_SITE })
pub(super) fn acquired(p: &Repeated, plan: &Plan, target: &Target) -> (TokenStream, TokenStream) {
    let (circuit, asked) = asked(p, plan, target);
    let acquired = if !target.is_async() {
        quote_spanned!(Span::mixed_site()=> #p::Acquire::acquire(#asked))
    } else if plan.may_wait() {
        asked
    } else {
        quote_spanned!(Span::mixed_site()=> #p::AcquireNow::acquire_now(#asked))
    };
    (circuit, acquired)
}

// Input:  breaker = self.breaker
// Output: let __circuit = p::borrowed(&(self.breaker));
fn given(p: &Repeated, breaker: &Breaker) -> TokenStream {
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
fn text(p: &Repeated, key: &Expr) -> TokenStream {
    let place = at(key.span());
    let wrapped = call_at(key.span(), p, "Key", &quote_spanned!(place=> &(#key)));
    quote_spanned!(place=> &#wrapped.__breaker_key())
}

// Input:  Site
// Output: { static __BREAKER_SITE: p::Site = ..; p::declare!(..); &__BREAKER_SITE }
//
// Input:  Site, failure_threshold = LIMIT
// Output: { static __BREAKER_SETTINGS: p::ConfigBuilder = ..; static __BREAKER_SITE: p::Site = ..; .. }
//
// Input:  Site, registry = self.registry
// Output: p::Site::declared_in({ .. }, || p::registry(&(self.registry)))
fn reference(p: &Repeated, plan: &Plan, target: &Target, kind: &str) -> TokenStream {
    let kind = Ident::new(kind, Span::mixed_site());
    let (checked, configure) = settings::written(p, plan, target);
    let site = site(p, plan, target, &kind, &configure);
    let in_own_registry = plan.registry.as_ref().map(|_| quote!(.in_own_registry()));
    let reference = quote_spanned! {Span::mixed_site()=>
        {
            #checked
            static __BREAKER_SITE: #p::#kind = #site #in_own_registry;
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
// Output: p::KeyedSite::named("payment", p::concat!(..), || p::SETTINGS.failure_threshold(5), p::checked_keys(1024))
fn site(p: &Repeated, plan: &Plan, target: &Target, kind: &Ident, configure: &TokenStream) -> TokenStream {
    let most = plan.key.as_ref().map(|_| max_keys(p, plan.max_keys.as_ref()));
    let function = format!("::{}", target.signature.ident.unraw());
    let path = quote!(#p::concat!(#p::module_path!(), #function));
    let Some(name) = &plan.name else {
        return quote!(#p::#kind::unnamed(#path, #configure #most));
    };
    let name = match name {
        Name::Literal(name) => name.to_token_stream(),
        Name::Const(name) => call_at(name.span(), p, "checked_name", &name.to_token_stream()),
    };
    quote!(#p::#kind::named(#name, #path, #configure #most))
}

// Input:  max_keys = LIMIT
// Output: , p::checked_keys(LIMIT)
fn max_keys(p: &Repeated, given: Option<&Value>) -> TokenStream {
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
