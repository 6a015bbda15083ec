//! Helpers for the expressions that users write as values.

use quote::ToTokens as _;
use syn::Expr;

/// Removes parentheses, and the invisible groups that `macro_rules!` adds.
pub(super) fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        Expr::Paren(paren) => ungrouped(*paren.expr),
        value => value,
    }
}

/// Returns the source text of a value, for an error message.
pub(super) fn source_text(value: &Expr) -> String {
    match value {
        Expr::Unary(unary) => format!("{}{}", unary.op.to_token_stream(), source_text(&unary.expr)),
        other => other.to_token_stream().to_string().replace(" :: ", "::"),
    }
}

/// Returns the elements of a key that is a tuple, and of the tuples in it. Any other key is its only element.
pub(crate) fn key_elements(key: &Expr) -> Vec<&Expr> {
    match key {
        Expr::Paren(paren) => key_elements(&paren.expr),
        Expr::Group(group) => key_elements(&group.expr),
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().flat_map(key_elements).collect(),
        _ => vec![key],
    }
}
