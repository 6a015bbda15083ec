//! Functions that return a boxed future, with a body that is one `Box::pin(async move { .. })`.
//!
//! `#[async_trait]` generates such functions. The call that the attribute protects is the block inside the
//! box, and it ends when that future ends.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{GenericArgument, PathArguments, PathSegment, Token, Type, TypeParamBound};

/// The code around the block of a boxed future.
pub(crate) struct Boxed {
    /// `Box::pin`, as a path of any form.
    pin: TokenStream,
    parentheses: Group,
    /// `async move`, with its attributes.
    async_move: TokenStream,
}

impl Boxed {
    /// Returns the boxed future with another block in it.
    pub(crate) fn wrap(&self, block: &TokenStream) -> TokenStream {
        let Self { pin, parentheses, async_move } = self;
        let mut list = Group::new(parentheses.delimiter(), quote::quote!(#async_move { #block }));
        list.set_span(parentheses.span());
        quote::quote!(#pin #list)
    }
}

/// Splits a body that is one boxed future into the code around the block and the block. The body may be a fragment of
/// `macro_rules!`, such as `$body:block`, which is a block in a block.
pub(super) fn unbox(body: &Group) -> Option<(Boxed, Group)> {
    let mut pin: Vec<TokenTree> = body.stream().into_iter().collect();
    let Some(TokenTree::Group(parentheses)) = pin.pop() else {
        return None;
    };
    if pin.is_empty() && matches!(parentheses.delimiter(), Delimiter::Brace | Delimiter::None) {
        return unbox(&parentheses);
    }
    if parentheses.delimiter() != Delimiter::Parenthesis || !is_box_pin(&pin) {
        return None;
    }
    let mut async_move: Vec<TokenTree> = parentheses.stream().into_iter().collect();
    let Some(TokenTree::Group(block)) = async_move.pop() else {
        return None;
    };
    if block.delimiter() != Delimiter::Brace || !is_async_move(&async_move) {
        return None;
    }
    let (pin, async_move) = (pin.into_iter().collect(), async_move.into_iter().collect());
    Some((Boxed { pin, parentheses, async_move }, block))
}

/// Returns `true` for any path that ends in `Box::pin`.
fn is_box_pin(tokens: &[TokenTree]) -> bool {
    let is_path = tokens.iter().all(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    });
    let names: Vec<String> = tokens.iter().filter_map(word).collect();
    is_path && matches!(names.as_slice(), [.., owner, function] if owner == "Box" && function == "pin")
}

/// Returns `true` for `async move`, with or without attributes.
fn is_async_move(tokens: &[TokenTree]) -> bool {
    let [attributes @ .., asyncness, capture] = tokens else {
        return false;
    };
    let are_attributes = attributes.iter().all(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == '#',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Bracket,
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    });
    let is = |token, name| word(token).is_some_and(|word| word == name);
    are_attributes && is(asyncness, "async") && is(capture, "move")
}

fn word(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

/// Returns the output of a boxed future, if its type names it.
pub(super) fn future_output(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Path(path) => segment_output(path.path.segments.last()?),
        Type::TraitObject(object) => object.bounds.iter().find_map(bound_output),
        Type::Group(group) => future_output(&group.elem),
        Type::Paren(paren) => future_output(&paren.elem),
        _ => None,
    }
}

/// Returns the output that `Pin<..>`, `Box<..>` or `BoxFuture<..>` names.
fn segment_output(segment: &PathSegment) -> Option<&Type> {
    let inner = generic_arguments(segment)?.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })?;
    if is_box_future(segment) { Some(inner) } else { future_output(inner) }
}

/// Returns the output that `Future<Output = ..>` names.
fn bound_output(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    generic_arguments(bound.path.segments.last()?)?.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(given) if given.ident == "Output" => Some(&given.ty),
        _ => None,
    })
}

/// Returns `true` for `impl Future`, `BoxFuture<..>`, and `dyn Future` in any number of `Pin` and `Box`.
pub(super) fn is_future(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(one) => one.bounds.iter().any(is_future_bound),
        Type::TraitObject(object) => object.bounds.iter().any(is_future_bound),
        Type::Path(path) => path.path.segments.last().is_some_and(boxes_future),
        Type::Group(group) => is_future(&group.elem),
        Type::Paren(paren) => is_future(&paren.elem),
        _ => false,
    }
}

fn is_future_bound(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(one) if one.path.segments.last().is_some_and(|last| last.ident == "Future"))
}

fn boxes_future(segment: &PathSegment) -> bool {
    let is_box = segment.ident == "Pin" || segment.ident == "Box";
    let mut arguments = generic_arguments(segment).into_iter().flatten();
    is_box_future(segment)
        || is_box && arguments.any(|argument| matches!(argument, GenericArgument::Type(ty) if is_future(ty)))
}

fn is_box_future(segment: &PathSegment) -> bool {
    segment.ident == "BoxFuture" || segment.ident == "LocalBoxFuture"
}

fn generic_arguments(segment: &PathSegment) -> Option<&Punctuated<GenericArgument, Token![,]>> {
    match &segment.arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        PathArguments::None | PathArguments::Parenthesized(_) => None,
    }
}
