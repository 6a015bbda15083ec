//! What a result counts as, and what it says when it opens the circuit.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::call_at;
use crate::check::{Condition, Plan};
use crate::target::Target;

// Input:  -> Result<u64, E>
// Output: |__out| p::Output(__out).__breaker_outcome(), |__out| p::Output(__out).__breaker_text()
pub(super) fn closures(p: &TokenStream, plan: &Plan, target: &Target) -> TokenStream {
    if target.never_returns() {
        return quote!(|_| #p::Outcome::Success, |_| #p::None);
    }
    let outcome = outcome(p, plan);
    quote_spanned!(Span::mixed_site()=> |__out| #outcome, |__out| #p::Output(__out).__breaker_text())
}

// Input:  failure_if(Err(Fault::Down)), ignore_if = is_ours
// Output: if p::ask(__out, is_ours) {
//             p::Outcome::Ignored
//         } else if match __out { Err(Fault::Down) => true, _ => false } {
//             p::Outcome::Failure
//         } else {
//             p::Output(__out).__breaker_outcome_unnamed()
//         }
fn outcome(p: &TokenStream, plan: &Plan) -> TokenStream {
    let outcome = match &plan.failure_if {
        None => quote_spanned!(Span::mixed_site()=> #p::Output(__out).__breaker_outcome()),
        Some(condition) => {
            let holds = holds(p, condition);
            quote_spanned! {Span::mixed_site()=>
                if #holds { #p::Outcome::Failure } else { #p::Output(__out).__breaker_outcome_unnamed() }
            }
        }
    };
    let Some(condition) = &plan.ignore_if else {
        return outcome;
    };
    let holds = holds(p, condition);
    // Without braces around another `if`: this reads as one chain.
    let outcome =
        if plan.failure_if.is_some() { outcome } else { quote_spanned!(Span::mixed_site()=> { #outcome }) };
    quote_spanned!(Span::mixed_site()=> if #holds { #p::Outcome::Ignored } else #outcome)
}

// Input:  (Err(fault) if fault.is_grave())
// Output: match __out { Err(fault) if fault.is_grave() => true, _ => false }
//
// Input:  = is_bad
// Output: p::ask(__out, is_bad)
fn holds(p: &TokenStream, condition: &Condition) -> TokenStream {
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
