//! Which results count: `failure_if` and `ignore_if`, each a pattern or a question.

use proc_macro2::TokenTree;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, Pat, Token, parenthesized};

use super::keys::Key;
use super::values::ungrouped;
use super::{Condition, FallbackOn, Plan};
use crate::args::Given;
use crate::target::Target;

/// `(PATTERN)`, `(PATTERN if GUARD)`, or `= PATH` or a closure.
pub(super) fn read(given: Given, key: &str) -> Result<Condition, Error> {
    let value = match given {
        Given::List(list) if list.stream().is_empty() => {
            return Err(Error::new(
                list.span(),
                format!("`{key}` has no pattern; write one as in `matches!`: `{key}(Err(_))`"),
            ));
        }
        Given::List(list) => return parse_pattern.parse2(TokenTree::Group(list).into()),
        Given::Value(value) => ungrouped(value),
    };
    match &value {
        Expr::Path(_) => Ok(Condition::Predicate(Box::new(value))),
        Expr::Closure(closure) if closure.inputs.len() == 1 => Ok(Condition::Predicate(Box::new(value))),
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            format!("`{key}` asks about one thing, a reference to what was returned: `{key} = |result| ..`"),
        )),
        _ => Err(Error::new(
            value.span(),
            format!(
                "`{key}` is a pattern, `{key}(Err(_))`, or a function from a reference to what was \
                 returned to `bool`, `{key} = |result| ..` or `{key} = is_bad`"
            ),
        )),
    }
}

/// Where nothing is ever returned, nothing can be asked about it.
pub(super) fn check(plan: &Plan, target: &Target, errors: &mut Vec<Error>) {
    if !target.never_returns() {
        return;
    }
    let asks = |key: &Key| *key != Key::FallbackOn || plan.fallback_on == FallbackOn::Failure;
    for key in [Key::FailureIf, Key::IgnoreIf, Key::FallbackOn].into_iter().filter(asks) {
        errors.extend(plan.place_of(key).map(|place| {
            Error::new(
                place,
                format!("`{}` has nothing to look at: this function never returns; remove it", key.name()),
            )
        }));
    }
}

// With the parentheses, so that there is a place where the pattern ends too soon.
fn parse_pattern(list: ParseStream<'_>) -> syn::Result<Condition> {
    let input;
    parenthesized!(input in list);
    let pattern = Box::new(Pat::parse_multi_with_leading_vert(&input)?);
    let guard = match input.parse::<Option<Token![if]>>()? {
        Some(_) => Some(Box::new(input.parse()?)),
        None => None,
    };
    // As in `matches!`.
    input.parse::<Option<Token![,]>>()?;
    if !input.is_empty() {
        return Err(input.error("expected `|`, `if` or the end of the pattern"));
    }
    Ok(Condition::Pattern { pattern, guard })
}
