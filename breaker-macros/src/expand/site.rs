//! The static of an annotated function, and the admission of its calls.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::at;
use super::keys::{checked_keys, key_text};
use super::last_good;
use super::runtime_fn::RuntimeFn;
use super::settings::{SettingsTokens, settings};
use crate::check::{Breaker, BreakerAccess, BreakerName, Fallback, Spec};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

/// Default maximum number of circuits of one keyed function.
const DEFAULT_KEYS: u32 = 1024;

/// The owner of the circuit that admits a call.
pub(super) struct Owner {
    /// The statements that bind `__circuit` and `__last_good`. It is empty if the function has one circuit of its own
    /// and another fallback.
    pub(super) circuit: TokenStream,
    /// An expression that implements `Acquire`.
    pub(super) reference: TokenStream,
}

// Input:  name = "payment"
// Output: (nothing) and { static __BREAKER_SITE: private::Site = ..; &__BREAKER_SITE }
//
// Input:  name = "payment", key = tenant
// Output: let __circuit = private::KeyedSite::circuit({ .. }, &private::KeyValue(&(tenant)).__breaker_key());
//         and &__circuit
pub(super) fn owner(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> Owner {
    let owner = circuit_owner(private, spec, annotated);
    let Some(Fallback::LastGood(last_good)) = &spec.fallback else {
        return owner;
    };
    let Owner { circuit, reference } = owner;
    let binding = last_good::binding(private, last_good, spec.key.as_ref(), annotated, &reference);
    Owner { circuit: quote!(#circuit #binding), reference: quote_spanned!(Span::mixed_site()=> &__last_good) }
}

fn circuit_owner(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> Owner {
    let reference = quote_spanned!(Span::mixed_site()=> &__circuit);
    if let Some(breaker) = &spec.breaker {
        return Owner { circuit: handle(private, breaker), reference };
    }
    let Some(key) = &spec.key else {
        let kind = quote_spanned!(Span::mixed_site()=> Site);
        let reference = site_reference(private, spec, annotated, &kind);
        return Owner { circuit: TokenStream::new(), reference };
    };
    let kind = quote_spanned!(Span::mixed_site()=> KeyedSite);
    let site = site_reference(private, spec, annotated, &kind);
    let key = key_text(private, key);
    let circuit = quote_spanned! {Span::mixed_site()=>
        let __circuit = #private::KeyedSite::circuit(#site, &#key);
    };
    Owner { circuit, reference }
}

// Input:  breaker = self.breaker
// Output: let __circuit = private::by_ref(&(self.breaker));
fn handle(private: &Repeated, breaker: &Breaker) -> TokenStream {
    let value = &breaker.value;
    let function = match breaker.access {
        BreakerAccess::ByRef => RuntimeFn::ByRef,
        BreakerAccess::ByClone => RuntimeFn::ByClone,
    };
    let span = value.span();
    let handle = function.call(private, span, &quote_spanned!(at(span)=> &(#value)));
    quote_spanned!(Span::mixed_site()=> let __circuit = #handle;)
}

// Input:  Site
// Output: { static __BREAKER_SITE: private::Site = ..; private::declare!(..); &__BREAKER_SITE }
//
// Input:  Site, failure_threshold = LIMIT
// Output: { static __BREAKER_SETTINGS: ..; static __BREAKER_SITE: ..; .. }
//
// Input:  Site, registry = self.registry
// Output: private::Site::declared_in({ .. }, || private::registry(&(self.registry)))
fn site_reference(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    kind: &TokenStream,
) -> TokenStream {
    let SettingsTokens { checked_static, configure } = settings(private, spec, annotated);
    let site = site(private, spec, annotated, kind, &configure);
    let in_own_registry = spec.registry.as_ref().map(|_| quote!(.in_own_registry()));
    let reference = quote_spanned! {Span::mixed_site()=>
        {
            #checked_static
            static __BREAKER_SITE: #private::#kind = #site #in_own_registry;
            #private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        }
    };
    let Some(value) = &spec.registry else {
        return reference;
    };
    let span = value.span();
    let registry = RuntimeFn::Registry.call(private, span, &quote_spanned!(at(span)=> &(#value)));
    quote_spanned!(Span::mixed_site()=> #private::#kind::declared_in(#reference, || #registry))
}

// Input:  name = "payment", failure_threshold = 5, key = tenant
// Output: private::KeyedSite::named(
//             "payment",
//             private::concat!(..),
//             || private::DEFAULTS.failure_threshold(5),
//             private::checked_keys(1024)
//         )
fn site(
    private: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
    kind: &TokenStream,
    configure: &TokenStream,
) -> TokenStream {
    let max_keys = spec.key.as_ref().map(|_| {
        let max_keys = checked_keys(private, spec.max_keys.as_ref(), DEFAULT_KEYS);
        quote!(, #max_keys)
    });
    let function = format!("::{}", annotated.signature.ident.unraw());
    let path = quote!(#private::concat!(#private::module_path!(), #function));
    let Some(name) = &spec.name else {
        return quote!(#private::#kind::unnamed(#path, #configure #max_keys));
    };
    let name = match name {
        BreakerName::Literal(name) => name.to_token_stream(),
        BreakerName::Const(name) => {
            RuntimeFn::CheckedName.call(private, name.span(), &name.to_token_stream())
        }
    };
    quote!(#private::#kind::named(#name, #path, #configure #max_keys))
}
