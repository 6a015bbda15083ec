//! The values that are numbers: counts, shares and factors.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Lit, LitFloat, LitInt, UnOp};

use super::Value;
use super::values::{found, ungrouped};

/// An integer of at least 1.
pub(super) fn count(value: Expr, key: &str, most: u32) -> Result<Value, Error> {
    let accepted = match most {
        u32::MAX => format!("`{key}` must be an integer of at least 1"),
        _ => format!("`{key}` must be an integer between 1 and {most}"),
    };
    number(value, &accepted, |literal| count_of(literal, most))
}

/// Which part of all calls: more than none.
pub(super) fn rate(value: Expr, key: &str) -> Result<Value, Error> {
    let accepted = format!("`{key}` must be a number above 0 and at most 1, as in `{key} = 0.5`");
    number(value, &accepted, |literal| real(literal, |number| 0.0 < number && number <= 1.0))
}

/// Which part of a time.
pub(super) fn share(value: Expr, key: &str) -> Result<Value, Error> {
    let accepted = format!("`{key}` must be a number between 0 and 1, as in `{key} = 0.2`");
    number(value, &accepted, |literal| real(literal, |number| (0.0..=1.0).contains(&number)))
}

/// By how much something grows.
pub(super) fn factor(value: Expr, key: &str) -> Result<Value, Error> {
    let accepted = format!("`{key}` must be a number of at least 1.0, as in `{key} = 2.0`");
    number(value, &accepted, |literal| real(literal, |number| number >= 1.0 && number.is_finite()))
}

/// The number without its suffix, where the user put it.
pub(super) fn in_range(number: &LitInt, most: u32) -> Option<LitInt> {
    let value: u32 = number.base10_parse().ok()?;
    let suffix = number.suffix();
    let fits = (1..=most).contains(&value) && (suffix.is_empty() || suffix == "u32");
    fits.then(|| LitInt::new(&value.to_string(), number.span()))
}

/// A literal that `classifier` finds right, or something that may be a const expression.
fn number(value: Expr, accepted: &str, classifier: impl Fn(&Lit) -> Option<Lit>) -> Result<Value, Error> {
    let value = ungrouped(value);
    let right = match &value {
        Expr::Lit(ExprLit { lit, .. }) => classifier(lit),
        Expr::Unary(minus) if matches!(minus.op, UnOp::Neg(_)) => None,
        Expr::Closure(_) => None,
        _ => return Ok(Value::Const(value)),
    };
    let refusal = || Error::new(value.span(), format!("{accepted}; found {}", found(&value)));
    right.map(Value::Literal).ok_or_else(refusal)
}

fn count_of(literal: &Lit, most: u32) -> Option<Lit> {
    match literal {
        Lit::Int(number) => in_range(number, most).map(Lit::Int),
        _ => None,
    }
}

/// As a float, also where the user wrote an integer.
fn real(literal: &Lit, holds: impl Fn(f64) -> bool) -> Option<Lit> {
    let (number, suffix, span): (f64, &str, Span) = match literal {
        Lit::Float(number) => (number.base10_parse().ok()?, number.suffix(), number.span()),
        Lit::Int(number) => (number.base10_parse().ok()?, number.suffix(), number.span()),
        _ => return None,
    };
    let fits = holds(number) && (suffix.is_empty() || suffix == "f64");
    fits.then(|| Lit::Float(LitFloat::new(&format!("{number:?}"), span)))
}
