//! Whether tokens mention a variable, as far as tokens can say. Rather one too many: one that is missed
//! would be gone when the fallback runs. The price is that a mere mention, as of a variable that the
//! fallback hides by one of its own, clones for nothing, and where nothing can be cloned, as with `self`,
//! `&mut` and what is not `Clone`, it is an error.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;

pub(super) fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    contains(tokens, &name.unraw().to_string())
}

fn contains(tokens: TokenStream, name: &str) -> bool {
    let mut dots = 0;
    for tree in tokens {
        let is_found = match &tree {
            // `.name` is a field or a method; `..name` is not.
            TokenTree::Ident(word) => dots != 1 && word.unraw() == name,
            TokenTree::Group(group) => contains(group.stream(), name),
            TokenTree::Literal(literal) => captures(&literal.to_string(), name),
            TokenTree::Punct(_) => false,
        };
        if is_found {
            return true;
        }
        dots = if is_dot(&tree) { dots + 1 } else { 0 };
    }
    false
}

/// In `"{name}"`, `"{name:?}"` and `"{:name$}"`, as `format!` reads them.
fn captures(literal: &str, name: &str) -> bool {
    let braces = literal.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let is_no_letter = |letter: char| !letter.is_alphanumeric() && letter != '_';
    braces.flat_map(|inside| inside.split(is_no_letter)).any(|word| word == name)
}

fn is_dot(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == '.')
}
