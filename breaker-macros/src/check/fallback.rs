//! `fallback` and `fallback_on`, and the arguments that a fallback uses.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprClosure, ExprPath};

use super::captures::captures;
use super::expr::{source_text, ungrouped};
use super::last_good;
use super::spec::{Cloning, Fallback, FallbackOn, Spec};
use crate::function::{AnnotatedFn, Binding, NotForwarded, Reuse, bound_names, forwarded_name, reuse};

/// Reads a path, or a closure that takes the error.
pub(super) fn read(value: Expr) -> Result<Fallback, Error> {
    match ungrouped(value) {
        Expr::Path(path) => Ok(Fallback::Path { path, arguments: Vec::new() }),
        Expr::Closure(mut closure) if closure.inputs.len() == 1 => {
            // Without `move`, the future of an async function would borrow from itself.
            closure.capture.get_or_insert_with(Default::default);
            Ok(Fallback::Closure(closure))
        }
        Expr::Call(call) if last_good::is_last_good(&call) => {
            last_good::read(call).map(|last_good| Fallback::LastGood(Box::new(last_good)))
        }
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            "the closure of `fallback` must take one parameter, the error; it can use the arguments directly: \
             `fallback = |error| ..`",
        )),
        other => Err(Error::new(other.span(), not_a_fallback(&other))),
    }
}

fn not_a_fallback(value: &Expr) -> String {
    let text = source_text(value);
    let method = match value {
        Expr::Field(field) if is_self(&field.base) => Some(&field.member),
        _ => None,
    };
    match (method, value) {
        (Some(method), _) => {
            format!(
                "`fallback` must be a path, and `{text}` is a field; write `fallback = Self::{}`",
                method.to_token_stream()
            )
        }
        (None, Expr::MethodCall(call)) if is_self(&call.receiver) => format!(
            "`fallback` must be a path or a closure, and `{text}` is a call; write `fallback = Self::{method}`, which \
             gets the same arguments, or `fallback = |error| {text}`",
            method = call.method
        ),
        (None, Expr::Call(_) | Expr::MethodCall(_)) => format!(
            "`fallback` must be a path or a closure, and `{text}` is a call; write the path alone, which gets the same \
             arguments, or `fallback = |error| {text}`, if it uses the error or other arguments"
        ),
        (None, _) => format!(
            "`fallback` must be the path of a function with the same arguments, as in `fallback = cached`, or a \
             closure, as in `fallback = |error| ..`; found {text}"
        ),
    }
}

fn is_self(value: &Expr) -> bool {
    matches!(value, Expr::Path(path) if path.path.is_ident("self"))
}

/// Reads `rejected` or `failure`.
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
                "`fallback_on` must be `rejected`, or `failure` to include failed calls; found {}",
                source_text(&value)
            ),
        )),
    }
}

/// Checks the fallback against the function, and finds the arguments that it uses.
pub(super) fn check(spec: &mut Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    match &mut spec.fallback {
        Some(Fallback::Path { path, arguments }) => *arguments = forwarded(path, annotated, errors),
        // If there is another error, `fallback` may be present but misspelled.
        None if errors.is_empty() => errors.extend(missing_fallback(annotated)),
        Some(Fallback::Closure(_) | Fallback::LastGood(_)) | None => {}
    }
    if let Some(Fallback::LastGood(last_good)) = &spec.fallback {
        last_good::check(spec, last_good, annotated, errors);
    }
    if annotated.is_async() || spec.fallback_on == FallbackOn::Failure {
        choose_clones(spec, annotated, errors);
    }
}

