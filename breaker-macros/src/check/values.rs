//! The values: a literal is checked here, at the literal; anything else is a const expression that
//! the compiler evaluates.

use std::time::Duration;

use proc_macro2::{Ident, Span};
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitStr, Path, UnOp};

use super::numbers::in_range;
use super::{Name, Setting, Value};
use crate::args::Given;
use crate::duration;

/// `attribute_rules::the_longest_name_is_that_of_the_runtime`
const LONGEST_NAME: usize = 255;
/// `attribute_rules::every_literal_arrives_and_the_largest_are_those_of_the_runtime`
const WIDEST_WINDOW: u32 = 1_000_000;

/// What stands behind `=`, for all keys that have no use for parentheses.
pub(super) fn only(given: Given, key: &str) -> Result<Expr, Error> {
    match given {
        Given::Value(value) => Ok(value),
        Given::List(list) => {
            let value = list.stream().to_string();
            let value = if value.is_empty() { ".." } else { &value };
            Err(Error::new(list.span(), format!("`{key}` takes a value; write `{key} = {value}`")))
        }
    }
}

/// A duration longer than zero.
pub(super) fn duration(value: Expr, key: &str) -> Result<Value, Error> {
    let span = value.span();
    match wait(value, key)? {
        Value::Duration(Duration::ZERO) => Err(Error::new(span, format!("`{key}` must be longer than zero"))),
        duration => Ok(duration),
    }
}

/// A duration that may be zero.
pub(super) fn wait(value: Expr, key: &str) -> Result<Value, Error> {
    let value = ungrouped(value);
    let refuse = |why: String| Err(Error::new(value.span(), why));
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match duration::parse(&text.value()) {
            Ok(duration) => Ok(Value::Duration(duration)),
            Err(why) => refuse(format!("`{key}`: {why}")),
        },
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            refuse(format!("`{key}` needs a unit; write `{key} = \"{number}s\"` for seconds"))
        }
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => refuse(format!(
            "`{key}` must be a duration, as in `{key} = \"30s\"`, or a const `Duration`; found {}",
            found(&value)
        )),
        _ => Ok(Value::Const(value)),
    }
}

/// A number of calls or a time; of a const, only the compiler knows which.
pub(super) fn window(value: Expr, place: Span) -> Result<Setting, Error> {
    let value = ungrouped(value);
    let setting = |method, value| Ok(Setting { method: Ident::new(method, place), value });
    if let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = &value
        && let Some(calls) = in_range(number, WIDEST_WINDOW)
    {
        return setting("window_calls", Value::Literal(Lit::Int(calls)));
    }
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => setting("window_time", duration(value, "window")?),
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => Err(Error::new(
            value.span(),
            format!(
                "`window` must be a number of calls, between 1 and {WIDEST_WINDOW}, or a duration, \
                 as in `window = \"60s\"`; found {}",
                found(&value)
            ),
        )),
        _ => setting("window", Value::Window(value)),
    }
}

/// Yes or no.
pub(super) fn flag(value: Expr, key: &str) -> Result<Value, Error> {
    match ungrouped(value) {
        Expr::Lit(ExprLit { lit: lit @ Lit::Bool(_), .. }) => Ok(Value::Literal(lit)),
        other @ (Expr::Lit(_) | Expr::Closure(_)) => Err(Error::new(
            other.span(),
            format!("`{key}` must be `true`, `false` or a const `bool`; found {}", found(&other)),
        )),
        value => Ok(Value::Const(value)),
    }
}

/// Whether the breaker interferes: a word, so that whoever reads the attribute sees which.
pub(super) fn mode(value: Expr) -> Result<Value, Error> {
    let value = ungrouped(value);
    let written = match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        _ => String::new(),
    };
    match written.as_str() {
        "enforce" => Ok(Value::Mode(Ident::new("Enforce", value.span()))),
        "shadow" => Ok(Value::Mode(Ident::new("Shadow", value.span()))),
        _ => Err(Error::new(
            value.span(),
            format!("`mode` must be \"enforce\" or \"shadow\"; found {}", found(&value)),
        )),
    }
}

/// The name of a breaker.
pub(super) fn name(value: Expr) -> Result<Name, Error> {
    let value = ungrouped(value);
    let refuse = |why: String| Err(Error::new(value.span(), why));
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match text.value().len() {
            0 => refuse(
                "the name is empty; leave `name` out to name the breaker after the function".to_owned(),
            ),
            1..=LONGEST_NAME => Ok(Name::Literal(LitStr::new(&text.value(), text.span()))),
            length => refuse(format!("the name is {length} bytes long; {LONGEST_NAME} are possible")),
        },
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => refuse(format!(
            "`name` must be a string, as in `name = \"payment\"`, or a const `&'static str`; found {}",
            found(&value)
        )),
        _ => Ok(Name::Const(value)),
    }
}

/// Anything that can be shown; what it may name and what it is, the compiler knows.
pub(super) fn key(value: Expr) -> Result<Expr, Error> {
    match ungrouped(value) {
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            "`key` is no closure: the function's arguments are in scope; write `key = tenant`",
        )),
        value => Ok(value),
    }
}

/// Where the runtime lives.
pub(super) fn runtime(value: Expr) -> Result<Path, Error> {
    let span = value.span();
    match ungrouped(value) {
        Expr::Path(ExprPath { path, qself: None, .. }) if is_absolute(&path) => Ok(path),
        _ => Err(Error::new(
            span,
            "`crate` says where breaker_runtime lives, as an absolute path: `crate = ::my_facade::breaker_runtime`",
        )),
    }
}

/// A value as it was written, for whoever wrote it.
pub(super) fn found(value: &Expr) -> String {
    match value {
        Expr::Unary(minus) if matches!(minus.op, UnOp::Neg(_)) => format!("-{}", found(&minus.expr)),
        other => other.to_token_stream().to_string().replace(" :: ", "::"),
    }
}

/// Without the invisible groups that macros put around what they were given.
pub(super) fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        Expr::Paren(paren) => ungrouped(*paren.expr),
        value => value,
    }
}

fn is_absolute(path: &Path) -> bool {
    let starts_at_crate =
        path.segments.first().is_some_and(|first| first.ident == "crate" || first.ident == "$crate");
    path.leading_colon.is_some() || starts_at_crate
}
