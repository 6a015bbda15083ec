//! What a result counts as, and what it says when it opens the circuit.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::call_at;
use crate::check::{Condition, Spec};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

// Input:  -> Result<u64, E>
// Output: let __classifier = p::returned::<Result<u64, E>>().__breaker_classifier();
//
// Input:  -> impl Iterator<Item = u8>
// Output: let __classifier = p::unknown();
//
// Input:  -> Result<u64, impl Error>
// Output: let __classifier = p::untold::<Result<u64, _>>().__breaker_classifier();
pub(super) fn classifier(p: &Repeated, annotated: &AnnotatedFn) -> TokenStream {
    if annotated.never_returns() || annotated.returns_impl_trait() {
        return quote_spanned!(Span::mixed_site()=> let __classifier = #p::unknown(););
    }
    let output = &annotated.nameable_output;
    let function =
        Ident::new(if annotated.returns_impl_error() { "untold" } else { "returned" }, Span::mixed_site());
    quote_spanned!(Span::mixed_site()=> let __classifier = #p::#function::<#output>().__breaker_classifier();)
}

// Input:  failure_if(Err(Fault::Down)), ignore_if = is_ours
// Output: |__out, __classifier| if p::ask(__out, is_ours) {
//             p::Outcome::Ignored
//         } else if match __out { Err(Fault::Down) => true, _ => false } {
//             p::Outcome::Failure
//         } else {
//             __classifier.unnamed(__out)
//         }
pub(super) fn asked(p: &Repeated, spec: &Spec) -> Option<TokenStream> {
    let outcome = match (&spec.failure_if, &spec.ignore_if) {
        (None, None) => return None,
        (None, Some(_)) => quote_spanned!(Span::mixed_site()=> { #p::judged(__out, __classifier) }),
        (Some(condition), _) => {
            let holds = holds(p, condition);
            quote_spanned! {Span::mixed_site()=>
                if #holds { #p::Outcome::Failure } else { __classifier.unnamed(__out) }
            }
        }
    };
    let ignored = spec.ignore_if.as_ref().map(|condition| {
        let holds = holds(p, condition);
        quote_spanned!(Span::mixed_site()=> if #holds { #p::Outcome::Ignored } else)
    });
    Some(quote_spanned!(Span::mixed_site()=> |__out, __classifier| #ignored #outcome))
}

// Input:  (Err(fault) if fault.is_grave())
// Output: match __out { Err(fault) if fault.is_grave() => true, _ => false }
//
// Input:  = is_bad
// Output: p::ask(__out, is_bad)
fn holds(p: &Repeated, condition: &Condition) -> TokenStream {
    match condition {
        Condition::Pattern { pattern, guard } => {
            let guard = guard.iter().map(|guard| quote!(if #guard));
            quote_spanned!(Span::mixed_site()=> match __out { #pattern #(#guard)* => true, _ => false })
        }
        Condition::Predicate(asked) => {
            let out = quote_spanned!(Span::mixed_site()=> __out);
            call_at(asked.span(), p, "ask", &quote!(#out, #asked)).to_token_stream()
        }
    }
}
