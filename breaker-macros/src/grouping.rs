//! The grouping of fragments that a `macro_rules!` macro has passed on.
//!
//! The compiler puts the tokens of `$value:expr` into a group without delimiters, and ignores such a group in the
//! output of a procedural macro: with `1 + 2` for `$value`, `$value * 2` would become 5.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::Parser as _;
use syn::{Expr, ExprUnary, Pat, Type, UnOp};

/// Puts parentheses around each fragment whose parts the tokens around it could bind stronger: operations, closures,
/// struct literals, or-patterns, and types with several bounds.
///
/// The parentheses have a span of this macro, because the compiler warns of unnecessary ones in code of the user.
pub(crate) fn with_parentheses(tokens: TokenStream) -> TokenStream {
    if !has_group_without_delimiters(tokens.clone()) {
        return tokens;
    }
    let mut tokens = tokens.into_iter().peekable();
    let mut is_attribute = false;
    let mut output = TokenStream::new();
    while let Some(token) = tokens.next() {
        let after_hash = is_attribute;
        is_attribute = match &token {
            TokenTree::Punct(mark) => mark.as_char() == '#' || after_hash && mark.as_char() == '!',
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        output.extend([match token {
            TokenTree::Group(group) if !after_hash => {
                let mut ahead = tokens.clone();
                parenthesized(group, has_postfix(ahead.next(), ahead.next()))
            }
            other => other,
        }]);
    }
    output
}

fn has_group_without_delimiters(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None || has_group_without_delimiters(group.stream())
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Returns `true` if the next tokens are `.` or `?`, but not the `..` of a range.
fn has_postfix(next: Option<TokenTree>, second: Option<TokenTree>) -> bool {
    let is_punct = |token: Option<TokenTree>, mark| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    match next {
        Some(TokenTree::Punct(punct)) if punct.as_char() == '.' => !is_punct(second, '.'),
        next => is_punct(next, '?'),
    }
}

fn parenthesized(group: Group, has_postfix: bool) -> TokenTree {
    let is_fragment = group.delimiter() == Delimiter::None;
    if !is_fragment && !has_group_without_delimiters(group.stream()) {
        return TokenTree::Group(group);
    }
    let inside = with_parentheses(group.stream());
    if is_fragment && binds_loosely(&inside, has_postfix) {
        let mut parentheses = Group::new(Delimiter::Parenthesis, inside);
        parentheses.set_span(Span::mixed_site().located_at(group.span()));
        return TokenTree::Group(parentheses);
    }
    let mut regrouped = Group::new(group.delimiter(), inside);
    regrouped.set_span(group.span());
    TokenTree::Group(regrouped)
}

/// Returns `true` if the tokens around a fragment could bind stronger than its own. What is a pattern or a type as
/// well as an expression, such as `A | B` and `&A`, can have parentheses too.
fn binds_loosely(fragment: &TokenStream, has_postfix: bool) -> bool {
    match syn::parse2(fragment.clone()) {
        // A negative number may be in a position that accepts no parentheses: in a range pattern, or among generics.
        Ok(Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. })) if matches!(*expr, Expr::Lit(_)) => {
            has_postfix
        }
        Ok(expression) => is_loose_expression(&expression),
        Err(_) => is_or_pattern(fragment) || is_loose_type(fragment),
    }
}

/// Returns `true` except for expressions that are one unit, and for those that may be a statement or a block.
fn is_loose_expression(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Assign(_)
            | Expr::Binary(_)
            | Expr::Break(_)
            | Expr::Cast(_)
            | Expr::Closure(_)
            | Expr::Range(_)
            | Expr::RawAddr(_)
            | Expr::Reference(_)
            | Expr::Return(_)
            | Expr::Struct(_)
            | Expr::Unary(_)
            | Expr::Yield(_)
    )
}

fn is_or_pattern(fragment: &TokenStream) -> bool {
    matches!(Pat::parse_multi_with_leading_vert.parse2(fragment.clone()), Ok(Pat::Or(_)))
}

/// Returns `true` for `dyn A + B` and `impl A + B`.
fn is_loose_type(fragment: &TokenStream) -> bool {
    match syn::parse2(fragment.clone()) {
        Ok(Type::TraitObject(object)) => object.bounds.len() > 1,
        Ok(Type::ImplTrait(object)) => object.bounds.len() > 1,
        Ok(_) | Err(_) => false,
    }
}
