//! The annotated function: its attributes, its signature, and a body that stays as it was written.
//!
//! The body is one opaque group of tokens. It may be half typed, or hold code that only a later
//! compiler understands; nothing here looks into it but for inner attributes at its start.

mod arguments;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{
    Attribute, Error, GenericArgument, PathArguments, PathSegment, Result, ReturnType, Signature, Token,
    Type, TypeParamBound, Visibility,
};

pub(crate) use arguments::{Binding, Reuse, argument_name, bound, reuse};

pub(crate) struct Target {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// `#![..]` at the start of the body, which only a function's own braces may hold.
    pub(crate) inner_attributes: TokenStream,
    pub(crate) body: Group,
}

pub(crate) fn parse(tokens: TokenStream) -> Result<Target> {
    parse_function.parse2(tokens)
}

impl Target {
    /// What the body returns, where a type can say it: nothing if an `impl Trait` is part of it.
    pub(crate) fn nameable_output(&self) -> Option<TokenStream> {
        match &self.signature.output {
            ReturnType::Default => Some(quote::quote!(())),
            ReturnType::Type(_, ty) if contains_impl(quote::quote!(#ty)) => None,
            ReturnType::Type(_, ty) => Some(quote::quote!(#ty)),
        }
    }

    /// Whether it returns `!`, a type that only a signature may name.
    pub(crate) fn never_returns(&self) -> bool {
        matches!(&self.signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
    }

    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// A function that returns a future without saying `async`.
    pub(crate) fn returns_future(&self) -> bool {
        match &self.signature.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => is_future(ty),
        }
    }
}

fn parse_function(input: ParseStream<'_>) -> Result<Target> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    refuse_other_items(input)?;
    let signature: Signature = input.parse()?;
    if input.peek(Token![;]) {
        return Err(Error::new(
            signature.ident.span(),
            "there is no body to protect here; annotate the functions that implement this one",
        ));
    }
    let (inner_attributes, body) = split_body(input.parse()?)?;
    Ok(Target { attributes, visibility, signature, inner_attributes, body })
}

fn refuse_other_items(input: ParseStream<'_>) -> Result<()> {
    let ahead = input.fork();
    while ahead.peek(Token![unsafe]) || ahead.peek(Token![auto]) {
        ahead.call(syn::Ident::parse_any)?;
    }
    let is_constant = ahead.peek(Token![const]) && ahead.peek3(Token![:]);
    let Ok(word) = ahead.call(syn::Ident::parse_any) else {
        return Ok(());
    };
    let advice = match word.to_string().as_str() {
        "impl" | "trait" => "annotate its methods one by one",
        "struct" | "enum" | "union" | "mod" | "type" | "static" | "use" | "macro_rules" => {
            "annotate the function that makes the call"
        }
        _ if is_constant => "annotate the function that makes the call",
        _ => return Ok(()),
    };
    Err(Error::new(
        word.span(),
        format!("a circuit breaker protects a function, not this `{word}`; {advice}"),
    ))
}

fn split_body(tree: TokenTree) -> Result<(TokenStream, Group)> {
    let TokenTree::Group(braces) = tree else {
        return Err(Error::new(tree.span(), "expected `{`"));
    };
    let mut tokens = braces.stream().into_iter().peekable();
    let mut inner = TokenStream::new();
    let mut ahead = tokens.clone();
    while let (Some(hash), Some(bang), Some(list)) = (ahead.next(), ahead.next(), ahead.next())
        && is_inner_attribute(&hash, &bang, &list)
    {
        inner.extend([hash, bang, list]);
        tokens = ahead.clone();
    }
    if inner.is_empty() {
        return Ok((inner, braces));
    }
    let mut body = Group::new(Delimiter::Brace, tokens.collect());
    body.set_span(braces.span());
    Ok((inner, body))
}

fn is_inner_attribute(hash: &TokenTree, bang: &TokenTree, list: &TokenTree) -> bool {
    let is_punct = |tree: &TokenTree, c| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c);
    let is_list = matches!(list, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket);
    is_punct(hash, '#') && is_punct(bang, '!') && is_list
}

fn contains_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "impl",
        TokenTree::Group(group) => contains_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn is_future(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(one) => one.bounds.iter().any(bound_is_future),
        Type::Path(path) => path.path.segments.last().is_some_and(boxes_future),
        Type::Group(group) => is_future(&group.elem),
        Type::Paren(paren) => is_future(&paren.elem),
        _ => false,
    }
}

fn bound_is_future(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(one) if one.path.segments.last().is_some_and(|last| last.ident == "Future"))
}

/// `BoxFuture<..>`, and `Pin<Box<dyn Future ..>>` to whatever depth.
fn boxes_future(segment: &PathSegment) -> bool {
    if segment.ident == "BoxFuture" || segment.ident == "LocalBoxFuture" {
        return true;
    }
    let PathArguments::AngleBracketed(list) = &segment.arguments else {
        return false;
    };
    (segment.ident == "Pin" || segment.ident == "Box")
        && list.args.iter().any(|argument| match argument {
            GenericArgument::Type(Type::TraitObject(object)) => object.bounds.iter().any(bound_is_future),
            GenericArgument::Type(ty) => is_future(ty),
            _ => false,
        })
}
