//! What a call gives that may not go through, that takes too long, or that fails.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprClosure, ExprPath, Macro, Path, ReturnType, Stmt};

use super::{at, call_at};
use crate::check::{Fallback, FallbackOn, Plan};
use crate::target::{Binding, Target};

// Input:  fallback = cached, fallback = |error| .., or none
// Output: p::Err(__rejected) => ..,
pub(super) fn arm(p: &TokenStream, plan: &Plan, target: &Target) -> TokenStream {
    let answer = plan.fallback.as_ref().map(|fallback| answer(p, plan, target, fallback));
    let value = answer.unwrap_or_else(|| reject(p, target));
    quote_spanned!(Span::mixed_site()=> #p::Err(__rejected) => #value,)
}

// Input:  cached, for a function that returns Result<u64, E>
// Output: {
//             let __answer: Result<u64, E> = cached(sku);
//             p::Rejected::got(__rejected, &__answer, &__judge);
//             __answer
//         }
//
// Its type is said so that a fallback that gives another one is told so, and not that two arms differ.
fn answer(p: &TokenStream, plan: &Plan, target: &Target, fallback: &Fallback) -> TokenStream {
    let given_back = give_back(plan);
    let value = match fallback {
        Fallback::Path { path, arguments } => resolve(p, target, path.span(), call_path(path, arguments)),
        Fallback::Closure(closure) if is_plain(closure) => call_closure(p, plan, closure),
        Fallback::Closure(closure) => resolve(p, target, closure.body.span(), call_closure(p, plan, closure)),
    };
    if target.never_returns() {
        return quote_spanned!(Span::mixed_site()=> { #given_back #value });
    }
    let output = target.nameable_output();
    match plan.fallback_on {
        FallbackOn::Rejected => quote_spanned! {Span::mixed_site()=> {
            #given_back
            let __answer: #output = #value;
            #p::Rejected::got(__rejected, &__answer, &__judge);
            __answer
        }},
        // What failed goes to the fallback.
        FallbackOn::Failure => quote_spanned! {Span::mixed_site()=> {
            #given_back
            let __asking = #p::Unserved::asking(&__rejected);
            let __answer: #output = #value;
            #p::Asking::got(__asking, &__answer, &__judge);
            __answer
        }},
    }
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

/// Whether one sees that it gives the value, and no future of it, or never returns. The compiler finds that out
/// as well, but it takes its time, and of what never returns it does not know which type it has.
fn is_plain(closure: &ExprClosure) -> bool {
    closure.asyncness.is_none() && matches!(closure.output, ReturnType::Default) && is_value(&closure.body)
}

fn is_value(body: &Expr) -> bool {
    match body {
        Expr::Lit(_) | Expr::Tuple(_) => true,
        Expr::Macro(one) => is_panic(&one.mac),
        Expr::Path(path) => is_one_of(&path.path, &["None"]),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Path(path) if is_one_of(&path.path, &["Ok", "Err", "Some"]))
        }
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Macro(last)) => is_panic(&last.mac),
            Some(Stmt::Expr(last, _)) => is_value(last),
            Some(Stmt::Local(_) | Stmt::Item(_)) | None => false,
        },
        _ => false,
    }
}

fn is_panic(one: &Macro) -> bool {
    is_one_of(&one.path, &["panic", "todo", "unimplemented", "unreachable"])
}

fn is_one_of(path: &Path, names: &[&str]) -> bool {
    path.segments.last().is_some_and(|last| names.iter().any(|name| last.ident == name))
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
