//! The return type in a form that is valid inside a body.
//!
//! `impl Trait` is valid only in a signature, so it becomes `_`. Lifetimes become `'_`, because clippy treats
//! a lifetime that the body names as needed.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{GenericArgument, Path, PathArguments, Token, Type, TypeImplTrait, TypeInfer, TypeParamBound};

/// Words of function types. In these, `'_` has another meaning, and a lifetime from `for<'a>` cannot be inferred.
pub(super) const FUNCTION_WORDS: [&str; 5] = ["fn", "Fn", "FnMut", "FnOnce", "for"];

/// Returns `true` for a type such as `Result<_, impl Error>`.
pub(super) fn last_argument_is_impl(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let Some(PathArguments::AngleBracketed(list)) = path.path.segments.last().map(|last| &last.arguments)
    else {
        return false;
    };
    list.args.len() > 1
        && list.args.last().is_some_and(|last| contains_word(last.to_token_stream(), &["impl"]))
}

/// Returns the `impl Trait` in a type such as `Result<impl Trait, _>`.
pub(super) fn impl_in_result(ty: &Type) -> Option<&TypeImplTrait> {
    let Type::Path(path) = ty else {
        return None;
    };
    let PathArguments::AngleBracketed(list) = &path.path.segments.last()?.arguments else {
        return None;
    };
    match list.args.first() {
        Some(GenericArgument::Type(ty)) => as_impl(ty),
        _ => None,
    }
}

fn as_impl(ty: &Type) -> Option<&TypeImplTrait> {
    match ty {
        Type::ImplTrait(open) => Some(open),
        Type::Group(group) => as_impl(&group.elem),
        Type::Paren(paren) => as_impl(&paren.elem),
        _ => None,
    }
}

// Input:  impl Stream<Item = Result<&'a str, E>> + Send
// Output: Result<&'_ str, E>
//
// Returns `None` if the type of the items is not written, or cannot be named.
pub(super) fn nameable_item(stream: &TypeImplTrait) -> Option<TokenStream> {
    let traits = stream.bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(one) => one.path.segments.last(),
        _ => None,
    });
    let lists = traits.filter_map(|one| match &one.arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        PathArguments::None | PathArguments::Parenthesized(_) => None,
    });
    let item = lists.flatten().find_map(|argument| match argument {
        GenericArgument::AssocType(one) if one.ident == "Item" => Some(&one.ty),
        _ => None,
    })?;
    (!contains_word(item.to_token_stream(), &["impl"])).then(|| nameable(item))
}

// Input:  Result<impl Iterator<Item = u32>, Error<'a>>
// Output: Result<_, Error<'_>>
pub(super) fn nameable(ty: &Type) -> TokenStream {
    let mut written = ty.to_token_stream();
    if !contains_word(written.clone(), &FUNCTION_WORDS) {
        written = replace_lifetimes(written);
    }
    if !contains_word(written.clone(), &["impl"]) {
        return written;
    }
    // Parsed again, because the original belongs to the signature.
    match syn::parse2(written.clone()) {
        Ok(mut ty) => {
            replace_impl(&mut ty);
            ty.into_token_stream()
        }
        Err(_) => written,
    }
}

fn replace_impl(ty: &mut Type) {
    match ty {
        Type::ImplTrait(open) => {
            let underscore_token = Token![_](open.impl_token.span);
            *ty = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token });
        }
        Type::Path(path) => replace_in_path(&mut path.path),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(replace_impl),
        Type::Array(array) => replace_impl(&mut array.elem),
        Type::Slice(slice) => replace_impl(&mut slice.elem),
        Type::Reference(reference) => replace_impl(&mut reference.elem),
        Type::Group(group) => replace_impl(&mut group.elem),
        Type::Paren(paren) => replace_impl(&mut paren.elem),
        Type::Ptr(pointer) => replace_impl(&mut pointer.elem),
        Type::TraitObject(object) => object.bounds.iter_mut().for_each(replace_in_bound),
        _ => {}
    }
}

fn replace_in_bound(bound: &mut TypeParamBound) {
    if let TypeParamBound::Trait(one) = bound {
        replace_in_path(&mut one.path);
    }
}

fn replace_in_path(path: &mut Path) {
    for segment in &mut path.segments {
        let PathArguments::AngleBracketed(list) = &mut segment.arguments else {
            continue;
        };
        for argument in &mut list.args {
            match argument {
                GenericArgument::Type(ty) => replace_impl(ty),
                GenericArgument::AssocType(one) => replace_impl(&mut one.ty),
                _ => {}
            }
        }
    }
}

fn replace_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut is_lifetime = false;
    let tokens = tokens.into_iter().map(|token| {
        let was_lifetime = std::mem::replace(&mut is_lifetime, is_quote(&token));
        match token {
            TokenTree::Ident(name) if was_lifetime && name != "static" => {
                TokenTree::Ident(Ident::new("_", name.span()))
            }
            // A quote in a block may begin a label.
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
                let mut inside = Group::new(group.delimiter(), replace_lifetimes(group.stream()));
                inside.set_span(group.span());
                TokenTree::Group(inside)
            }
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => token,
        }
    });
    tokens.collect()
}

pub(super) fn is_quote(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == '\'')
}

pub(super) fn contains_word(tokens: TokenStream, words: &[&str]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => words.iter().any(|one| word == one),
        TokenTree::Group(group) => contains_word(group.stream(), words),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
