//! The grouping of values that a `macro_rules!` macro has passed on.
//!
//! The compiler puts the tokens of `$value:expr` into a group without delimiters, and ignores such a group in the
//! output of a procedural macro: with `1 + 2` for `$value`, `$value * 2` would become 5.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{BinOp, Expr};

/// Puts parentheses around each operation that a macro has passed on as one value, but not around a pattern, where the
/// compiler warns of them.
pub(super) fn with_parentheses(tokens: TokenStream) -> TokenStream {
    if !has_group_without_delimiters(&tokens) {
        return tokens;
    }
    let mut position = Position::Start;
    let of_argument = |token| {
        let before = std::mem::replace(&mut position, Position::Value);
        match (before, token) {
            (Position::Start, TokenTree::Ident(key)) => {
                position = Position::Key;
                TokenTree::Ident(key)
            }
            (_, TokenTree::Punct(comma)) if comma.as_char() == ',' => {
                position = Position::Start;
                TokenTree::Punct(comma)
            }
            (Position::Key, TokenTree::Group(pattern)) => TokenTree::Group(with_guard(&pattern)),
            (_, token) => parenthesized(token),
        }
    };
    tokens.into_iter().map(of_argument).collect()
}

/// The position of a token in the attribute.
#[derive(Clone, Copy)]
enum Position {
    /// The start of an argument.
    Start,
    /// The end of the key, which a pattern in parentheses or `=` follows.
    Key,
    /// The value of the key.
    Value,
}

/// Puts parentheses around the operations in the guard of `pattern if guard`.
fn with_guard(group: &Group) -> Group {
    let mut in_guard = false;
    let inside = group.stream().into_iter().map(|token| {
        in_guard |= matches!(&token, TokenTree::Ident(word) if word == "if");
        if in_guard { parenthesized(token) } else { token }
    });
    regrouped(group, group.delimiter(), inside.collect())
}

fn has_group_without_delimiters(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None || has_group_without_delimiters(&group.stream())
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn parenthesized(token: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = token else {
        return token;
    };
    let inside: TokenStream = group.stream().into_iter().map(parenthesized).collect();
    let delimiter = match group.delimiter() {
        Delimiter::None if is_operation(&inside) => Delimiter::Parenthesis,
        same => same,
    };
    TokenTree::Group(regrouped(&group, delimiter, inside))
}

fn regrouped(group: &Group, delimiter: Delimiter, inside: TokenStream) -> Group {
    let mut regrouped = Group::new(delimiter, inside);
    regrouped.set_span(group.span());
    regrouped
}

/// Returns `true` if the tokens around an expression could bind stronger than its own. A `|` and a `&` may belong to a
/// pattern.
fn is_operation(tokens: &TokenStream) -> bool {
    match syn::parse2(tokens.clone()) {
        Ok(Expr::Binary(operation)) => !matches!(operation.op, BinOp::BitOr(_)),
        Ok(expression) => {
            matches!(expression, Expr::Cast(_) | Expr::Closure(_) | Expr::Range(_) | Expr::Unary(_))
        }
        Err(_) => false,
    }
}
