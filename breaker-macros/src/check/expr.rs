//! Helpers for the expressions that users write as values.

use quote::ToTokens as _;
use syn::{Expr, UnOp};

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
        Expr::Unary(minus) if matches!(minus.op, UnOp::Neg(_)) => format!("-{}", source_text(&minus.expr)),
        other => other.to_token_stream().to_string().replace(" :: ", "::"),
    }
}
