//! Values that are not numbers: durations, windows, flags, names and paths.
//!
//! A literal is checked here. Any other expression may be a const, which the compiler evaluates.

use std::time::Duration;

use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitStr, Path};

use super::expr::{source_text, ungrouped};
use super::number::in_range;
use super::ranges::{MAX_NAME_BYTES, MAX_WINDOW_CALLS};
use super::run_time;
use super::spec::{BreakerName, Value};
use crate::args::{ArgValue, Key};
use crate::duration;

/// Returns the expression after `=`. Reports parentheses, which only conditions accept.
pub(super) fn expr(value: ArgValue, key: Key) -> Result<Expr, Error> {
    match value {
        ArgValue::Expr(value) => Ok(value),
        ArgValue::Parentheses(list) => {
            let value = list.stream().to_string();
            let value = if value.is_empty() { ".." } else { &value };
            Err(Error::new(list.span(), format!("`{key}` takes a value; write `{key} = {value}`")))
        }
    }
}

/// Reads a setting that is a duration longer than zero.
pub(super) fn positive_duration(value: Expr, key: Key) -> Result<Value, Error> {
    positive(run_time::require_const(ungrouped(value), key)?, key.name())
}

/// Reads a duration longer than zero. `key` is its name.
pub(super) fn positive(value: Expr, key: &str) -> Result<Value, Error> {
    let span = value.span();
    match any_duration(value, key)? {
        Value::Duration(Duration::ZERO) => {
            Err(Error::new(span, format!("`{key}` must be longer than zero, as in `{key} = \"30s\"`")))
        }
        duration => Ok(duration),
    }
}

/// Reads a setting that is a duration and may be zero.
pub(super) fn duration(value: Expr, key: Key) -> Result<Value, Error> {
    any_duration(run_time::require_const(ungrouped(value), key)?, key.name())
}

fn any_duration(value: Expr, key: &str) -> Result<Value, Error> {
    let value = ungrouped(value);
    let reject = |message: String| Err(Error::new(value.span(), message));
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match duration::parse(&text.value()) {
            Ok(duration) => Ok(Value::Duration(duration)),
            Err(message) => reject(format!("`{key}`: {message}")),
        },
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let unit = if number.suffix().is_empty() { "s" } else { number.suffix() };
            let digits = number.base10_digits();
            reject(format!("`{key}` needs a unit in quotes; write `{key} = \"{digits}{unit}\"`"))
        }
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => reject(format!(
            "`{key}` must be a duration, as in `{key} = \"30s\"`, or a const `Duration`; found {}",
            source_text(&value)
        )),
        _ => Ok(Value::Const(value)),
    }
}

/// Reads a number of calls or a duration. Only the compiler knows the type of a const.
pub(super) fn window(value: Expr) -> Result<Value, Error> {
    let value = run_time::require_const(ungrouped(value), Key::Window)?;
    if let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = &value
        && let Some(calls) = in_range(number, MAX_WINDOW_CALLS)
    {
        return Ok(Value::Literal(Lit::Int(calls)));
    }
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => positive_duration(value, Key::Window),
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => Err(Error::new(
            value.span(),
            format!(
                "`window` must be a number of calls between 1 and {MAX_WINDOW_CALLS}, or a duration, \
                 as in `window = \"60s\"`; found {}",
                source_text(&value)
            ),
        )),
        _ => Ok(Value::Window(value)),
    }
}

/// Reads a bool.
pub(super) fn flag(value: Expr, key: Key) -> Result<Value, Error> {
    match run_time::require_const(ungrouped(value), key)? {
        Expr::Lit(ExprLit { lit: lit @ Lit::Bool(_), .. }) => Ok(Value::Literal(lit)),
        other @ (Expr::Lit(_) | Expr::Closure(_)) => Err(Error::new(
            other.span(),
            format!("`{key}` must be `true`, `false` or a const `bool`; found {}", source_text(&other)),
        )),
        value => Ok(Value::Const(value)),
    }
}

/// Reads the name of a circuit breaker.
pub(super) fn name(value: Expr) -> Result<BreakerName, Error> {
    let value = ungrouped(value);
    let reject = |message: String| Err(Error::new(value.span(), message));
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match text.value().len() {
            0 => reject(
                "`name` is empty; remove `name` to name the circuit breaker after the function".to_owned(),
            ),
            1..=MAX_NAME_BYTES => Ok(BreakerName::Literal(LitStr::new(&text.value(), text.span()))),
            length => {
                reject(format!("`name` is {length} bytes long; shorten it to at most {MAX_NAME_BYTES} bytes"))
            }
        },
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => reject(format!(
            "`name` must be a string, as in `name = \"payment\"`, or a const `&'static str`; found {}",
            source_text(&value)
        )),
        _ => Ok(BreakerName::Const(value)),
    }
}

/// Reads a const `ConfigBuilder`. The compiler checks its type and its settings.
pub(super) fn policy(value: Expr) -> Result<Expr, Error> {
    match ungrouped(value) {
        other @ (Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_)) => Err(Error::new(
            other.span(),
            format!(
                "`config` must be a const `ConfigBuilder`, as in `const DATABASE: ConfigBuilder = \
                 Config::builder()..` and `config = DATABASE`; found {}",
                source_text(&other)
            ),
        )),
        value => Ok(value),
    }
}

/// Reads the expression of `key`. The compiler checks its type and the variables in it.
pub(super) fn key_expr(value: Expr) -> Result<Expr, Error> {
    match ungrouped(value) {
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            "`key` must be an expression, not a closure; use the arguments directly, as in `key = tenant`",
        )),
        value => Ok(value),
    }
}

/// Reads the path of the runtime.
pub(super) fn runtime(value: Expr) -> Result<Path, Error> {
    let span = value.span();
    match ungrouped(value) {
        Expr::Path(ExprPath { path, qself: None, .. }) if is_absolute(&path) => Ok(path),
        _ => Err(Error::new(
            span,
            "`crate` must be the absolute path of `breaker_runtime`, as in \
             `crate = ::my_facade::breaker_runtime`",
        )),
    }
}

fn is_absolute(path: &Path) -> bool {
    let starts_at_crate =
        path.segments.first().is_some_and(|first| first.ident == "crate" || first.ident == "$crate");
    path.leading_colon.is_some() || starts_at_crate
}
