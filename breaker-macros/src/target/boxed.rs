//! A body that is one `Box::pin(async move { .. })`, as `#[async_trait]` writes it: the call is what is
//! inside, and ends when that does.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{GenericArgument, PathArguments, PathSegment, Token, Type, TypeParamBound};

/// What stands around the braces in which the call is made.
pub(crate) struct Boxed {
    pin: TokenStream,
    parentheses: Group,
    /// `async move`, with its attributes.
    asynchronous: TokenStream,
}

impl Boxed {
    /// Puts something else into the braces.
    pub(crate) fn around(&self, block: &TokenStream) -> TokenStream {
        let Self { pin, parentheses, asynchronous } = self;
        let mut list = Group::new(parentheses.delimiter(), quote::quote!(#asynchronous { #block }));
        list.set_span(parentheses.span());
        quote::quote!(#pin #list)
    }
}

/// Takes the box off a body, if that is all there is.
pub(super) fn unboxed(body: &Group) -> Option<(Boxed, Group)> {
    let mut pin: Vec<TokenTree> = body.stream().into_iter().collect();
    let Some(TokenTree::Group(parentheses)) = pin.pop() else {
        return None;
    };
    if parentheses.delimiter() != Delimiter::Parenthesis || !is_box_pin(&pin) {
        return None;
    }
    let mut asynchronous: Vec<TokenTree> = parentheses.stream().into_iter().collect();
    let Some(TokenTree::Group(block)) = asynchronous.pop() else {
        return None;
    };
    if block.delimiter() != Delimiter::Brace || !is_async_move(&asynchronous) {
        return None;
    }
    let (pin, asynchronous) = (pin.into_iter().collect(), asynchronous.into_iter().collect());
    Some((Boxed { pin, parentheses, asynchronous }, block))
}

/// `Box::pin`, by whatever path.
fn is_box_pin(tokens: &[TokenTree]) -> bool {
    let is_path = tokens.iter().all(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    });
    let names: Vec<String> = tokens.iter().filter_map(word).collect();
    is_path && matches!(names.as_slice(), [.., owner, function] if owner == "Box" && function == "pin")
}

/// `async move`, below attributes.
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

/// What a boxed future gives in the end, where its type says it.
pub(super) fn output_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Path(path) => output_of_segment(path.path.segments.last()?),
        Type::TraitObject(object) => object.bounds.iter().find_map(output_of_bound),
        Type::Group(group) => output_of(&group.elem),
        Type::Paren(paren) => output_of(&paren.elem),
        _ => None,
    }
}

/// Of `Pin<..>`, `Box<..>` and `BoxFuture<..>`.
fn output_of_segment(segment: &PathSegment) -> Option<&Type> {
    let inner = generic_arguments(segment)?.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })?;
    if is_box_future(segment) { Some(inner) } else { output_of(inner) }
}

/// Of `Future<Output = ..>`.
fn output_of_bound(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    generic_arguments(bound.path.segments.last()?)?.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(given) if given.ident == "Output" => Some(&given.ty),
        _ => None,
    })
}

/// Whether this is a future: `impl Future`, `BoxFuture<..>`, or `Pin<Box<dyn Future ..>>` to whatever depth.
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
