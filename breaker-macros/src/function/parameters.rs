//! The parameters: their names, and how a fallback can use an argument after the body has run.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Meta, Pat, PatIdent, Receiver, ReceiverKind, Token, Type};

use super::lifetimes::has_lifetime;

/// A name that a parameter binds.
pub(crate) struct Binding {
    pub(crate) name: Ident,
    /// `mut`, or nothing.
    pub(crate) mutability: TokenStream,
    /// The attributes of the parameter on which its existence depends.
    pub(crate) cfg_attributes: TokenStream,
    /// The attributes of the parameter that set the levels of lints.
    pub(crate) lint_attributes: TokenStream,
    pub(crate) copying: Copying,
    /// The type, if the name is the whole parameter and a lifetime is written in it.
    pub(crate) lifetimes_type: Option<TokenStream>,
}

/// The way to get a second value of an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copying {
    /// It is a shared reference or a primitive value.
    ByCopy,
    ByClone,
}

/// The way to use an argument after the body has run.
pub(crate) enum Reuse {
    /// Direct use of `&self`. The body gets a copy of it.
    Direct(Ident),
    /// Direct use of a shared reference or a primitive value. The body gets a copy of it.
    Copied(Binding),
    /// Use of clones of these names, made before the body runs.
    ByClone(Vec<Binding>),
    /// No use. The body gets `self` or a `&mut`, which cannot be cloned.
    Impossible(Ident),
}

/// The reason why an argument cannot be passed on to a fallback.
pub(crate) enum NotForwarded {
    /// The parameter is a pattern, which has no name.
    Unnamed,
    /// The parameter depends on `cfg`, and an argument of a call cannot have attributes.
    Conditional,
}

/// Returns the name under which the argument can be passed on to a fallback.
pub(crate) fn forwarded_name(parameter: &FnArg) -> Result<Ident, NotForwarded> {
    let typed = match parameter {
        FnArg::Receiver(receiver) => return Ok(Ident::new("self", receiver.self_token.span)),
        FnArg::Typed(typed) => typed,
    };
    match &*typed.pat {
        _ if typed.attrs.iter().any(is_cfg) => Err(NotForwarded::Conditional),
        Pat::Ident(name) if is_simple(name) => Ok(name.ident.clone()),
        _ => Err(NotForwarded::Unnamed),
    }
}

/// Returns how the argument can be used after the body has run.
pub(crate) fn reuse(parameter: &FnArg) -> Reuse {
    let typed = match parameter {
        FnArg::Receiver(receiver) => {
            let name = Ident::new("self", receiver.self_token.span);
            return if is_shared_receiver(receiver) { Reuse::Direct(name) } else { Reuse::Impossible(name) };
        }
        FnArg::Typed(typed) => typed,
    };
    let tokens = |is_included: fn(&Attribute) -> bool| -> TokenStream {
        typed.attrs.iter().filter(|attribute| is_included(attribute)).map(ToTokens::to_token_stream).collect()
    };
    let (cfg_attributes, lint_attributes) = (tokens(is_cfg), tokens(is_lint_level));
    let is_whole = matches!(&*typed.pat, Pat::Ident(name) if is_simple(name));
    let binding = |name: &PatIdent, copying| Binding {
        lifetimes_type: (is_whole && copying == Copying::ByClone && has_lifetime(&typed.ty))
            .then(|| typed.ty.to_token_stream()),
        name: name.ident.clone(),
        mutability: name.mutability.to_token_stream(),
        cfg_attributes: cfg_attributes.clone(),
        lint_attributes: lint_attributes.clone(),
        copying,
    };
    if let Pat::Ident(name) = &*typed.pat
        && is_simple(name)
    {
        match reference_kind(&typed.ty) {
            Some(ReferenceKind::Exclusive) => return Reuse::Impossible(name.ident.clone()),
            Some(ReferenceKind::Shared) => return Reuse::Copied(binding(name, Copying::ByCopy)),
            None if is_primitive(&typed.ty) => return Reuse::Copied(binding(name, Copying::ByCopy)),
            None => {}
        }
    }
    let names = bound_names(&typed.pat).into_iter();
    Reuse::ByClone(names.map(|name| binding(name, Copying::ByClone)).collect())
}

/// Returns all names that a pattern binds.
pub(crate) fn bound_names(pattern: &Pat) -> Vec<&PatIdent> {
    match pattern {
        Pat::Ident(name) => {
            let below = name.subpat.iter().flat_map(|(_, pattern)| bound_names(pattern));
            [name].into_iter().chain(below).collect()
        }
        // Every alternative binds the same names.
        Pat::Or(or) => or.cases.first().map(bound_names).unwrap_or_default(),
        Pat::Paren(paren) => bound_names(&paren.pat),
        Pat::Reference(reference) => bound_names(&reference.pat),
        Pat::Type(typed) => bound_names(&typed.pat),
        Pat::Slice(slice) => slice.elems.iter().flat_map(bound_names).collect(),
        Pat::Tuple(tuple) => tuple.elems.iter().flat_map(bound_names).collect(),
        Pat::TupleStruct(tuple) => tuple.elems.iter().flat_map(bound_names).collect(),
        Pat::Struct(fields) => fields.fields.iter().flat_map(|field| bound_names(&field.pat)).collect(),
        _ => Vec::new(),
    }
}

const PRIMITIVES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
    "u128", "usize",
];

enum ReferenceKind {
    Shared,
    Exclusive,
}

fn reference_kind(ty: &Type) -> Option<ReferenceKind> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => Some(ReferenceKind::Exclusive),
        Type::Reference(_) => Some(ReferenceKind::Shared),
        Type::Group(group) => reference_kind(&group.elem),
        Type::Paren(paren) => reference_kind(&paren.elem),
        _ => None,
    }
}

/// Returns `true` for a number, `bool` or `char`. They are the usual arguments that are no references, and the
/// expansion for a copied argument takes rustc a third less work.
fn is_primitive(ty: &Type) -> bool {
    match ty {
        Type::Path(path) if path.qself.is_none() => {
            path.path.get_ident().is_some_and(|name| PRIMITIVES.iter().any(|primitive| name == primitive))
        }
        Type::Group(group) => is_primitive(&group.elem),
        Type::Paren(paren) => is_primitive(&paren.elem),
        _ => false,
    }
}

fn is_shared_receiver(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => matches!(reference_kind(ty), Some(ReferenceKind::Shared)),
        _ => false,
    }
}

/// Returns `true` for `name` and `mut name`, but not for `ref name` or `name @ ..`.
fn is_simple(name: &PatIdent) -> bool {
    name.subpat.is_none() && name.by_ref.is_none()
}

/// Returns `true` for `cfg`, also in a `cfg_attr`.
fn is_cfg(attribute: &Attribute) -> bool {
    has_in_effect(&attribute.meta, &["cfg"])
}

/// Returns `true` for an attribute that sets the level of a lint, also in a `cfg_attr`.
fn is_lint_level(attribute: &Attribute) -> bool {
    !is_cfg(attribute) && has_in_effect(&attribute.meta, &["allow", "warn", "deny"])
}

/// Returns `true` for an attribute with one of these names, and for a `cfg_attr` that can add one or is unreadable.
fn has_in_effect(attribute: &Meta, names: &[&str]) -> bool {
    if let Meta::List(list) = attribute
        && list.path.is_ident("cfg_attr")
    {
        let arguments = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        return match arguments {
            Ok(arguments) => arguments.iter().skip(1).any(|added| has_in_effect(added, names)),
            Err(_) => true,
        };
    }
    names.iter().any(|name| attribute.path().is_ident(name))
}
