//! The arguments: what they are called, and whether they are still there when the body has had them.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, FnArg, Pat, PatIdent, Receiver, ReceiverKind, Type};

/// A name that an argument binds.
pub(crate) struct Binding {
    pub(crate) name: Ident,
    pub(crate) mutability: TokenStream,
    /// Under which conditions the argument is there at all.
    pub(crate) conditions: TokenStream,
}

/// What is left of an argument after the body.
pub(crate) enum Reuse {
    /// A shared reference is copied.
    Stays,
    /// These have to be cloned.
    Cloned(Vec<Binding>),
    /// There is only one of it, called so.
    Gone(Ident),
}

/// The name under which an argument can be handed on. One that depends on `cfg` has none, since no
/// argument of a call can.
pub(crate) fn argument_name(argument: &FnArg) -> Option<Ident> {
    match argument {
        FnArg::Receiver(receiver) => Some(Ident::new("self", receiver.self_token.span)),
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(name) if is_plain(name) && !typed.attrs.iter().any(is_condition) => {
                Some(name.ident.clone())
            }
            _ => None,
        },
    }
}

pub(crate) fn reuse(argument: &FnArg) -> Reuse {
    let typed = match argument {
        FnArg::Receiver(receiver) if is_shared_receiver(receiver) => return Reuse::Stays,
        FnArg::Receiver(receiver) => return Reuse::Gone(Ident::new("self", receiver.self_token.span)),
        FnArg::Typed(typed) => typed,
    };
    if let Pat::Ident(name) = &*typed.pat
        && is_plain(name)
    {
        match referenced(&typed.ty) {
            Some(Sharing::Shared) => return Reuse::Stays,
            Some(Sharing::Exclusive) => return Reuse::Gone(name.ident.clone()),
            None => {}
        }
    }
    let conditions = typed.attrs.iter().filter(|attribute| is_condition(attribute));
    let conditions: TokenStream = conditions.map(ToTokens::to_token_stream).collect();
    let binding = |name: &PatIdent| Binding {
        name: name.ident.clone(),
        mutability: name.mutability.to_token_stream(),
        conditions: conditions.clone(),
    };
    Reuse::Cloned(bound(&typed.pat).into_iter().map(binding).collect())
}

/// All names in a pattern. Patterns with alternatives bind the same ones in each.
pub(crate) fn bound(pattern: &Pat) -> Vec<&PatIdent> {
    match pattern {
        Pat::Ident(name) => {
            let below = name.subpat.iter().flat_map(|(_, pattern)| bound(pattern));
            [name].into_iter().chain(below).collect()
        }
        Pat::Or(or) => or.cases.first().map(bound).unwrap_or_default(),
        Pat::Paren(paren) => bound(&paren.pat),
        Pat::Reference(reference) => bound(&reference.pat),
        Pat::Type(typed) => bound(&typed.pat),
        Pat::Slice(slice) => slice.elems.iter().flat_map(bound).collect(),
        Pat::Tuple(tuple) => tuple.elems.iter().flat_map(bound).collect(),
        Pat::TupleStruct(tuple) => tuple.elems.iter().flat_map(bound).collect(),
        Pat::Struct(fields) => fields.fields.iter().flat_map(|field| bound(&field.pat)).collect(),
        _ => Vec::new(),
    }
}

enum Sharing {
    Shared,
    Exclusive,
}

fn referenced(ty: &Type) -> Option<Sharing> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => Some(Sharing::Exclusive),
        Type::Reference(_) => Some(Sharing::Shared),
        Type::Group(group) => referenced(&group.elem),
        Type::Paren(paren) => referenced(&paren.elem),
        _ => None,
    }
}

fn is_shared_receiver(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => matches!(referenced(ty), Some(Sharing::Shared)),
        _ => false,
    }
}

fn is_plain(name: &PatIdent) -> bool {
    name.subpat.is_none() && name.by_ref.is_none()
}

fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}
