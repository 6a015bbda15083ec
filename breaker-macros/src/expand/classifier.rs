//! The classifier of the output, and the conditions `failure_if` and `ignore_if`, which take precedence over
//! it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::last_good;
use super::runtime_fn::RuntimeFn;
use super::stream;
use crate::check::{Condition, Fallback, Settle, Spec};
use crate::function::{AnnotatedFn, error_has_lifetime, for_all_lifetimes};
use crate::repeated::Repeated;

// Input:  -> Result<u64, E>
// Output: let __classifier = private::classifier_for::<Result<u64, E>>().__breaker_classifier();
//
// Input:  -> impl Iterator<Item = u8>
// Output: let __classifier = private::any_value();
//
// Input:  -> Result<u64, Fault<'a>>
// Output: let __classifier = private::classifier_for_all::<dyn for<..> .., Result<u64, Fault<'_>>>()
//             .__breaker_classifier();
//
// Input:  -> Result<u64, impl Error>
// Output: let __classifier = private::classifier_for_hidden_error::<Result<u64, _>>().__breaker_classifier();
pub(super) fn classifier(private: &Repeated, annotated: &AnnotatedFn) -> TokenStream {
    let output = &annotated.nameable_output;
    let classifier = if annotated.never_returns() || annotated.returns_impl_trait() {
        quote_spanned!(Span::mixed_site()=> any_value())
    } else if annotated.returns_impl_error() {
        quote_spanned!(Span::mixed_site()=> classifier_for_hidden_error::<#output>().__breaker_classifier())
    } else if let Some(for_all) = output_for_all_lifetimes(private, annotated) {
        quote_spanned!(Span::mixed_site()=> classifier_for_all::<#for_all, #output>().__breaker_classifier())
    } else {
        quote_spanned!(Span::mixed_site()=> classifier_for::<#output>().__breaker_classifier())
    };
    quote_spanned!(Span::mixed_site()=> let __classifier = #private::#classifier;)
}

fn output_for_all_lifetimes(private: &Repeated, annotated: &AnnotatedFn) -> Option<TokenStream> {
    let output = annotated.output().filter(|output| error_has_lifetime(output))?;
    for_all_lifetimes(output.to_token_stream(), &annotated.signature.generics, private)
}

// Input:  (nothing)
// Output: __classifier
//
// Input:  retry_after = hint, -> Result<u64, E>
// Output: private::with_retry_after::<Result<u64, E>, _, _>(__classifier, hint)
//
// Input:  settle = stream
// Output: private::settle_later(__classifier, &__kept)
//
// With the type, the compiler knows the parameter of a closure before it sees the body.
pub(super) fn describing_classifier(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let classifier = with_retry_after(private, spec, annotated);
    match spec.settle {
        Settle::Return => classifier,
        Settle::Stream => stream::settle_later(private, &classifier),
    }
}

fn with_retry_after(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> TokenStream {
    let classifier = quote_spanned!(Span::mixed_site()=> __classifier);
    let Some(hint) = &spec.retry_after else {
        return classifier;
    };
    let output = &annotated.nameable_output;
    let types = (!annotated.never_returns()).then(|| quote!(::<#output, _, _>));
    let arguments = quote!(#classifier, #hint);
    RuntimeFn::WithRetryAfter.call_generic(private, hint.span(), types.as_ref(), &arguments)
}

// Input:  failure_if(Err(Fault::Down)), ignore_if = is_ours
// Output: |__output, __classifier| if private::evaluate(__output, is_ours) {
//             private::Verdict::Ignored
//         } else if match __output { Err(Fault::Down) => true, _ => false } {
//             private::Verdict::Failure
//         } else {
//             __classifier.unmatched(__output)
//         }
//
// Input:  fallback = last_good(max_age = "5m")
// Output: |__output, __classifier| (&__last_good).observe(__output, private::verdict_on(__output, __classifier))
pub(super) fn conditions(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> Option<TokenStream> {
    let verdict = match (verdict(private, spec), &spec.fallback) {
        (verdict, Some(Fallback::LastGood(_))) => {
            let verdict = verdict.unwrap_or_else(|| verdict_on(private));
            last_good::observed(annotated, &verdict)
        }
        (verdict, Some(Fallback::Path { .. } | Fallback::Closure(_)) | None) => verdict?,
    };
    Some(quote_spanned!(Span::mixed_site()=> |__output, __classifier| #verdict))
}

fn verdict(private: &Repeated, spec: &Spec) -> Option<TokenStream> {
    let outcome = match (&spec.failure_if, &spec.ignore_if) {
        (None, None) => return None,
        (None, Some(_)) => {
            let verdict = verdict_on(private);
            quote_spanned!(Span::mixed_site()=> { #verdict })
        }
        (Some(condition), _) => {
            let matches = matches(private, condition);
            quote_spanned! {Span::mixed_site()=>
                if #matches { #private::Verdict::Failure } else { __classifier.unmatched(__output) }
            }
        }
    };
    let ignored = spec.ignore_if.as_ref().map(|condition| {
        let matches = matches(private, condition);
        quote_spanned!(Span::mixed_site()=> if #matches { #private::Verdict::Ignored } else)
    });
    Some(quote_spanned!(Span::mixed_site()=> #ignored #outcome))
}

fn verdict_on(private: &Repeated) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #private::verdict_on(__output, __classifier))
}

// Input:  (Err(fault) if fault.is_grave())
// Output: match __output { Err(fault) if fault.is_grave() => true, _ => false }
//
// Input:  = is_bad
// Output: private::evaluate(__output, is_bad)
fn matches(private: &Repeated, condition: &Condition) -> TokenStream {
    match condition {
        Condition::Pattern { pattern, guard } => {
            let guard = guard.iter().map(|guard| quote!(if #guard));
            quote_spanned!(Span::mixed_site()=> match __output { #pattern #(#guard)* => true, _ => false })
        }
        Condition::Predicate(predicate) => {
            let output = quote_spanned!(Span::mixed_site()=> __output);
            RuntimeFn::Evaluate.call(private, predicate.span(), &quote!(#output, #predicate))
        }
    }
}
