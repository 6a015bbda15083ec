//! Random edits of tokens, as they occur while a user types, or when a macro passes tokens on.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::prelude::*;

use super::random_input::token;

/// A change of one token.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Delete,
    Duplicate,
    Replace(String),
    /// Puts a group around the token.
    Wrap(Shape),
}

/// The delimiters of a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Parentheses,
    Brackets,
    Braces,
    /// No delimiters, as `macro_rules!` writes around its fragments.
    Invisible,
}

/// Generates an edit. Invisible groups are the most frequent ones.
pub(super) fn edit() -> impl Strategy<Value = Edit> {
    let shape = prop_oneof![
        1 => Just(Shape::Parentheses),
        1 => Just(Shape::Brackets),
        1 => Just(Shape::Braces),
        9 => Just(Shape::Invisible),
    ];
    prop_oneof![
        Just(Edit::Delete),
        Just(Edit::Duplicate),
        token().prop_map(Edit::Replace),
        shape.prop_map(Edit::Wrap),
    ]
}

/// Edits the token at `index`, in depth-first order. An index past the end wraps around.
pub(super) fn apply(tokens: TokenStream, index: usize, edit: &Edit) -> TokenStream {
    match count(tokens.clone()) {
        0 => tokens,
        all => walk(tokens, &mut (index % all), edit),
    }
}

fn count(tokens: TokenStream) -> usize {
    tokens.into_iter().map(|token| 1 + content(&token).map_or(0, count)).sum()
}

fn content(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) => Some(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

/// Copies the tokens, and edits the one that is `left` tokens ahead.
fn walk(tokens: TokenStream, left: &mut usize, edit: &Edit) -> TokenStream {
    let mut edited = TokenStream::new();
    for token in tokens {
        let is_here = *left == 0;
        *left = left.wrapping_sub(1);
        match token {
            token if is_here => edited.extend(changed(token, edit)),
            TokenTree::Group(group) => {
                let inside = walk(group.stream(), left, edit);
                edited.extend([TokenTree::Group(Group::new(group.delimiter(), inside))]);
            }
            token => edited.extend([token]),
        }
    }
    edited
}

fn changed(token: TokenTree, edit: &Edit) -> TokenStream {
    match edit {
        Edit::Delete => TokenStream::new(),
        Edit::Duplicate => [token.clone(), token].into_iter().collect(),
        Edit::Replace(text) => text.parse().unwrap_or_default(),
        Edit::Wrap(shape) => {
            let delimiter = match shape {
                Shape::Parentheses => Delimiter::Parenthesis,
                Shape::Brackets => Delimiter::Bracket,
                Shape::Braces => Delimiter::Brace,
                Shape::Invisible => Delimiter::None,
            };
            TokenTree::Group(Group::new(delimiter, token.into())).into()
        }
    }
}
