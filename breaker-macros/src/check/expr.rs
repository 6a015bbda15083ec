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
