//! Functions of the result: `failure_if` and `ignore_if`, which can also be patterns, and `retry_after`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprClosure, Pat, PatIdent, PatPath, PatTupleStruct, Token, parenthesized};

use super::expr::{source_text, ungrouped};
use super::spec::{Condition, FallbackOn, Spec};
use crate::args::{ArgValue, Key};
use crate::function::AnnotatedFn;

/// Reads `(PATTERN)`, `(PATTERN if GUARD)`, `= PATH`, or `= |result| ..`.
pub(super) fn read(value: ArgValue, key: Key) -> Result<Condition, Error> {
    let value = match value {
        ArgValue::Parentheses(list) if list.stream().is_empty() => {
            return Err(Error::new(
                list.span(),
                format!("`{key}` has no pattern; write one, as in `{key}(Err(_))`"),
            ));
        }
        ArgValue::Parentheses(list) => {
            let tokens = list.stream();
            let pattern = parse_pattern.parse2(TokenTree::Group(list).into());
            let condition = pattern.map_err(|error| closure_in_parentheses(tokens, key).unwrap_or(error))?;
            return function_in_parentheses(&condition, key).map_or(Ok(condition), Err);
        }
        ArgValue::Expr(value) => ungrouped(value),
    };
    match &value {
        Expr::Path(_) => Ok(Condition::Predicate(Box::new(value))),
        Expr::Closure(closure) if closure.inputs.len() == 1 => Ok(Condition::Predicate(Box::new(value))),
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            format!(
                "the closure of `{key}` must take one parameter, a reference to the result: \
                 `{key} = |result| ..`"
            ),
        )),
        _ => Err(Error::new(
            value.span(),
            format!(
                "`{key}` must be a pattern, as in `{key}(Err(_))`, or a function `fn(&T) -> bool`, as in \
                 `{key} = |result| ..`; found {}",
                source_text(&value)
            ),
        )),
    }
}

/// Reads the path or the closure of `retry_after`.
pub(super) fn read_retry_after(value: Expr) -> Result<Expr, Error> {
    let value = ungrouped(value);
    match &value {
        Expr::Path(_) => Ok(value),
        Expr::Closure(closure) if closure.inputs.len() == 1 => Ok(value),
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            "the closure of `retry_after` must take one parameter, a reference to the result: \
             `retry_after = |result| ..`",
        )),
        _ => Err(Error::new(
            value.span(),
            format!(
                "`retry_after` must be a function `fn(&T) -> Option<Duration>`, as in \
                 `retry_after = |result| ..`; found {}",
                source_text(&value)
            ),
        )),
    }
}

/// Reports the keys that need a result if the function never returns one.
pub(super) fn check(spec: &Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    if !annotated.never_returns() {
        return;
    }
    let needs_result = |key: &Key| *key != Key::FallbackOn || spec.fallback_on == FallbackOn::Failure;
    let keys = [Key::FailureIf, Key::IgnoreIf, Key::RetryAfter, Key::FallbackOn];
    for key in keys.into_iter().filter(needs_result) {
        errors.extend(spec.span_of(key).map(|span| {
            Error::new(
                span,
                format!("`{key}` has no effect because this function never returns; remove `{key}`"),
            )
        }));
    }
}

/// Returns the error of `(|result| ..)`, which begins like a pattern.
fn closure_in_parentheses(tokens: TokenStream, key: Key) -> Option<Error> {
    let closure: ExprClosure = syn::parse2(tokens).ok()?;
    Some(Error::new(
        closure.inputs_begin.span(),
        format!("a closure of `{key}` follows `=`, without parentheses: `{key} = |result| ..`"),
    ))
}

/// Returns the error of `(is_bad)`, a pattern that matches every result, and of `(is_bad(result))`, which is not a
/// pattern. Functions have lowercase names; the names of variants and constants begin with an uppercase letter.
fn function_in_parentheses(condition: &Condition, key: Key) -> Option<Error> {
    let Condition::Pattern { pattern, guard: None } = condition else { return None };
    let (path, name, parameters) = match &**pattern {
        Pat::Ident(PatIdent { by_ref: None, mutability: None, subpat: None, ident, .. }) => {
            (ident.to_token_stream(), ident, 1)
        }
        Pat::Path(PatPath { qself: None, path, .. }) => {
            (path.to_token_stream(), &path.segments.last()?.ident, 1)
        }
        Pat::TupleStruct(PatTupleStruct { qself: None, path, elems, .. }) => {
            (path.to_token_stream(), &path.segments.last()?.ident, elems.len())
        }
        _ => return None,
    };
    let is_function = name.unraw().to_string().starts_with(char::is_lowercase);
    let path = path.to_string().replace(" :: ", "::");
    let function = if parameters == 1 { path } else { format!("|result| {path}(result, ..)") };
    is_function.then(|| {
        Error::new(
            pattern.span(),
            format!("a function of `{key}` follows `=`, without parentheses: `{key} = {function}`"),
        )
    })
}

/// Parses a group in parentheses. If the pattern ends too early, the error points at the closing one.
fn parse_pattern(list: ParseStream<'_>) -> syn::Result<Condition> {
    let input;
    parenthesized!(input in list);
    let pattern = Box::new(Pat::parse_multi_with_leading_vert(&input)?);
    let guard = match input.parse::<Option<Token![if]>>()? {
        Some(_) => Some(Box::new(input.parse()?)),
        None => None,
    };
    // `matches!` accepts a trailing comma too.
    input.parse::<Option<Token![,]>>()?;
    if !input.is_empty() {
        return Err(input.error("expected `|`, `if` or the end of the pattern"));
    }
    Ok(Condition::Pattern { pattern, guard })
}
