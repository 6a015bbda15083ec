//! What a call gives that may not go through, that takes too long, or that fails.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprClosure, ExprPath, Macro, ReturnType, Stmt};

use super::{at, call_at};
use crate::check::{Fallback, FallbackOn, Plan};
use crate::target::{Binding, Target};

// Input:  fallback = cached, fallback = |error| .., or none
// Output: p::Err(__rejected) => ..,
pub(super) fn arm(p: &TokenStream, plan: &Plan, target: &Target) -> TokenStream {
    let (pattern, value) = match &plan.fallback {
        Some(Fallback::Path { path, arguments }) => {
            (quote!(_), resolve(p, target, path.span(), call_path(path, arguments)))
        }
        // Neither the value nor a future of it, as far as the compiler knows: it takes the type that is wanted.
        Some(Fallback::Closure(closure)) if closure_never_returns(closure) => {
            (rejected(), call_closure(p, plan, closure))
        }
        Some(Fallback::Closure(closure)) => {
            (rejected(), resolve(p, target, closure.body.span(), call_closure(p, plan, closure)))
        }
        None => (rejected(), reject(p, target)),
    };
    let value = match give_back(plan) {
        Some(before) => quote_spanned!(Span::mixed_site()=> { #before #value }),
        None => value,
    };
    quote_spanned!(Span::mixed_site()=> #p::Err(#pattern) => #value,)
}

// Input:  order: Order, which the fallback needs
// Output: let __again_order = p::again(&order);
pub(super) fn keep(p: &TokenStream, plan: &Plan) -> TokenStream {
    let kept = plan.again.iter().map(|binding| {
        let Binding { name, conditions, .. } = binding;
        let borrowed = quote_spanned!(at(name.span())=> &#name);
        let (clone, again) = (clone_of(binding), call_at(name.span(), p, "again", &borrowed));
        quote_spanned!(Span::mixed_site()=> #conditions let #clone = #again;)
    });
    kept.collect()
}

// Input:  mut order: Order, which the fallback needs
// Output: let mut order = __again_order;
//         let _ = &mut order;
//
// It was found among the fallback's tokens, which need not mean that it is used there, or changed: the
// second line does both. An `allow` would be an error where the user forbids the lint.
fn give_back(plan: &Plan) -> Option<TokenStream> {
    let given_back = plan.again.iter().map(|binding| {
        let Binding { name, mutability, conditions } = binding;
        let clone = clone_of(binding);
        quote_spanned! {Span::mixed_site()=>
            #conditions let #mutability #name = #clone;
            #conditions let _ = &#mutability #name;
        }
    });
    (!plan.again.is_empty()).then(|| given_back.collect())
}

// Input:  order
// Output: __again_order
fn clone_of(binding: &Binding) -> Ident {
    format_ident!("__again_{}", binding.name.unraw(), span = Span::mixed_site())
}

// Input:  cached, for the arguments (order: Order, note: &str)
// Output: cached(order, note)
fn call_path(path: &ExprPath, arguments: &[Ident]) -> TokenStream {
    quote_spanned!(at(path.span())=> #path(#(#arguments),*))
}

// Input:  |error| Ok(0)
// Output: p::fallback(__rejected, move |error| Ok(0))
fn call_closure(p: &TokenStream, plan: &Plan, closure: &ExprClosure) -> TokenStream {
    let rejected = rejected();
    let function = match plan.fallback_on {
        FallbackOn::Rejected => "fallback",
        FallbackOn::Failure => "fallback_or_fail",
    };
    call_at(closure.body.span(), p, function, &quote!(#rejected, #closure))
}

/// Whether its type is open, and it ends in `panic!` or one of those that stand for it.
fn closure_never_returns(closure: &ExprClosure) -> bool {
    matches!(closure.output, ReturnType::Default) && never_returns(&closure.body)
}

fn never_returns(body: &Expr) -> bool {
    match body {
        Expr::Macro(one) => is_panic(&one.mac),
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Macro(last)) => is_panic(&last.mac),
            Some(Stmt::Expr(last, _)) => never_returns(last),
            Some(Stmt::Local(_) | Stmt::Item(_)) | None => false,
        },
        _ => false,
    }
}

fn is_panic(one: &Macro) -> bool {
    const NAMES: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];
    one.path.segments.last().is_some_and(|last| NAMES.iter().any(|name| last.ident == name))
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
// Output: p::reject(__rejected)
fn reject(p: &TokenStream, target: &Target) -> TokenStream {
    call_at(target.output_span(), p, "reject", &rejected())
}

fn rejected() -> TokenStream {
    quote_spanned!(Span::mixed_site()=> __rejected)
}
