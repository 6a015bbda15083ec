//! What a rejected call gives instead, and which of the function's arguments that needs.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprPath};

use super::mentions::mentions;
use super::values::{found, ungrouped};
use super::{Fallback, FallbackOn, Plan};
use crate::target::{Binding, Reuse, Target, argument_name, bound, reuse};

/// A path, or a closure that takes the error.
pub(super) fn read(value: Expr) -> Result<Fallback, Error> {
    match ungrouped(value) {
        Expr::Path(path) => Ok(Fallback::Path { path, arguments: Vec::new() }),
        Expr::Closure(mut closure) if closure.inputs.len() == 1 => {
            // What it borrowed, the future of an async function would have to keep.
            closure.capture.get_or_insert_with(Default::default);
            Ok(Fallback::Closure(closure))
        }
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            "a fallback closure takes one parameter, the error; \
             the function's arguments are in scope: `fallback = |error| ..`",
        )),
        other => Err(Error::new(
            other.span(),
            "a fallback is the path of a function with the same arguments, `fallback = cached`, \
             or a closure, `fallback = |error| ..`",
        )),
    }
}

/// One of two words.
pub(super) fn read_on(value: Expr) -> Result<FallbackOn, Error> {
    let value = ungrouped(value);
    let word = match &value {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    };
    match word.as_deref() {
        Some("rejected") => Ok(FallbackOn::Rejected),
        Some("failure") => Ok(FallbackOn::Failure),
        _ => Err(Error::new(
            value.span(),
            format!(
                "`fallback_on` must be `rejected`, after a call that the breaker ended, or `failure`, also \
                 after one that failed; found {}",
                found(&value)
            ),
        )),
    }
}

/// Checks the fallback against the function.
pub(super) fn check(plan: &mut Plan, target: &Target, errors: &mut Vec<Error>) {
    match &mut plan.fallback {
        Some(Fallback::Path { path, arguments }) => *arguments = forwarded(path, target, errors),
        // After another error the fallback may be there and only misspelt.
        None if errors.is_empty() => errors.extend(needs_fallback(target)),
        Some(Fallback::Closure(_)) | None => {}
    }
    if plan.may_end_late(target) {
        plan.again = again(plan, target, errors);
    }
}

/// The names under which a path fallback is handed the arguments.
fn forwarded(path: &ExprPath, target: &Target, errors: &mut Vec<Error>) -> Vec<Ident> {
    let mut names = Vec::new();
    for input in &target.signature.inputs {
        match argument_name(input) {
            Some(mut name) => {
                name.set_span(name.span().located_at(path.span()));
                names.push(name);
            }
            None => errors.push(Error::new(
                input.span(),
                "the fallback cannot be handed an argument that has no name or depends on `cfg`; \
                 give it a name, or write the fallback as a closure: `fallback = |error| ..`",
            )),
        }
    }
    names
}

/// What a fallback that runs after the body has to be given clones of.
fn again(plan: &Plan, target: &Target, errors: &mut Vec<Error>) -> Vec<Binding> {
    let Some(fallback) = &plan.fallback else {
        return Vec::new();
    };
    let mut clones = Vec::new();
    for input in &target.signature.inputs {
        match reuse(input) {
            Reuse::Cloned(bindings) => {
                clones.extend(bindings.into_iter().filter(|binding| fallback.needs(&binding.name)));
            }
            Reuse::Gone(name) if fallback.needs(&name) => errors.push(is_gone(&name)),
            Reuse::Stays | Reuse::Gone(_) => {}
        }
    }
    clones
}

fn is_gone(name: &Ident) -> Error {
    let instead = if name == "self" { "make it `&self`" } else { "take it by `&` or by value" };
    Error::new(
        name.span(),
        format!(
            "the fallback may run after the body, which takes `{name}`, and it needs `{name}` too; \
             {instead}, or write a fallback that does without: `fallback = |error| ..`"
        ),
    )
}

impl Fallback {
    fn needs(&self, name: &Ident) -> bool {
        match self {
            Self::Path { .. } => true,
            Self::Closure(closure) => {
                let is_hidden = closure.inputs.iter().flat_map(bound).any(|inner| inner.ident == *name);
                !is_hidden && mentions(closure.body.to_token_stream(), name)
            }
        }
    }
}

fn needs_fallback(target: &Target) -> Option<Error> {
    target.output().is_none().then(|| {
        Error::new(
            target.signature.ident.span(),
            "a function that returns nothing cannot say that its call was rejected; \
             add a fallback, `fallback = |error| ..`, or return a `Result`",
        )
    })
}
