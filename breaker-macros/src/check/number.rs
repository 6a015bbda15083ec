//! Values that are numbers: counts, shares and factors.
//!
//! A literal is checked here. Any other expression may be a const, which the compiler evaluates.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Lit, LitFloat, LitInt, UnOp};

use super::expr::{source_text, ungrouped};
use super::run_time;
use super::spec::Value;
use crate::args::Key;

/// Reads an integer between 1 and `max`.
pub(super) fn count(value: Expr, key: Key, max: u32) -> Result<Value, Error> {
    let expected = match max {
        u32::MAX => format!("`{key}` must be an integer of at least 1"),
        _ => format!("`{key}` must be an integer between 1 and {max}"),
    };
    number(value, key, &expected, |literal| match literal {
        Lit::Int(number) => in_range(number, max).map(Lit::Int),
        _ => None,
    })
}

/// Reads a share of calls, above 0 and at most 1.
pub(super) fn rate(value: Expr, key: Key) -> Result<Value, Error> {
    let expected = format!("`{key}` must be a number above 0 and at most 1, as in `{key} = 0.5`");
    number(value, key, &expected, |literal| real(literal, |number| 0.0 < number && number <= 1.0))
}

/// Reads a share of a duration, between 0 and 1.
pub(super) fn share(value: Expr, key: Key) -> Result<Value, Error> {
    let expected = format!("`{key}` must be a number between 0 and 1, as in `{key} = 0.2`");
    number(value, key, &expected, |literal| real(literal, |number| (0.0..=1.0).contains(&number)))
}

/// Reads a factor of at least 1.
pub(super) fn factor(value: Expr, key: Key) -> Result<Value, Error> {
    let expected = format!("`{key}` must be a number of at least 1.0, as in `{key} = 2.0`");
    number(value, key, &expected, |literal| real(literal, |number| number >= 1.0 && number.is_finite()))
}

/// Returns the number without its suffix if it is a `u32` between 1 and `max`.
pub(super) fn in_range(number: &LitInt, max: u32) -> Option<LitInt> {
    let value: u32 = number.base10_parse().ok()?;
    let suffix = number.suffix();
    let fits = (1..=max).contains(&value) && (suffix.is_empty() || suffix == "u32");
    fits.then(|| LitInt::new(&value.to_string(), number.span()))
}

/// Reads a literal that `convert` accepts, or an expression that may be a const.
fn number(
    value: Expr,
    key: Key,
    expected: &str,
    convert: impl Fn(&Lit) -> Option<Lit>,
) -> Result<Value, Error> {
    let value = run_time::require_const(ungrouped(value), key)?;
    let literal = match &value {
        Expr::Lit(ExprLit { lit, .. }) => convert(lit),
        Expr::Unary(minus) if matches!(minus.op, UnOp::Neg(_)) => None,
        Expr::Closure(_) => None,
        _ => return Ok(Value::Const(value)),
    };
    let error = || Error::new(value.span(), format!("{expected}; found {}", source_text(&value)));
    literal.map(Value::Literal).ok_or_else(error)
}

/// Returns a float literal, even for an integer, if its value is in range.
fn real(literal: &Lit, is_in_range: impl Fn(f64) -> bool) -> Option<Lit> {
    let (number, suffix, span): (f64, &str, Span) = match literal {
        Lit::Float(number) => (number.base10_parse().ok()?, number.suffix(), number.span()),
        Lit::Int(number) => (number.base10_parse().ok()?, number.suffix(), number.span()),
        _ => return None,
    };
    let fits = is_in_range(number) && (suffix.is_empty() || suffix == "f64");
    fits.then(|| Lit::Float(LitFloat::new(&format!("{number:?}"), span)))
}
