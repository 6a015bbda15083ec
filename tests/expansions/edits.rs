//! What becomes of tokens while somebody types, and when macros hand them on.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::prelude::*;

use crate::nonsense::token;

#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Delete,
    Double,
    Replace(String),
    /// Puts a group around the token, or the invisible one that a macro writes.
    Wrap(Shape),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Parentheses,
    Brackets,
    Braces,
    Invisible,
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let shape = prop_oneof![
        1 => Just(Shape::Parentheses),
        1 => Just(Shape::Brackets),
        1 => Just(Shape::Braces),
        9 => Just(Shape::Invisible),
    ];
    prop_oneof![
        Just(Edit::Delete),
        Just(Edit::Double),
        token().prop_map(Edit::Replace),
        shape.prop_map(Edit::Wrap),
    ]
}

/// Edits the token at `place`, counted through all groups, from the start again if there are fewer.
pub(crate) fn apply(tokens: TokenStream, place: usize, edit: &Edit) -> TokenStream {
    match count(tokens.clone()) {
        0 => tokens,
        all => walk(tokens, &mut (place % all), edit),
    }
}

fn count(tokens: TokenStream) -> usize {
    tokens.into_iter().map(|token| 1 + inside(&token).map_or(0, count)).sum()
}

fn inside(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) => Some(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

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
        Edit::Double => [token.clone(), token].into_iter().collect(),
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
