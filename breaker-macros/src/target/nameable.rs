//! A return type as a body can say it: what only a signature may leave open, `impl Trait`, the compiler is
//! left to find, and so are lifetimes: clippy takes one that is named in the body for one that is needed.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{GenericArgument, Path, PathArguments, Token, Type, TypeInfer, TypeParamBound};

/// In types of functions `'_` is another lifetime, or none, and `for<'a>` names one that the compiler cannot find.
const FUNCTIONS: [&str; 5] = ["fn", "Fn", "FnMut", "FnOnce", "for"];

/// Whether it is something like a `Result` whose error is an `impl Trait`.
pub(super) fn hides_last_of_two(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let Some(PathArguments::AngleBracketed(list)) = path.path.segments.last().map(|last| &last.arguments)
    else {
        return false;
    };
    list.args.len() > 1 && list.args.last().is_some_and(|last| mentions(last.to_token_stream(), &["impl"]))
}

// Input:  Result<impl Iterator<Item = u32>, Error<'a>>
// Output: Result<_, Error<'_>>
pub(super) fn nameable(ty: &Type) -> TokenStream {
    let mut written = ty.to_token_stream();
    if !mentions(written.clone(), &FUNCTIONS) {
        written = forget_lifetimes(written);
    }
    if !mentions(written.clone(), &["impl"]) {
        return written;
    }
    // Read once more: the first one belongs to the signature.
    match syn::parse2(written.clone()) {
        Ok(mut ty) => {
            forget_impl(&mut ty);
            ty.into_token_stream()
        }
        Err(_) => written,
    }
}

fn forget_impl(ty: &mut Type) {
    match ty {
        Type::ImplTrait(open) => {
            let underscore_token = Token![_](open.impl_token.span);
            *ty = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token });
        }
        Type::Path(path) => forget_in_path(&mut path.path),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(forget_impl),
        Type::Array(array) => forget_impl(&mut array.elem),
        Type::Slice(slice) => forget_impl(&mut slice.elem),
        Type::Reference(reference) => forget_impl(&mut reference.elem),
        Type::Group(group) => forget_impl(&mut group.elem),
        Type::Paren(paren) => forget_impl(&mut paren.elem),
        Type::Ptr(pointer) => forget_impl(&mut pointer.elem),
        Type::TraitObject(object) => object.bounds.iter_mut().for_each(forget_in_bound),
        _ => {}
    }
}

fn forget_in_bound(bound: &mut TypeParamBound) {
    if let TypeParamBound::Trait(one) = bound {
        forget_in_path(&mut one.path);
    }
}

fn forget_in_path(path: &mut Path) {
    for segment in &mut path.segments {
        let PathArguments::AngleBracketed(list) = &mut segment.arguments else {
            continue;
        };
        for argument in &mut list.args {
            match argument {
                GenericArgument::Type(ty) => forget_impl(ty),
                GenericArgument::AssocType(one) => forget_impl(&mut one.ty),
                _ => {}
            }
        }
    }
}

fn forget_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut is_lifetime = false;
    let tokens = tokens.into_iter().map(|token| {
        let was_lifetime = std::mem::replace(&mut is_lifetime, is_quote(&token));
        match token {
            TokenTree::Ident(name) if was_lifetime && name != "static" => {
                TokenTree::Ident(Ident::new("_", name.span()))
            }
            // A block has labels.
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
                let mut inside = Group::new(group.delimiter(), forget_lifetimes(group.stream()));
                inside.set_span(group.span());
                TokenTree::Group(inside)
            }
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => token,
        }
    });
    tokens.collect()
}

fn is_quote(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == '\'')
}

fn mentions(tokens: TokenStream, words: &[&str]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => words.iter().any(|one| word == one),
        TokenTree::Group(group) => mentions(group.stream(), words),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
