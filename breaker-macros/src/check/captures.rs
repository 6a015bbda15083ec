//! Detection of the variables that an expression uses.
//!
//! It works on tokens, without name resolution, and counts a name that is shadowed inside the expression as
//! used. A missed use would be an argument that has been moved when the fallback runs. A false one costs only
//! a clone, or an error if the argument cannot be cloned.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;

/// Returns `true` if the tokens use the variable `name`.
pub(super) fn captures(tokens: TokenStream, name: &Ident) -> bool {
    contains(tokens, &name.unraw().to_string())
}

fn contains(tokens: TokenStream, name: &str) -> bool {
    let mut dots = 0;
    for tree in tokens {
        let is_found = match &tree {
            // `.name` is a field or a method; `..name` is a variable.
            TokenTree::Ident(word) => dots != 1 && word.unraw() == name,
            TokenTree::Group(group) => contains(group.stream(), name),
            TokenTree::Literal(literal) => format_string_contains(&literal.to_string(), name),
            TokenTree::Punct(_) => false,
        };
        if is_found {
            return true;
        }
        dots = if is_dot(&tree) { dots + 1 } else { 0 };
    }
    false
}

/// Returns `true` for `"{name}"`, `"{name:?}"` and `"{:name$}"`, which capture the variable in `format!`.
fn format_string_contains(literal: &str, name: &str) -> bool {
    let braces = literal.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let ends_word = |letter: char| !letter.is_alphanumeric() && letter != '_';
    braces.flat_map(|inside| inside.split(ends_word)).any(|word| word == name)
}

fn is_dot(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == '.')
}
