//! A return type as a body can say it: what only a signature may leave open, `impl Trait`, the compiler is
//! left to find.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{GenericArgument, Path, PathArguments, Token, Type, TypeInfer};

// Input:  Result<impl Iterator<Item = u32>, E>
// Output: Result<_, E>
pub(super) fn nameable(ty: &Type) -> TokenStream {
    let written = ty.to_token_stream();
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
        _ => {}
    }
}

fn forget_in_path(path: &mut Path) {
    for segment in &mut path.segments {
        let PathArguments::AngleBracketed(list) = &mut segment.arguments else {
            continue;
        };
        for argument in &mut list.args {
            if let GenericArgument::Type(ty) = argument {
                forget_impl(ty);
            }
        }
    }
}
