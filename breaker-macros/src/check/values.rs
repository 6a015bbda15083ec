//! The values: a literal is checked here, at the literal; anything else is a const expression that
//! the compiler evaluates.

use std::time::Duration;

use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Lit, LitInt, LitStr, UnOp};

use super::{Name, Value};
use crate::duration;

const LONGEST_NAME: usize = 255;

/// An integer of at least 1.
pub(super) fn count(value: Expr, key: &str, most: u32) -> Result<Value, Error> {
    let value = ungrouped(value);
    let range = if most == u32::MAX { "at least 1".to_owned() } else { format!("between 1 and {most}") };
    let refuse = |found: String| {
        Err(Error::new(value.span(), format!("`{key}` must be an integer, {range}; found {found}")))
    };
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => match in_range(number, most) {
            Some(number) => Ok(Value::Count(number)),
            None => refuse(number.to_string()),
        },
        Expr::Lit(literal) => refuse(literal.to_token_stream().to_string()),
        Expr::Unary(minus) if matches!(minus.op, UnOp::Neg(_)) => {
            refuse(format!("-{}", minus.expr.to_token_stream()))
        }
        Expr::Closure(_) => refuse("a closure".to_owned()),
        _ => Ok(Value::Const(value)),
    }
}

/// A duration longer than zero.
pub(super) fn duration(value: Expr, key: &str) -> Result<Value, Error> {
    let value = ungrouped(value);
    let refuse = |why: String| Err(Error::new(value.span(), why));
    match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match duration::parse(&text.value()) {
            Ok(Duration::ZERO) => refuse(format!("`{key}` must be longer than zero")),
            Ok(duration) => Ok(Value::Duration(duration)),
            Err(why) => refuse(format!("`{key}`: {why}")),
        },
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            refuse(format!("`{key}` needs a unit; write `{key} = \"{number}s\"` for seconds"))
        }
        Expr::Lit(_) | Expr::Unary(_) | Expr::Closure(_) => refuse(format!(
            "`{key}` must be a duration, as in `{key} = \"30s\"`, or a const `Duration`; found {}",
            value.to_token_stream()
        )),
        _ => Ok(Value::Const(value)),
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
            value.to_token_stream()
        )),
        _ => Ok(Name::Const(value)),
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

/// The number without its suffix, where the user put it.
fn in_range(number: &LitInt, most: u32) -> Option<LitInt> {
    let value: u32 = number.base10_parse().ok()?;
    let suffix = number.suffix();
    let fits = (1..=most).contains(&value) && (suffix.is_empty() || suffix == "u32");
    fits.then(|| LitInt::new(&value.to_string(), number.span()))
}