/// Returns the arguments for the function that a path names.
fn forwarded(path: &ExprPath, annotated: &AnnotatedFn, errors: &mut Vec<Error>) -> Vec<Ident> {
    let mut names = Vec::new();
    for input in &annotated.signature.inputs {
        match forwarded_name(input) {
            Ok(mut name) => {
                name.set_span(name.span().located_at(path.span()));
                names.push(name);
            }
            Err(NotForwarded::Unnamed) => errors.push(Error::new(
                input.span(),
                "this argument cannot be passed to `fallback` because it has no name; name it, or write a \
                 closure: `fallback = |error| ..`",
            )),
            Err(NotForwarded::Conditional) => errors.push(Error::new(
                input.span(),
                "this argument cannot be passed to `fallback` because it depends on `cfg`; write a closure: \
                 `fallback = |error| ..`",
            )),
        }
    }
    names
}

/// Decides which arguments to clone for a fallback that may run after the body. Reports those that cannot be
/// cloned although a key of the attribute requires it.
fn choose_clones(spec: &mut Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    let Used { owned, mut copied, direct, impossible } = used(spec, annotated);
    let is_declared = spec.fallback_on == FallbackOn::Failure || spec.may_time_out();
    spec.cloning = match (is_declared, impossible.is_empty()) {
        (true, _) => Cloning::Required,
        (false, true) => Cloning::IfPossible,
        (false, false) => Cloning::Impossible,
    };
    spec.clones = owned;
    // The future of a call keeps one copied argument in at most the space of what is needed to save them.
    let is_small = spec.clones.is_empty() && copied.len() + direct <= 1;
    if spec.fallback_on == FallbackOn::Rejected && !is_small {
        spec.clones.append(&mut copied);
    }
    if is_declared {
        errors.extend(impossible.iter().map(moved_into_body));
    }
}

/// The arguments that a fallback uses, by the way in which it can use them after the body has received them.
#[derive(Default)]
struct Used {
    owned: Vec<Binding>,
    copied: Vec<Binding>,
    /// The number of those that are always used directly: `&self`.
    direct: usize,
    impossible: Vec<Ident>,
}

fn used(spec: &Spec, annotated: &AnnotatedFn) -> Used {
    let mut used = Used::default();
    let Some(fallback) = &spec.fallback else {
        return used;
    };
    for input in &annotated.signature.inputs {
        match reuse(input) {
            Reuse::Direct(name) if fallback.uses(&name) => used.direct += 1,
            Reuse::Copied(binding) if fallback.uses(&binding.name) => used.copied.push(binding),
            Reuse::ByClone(bindings) => {
                used.owned.extend(bindings.into_iter().filter(|binding| fallback.uses(&binding.name)));
            }
            Reuse::Impossible(name) if fallback.uses(&name) => used.impossible.push(name),
            Reuse::Direct(_) | Reuse::Copied(_) | Reuse::Impossible(_) => {}
        }
    }
    used
}

fn moved_into_body(name: &Ident) -> Error {
    let advice = if name == "self" { "take `&self`" } else { "take it by `&` or by value" };
    Error::new(
        name.span(),
        format!(
            "`fallback` uses `{name}` but may run after the body, which moves `{name}`; {advice}, or write a \
             closure that does not use it: `fallback = |error| ..`"
        ),
    )
}

impl Fallback {
    fn uses(&self, name: &Ident) -> bool {
        match self {
            Self::Path { .. } => true,
            Self::Closure(closure) => uses(closure, name),
            Self::LastGood(last_good) => match &last_good.on_stale {
                Some(Expr::Closure(closure)) => uses(closure, name),
                _ => false,
            },
        }
    }
}

fn uses(closure: &ExprClosure, name: &Ident) -> bool {
    let is_shadowed = closure.inputs.iter().flat_map(bound_names).any(|inner| inner.ident == *name);
    !is_shadowed && captures(closure.body.to_token_stream(), name)
}

/// Returns an error if the function can neither return an error nor use a fallback.
fn missing_fallback(annotated: &AnnotatedFn) -> Option<Error> {
    annotated.output().is_none().then(|| {
        Error::new(
            annotated.signature.ident.span(),
            "this function returns nothing, so it cannot report a rejected call; add \
             `fallback = |error| ..`, or return a `Result`",
        )
    })
}
