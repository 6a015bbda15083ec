//! The annotated function: its attributes, its signature, and a body that stays as it was written.
//!
//! The body is one opaque group of tokens. It may be half typed, or hold code that only a later
//! compiler understands; nothing here looks into it but for inner attributes at its start, and a
//! `Box::pin(async move { .. })` around all of it.

mod arguments;
mod boxed;
mod nameable;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Result, ReturnType, Signature, Token, Type, Visibility};

pub(crate) use arguments::{Binding, Reuse, argument_name, bound, reuse};
pub(crate) use boxed::Boxed;

use crate::repeated::Repeated;

pub(crate) struct Target {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// `#![..]` at the start of the body, which only a function's own braces may hold.
    pub(crate) inner_attributes: TokenStream,
    /// What a call gives in the end, as the body can say it.
    pub(crate) nameable_output: Repeated,
    /// What stands around the body of a function that returns a box with the call in it.
    pub(crate) boxed: Option<Boxed>,
    pub(crate) body: Group,
}

pub(crate) fn parse(tokens: TokenStream) -> Result<Target> {
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    let body = tokens.last_mut().and_then(take_body);
    let parse = |input: ParseStream<'_>| parse_function(input, body);
    parse.parse2(tokens.into_iter().collect())
}

// Input:  { .. }
// Output: { .. }, and in its place {}
//
// The parser would read it, however long it is, to find its end.
fn take_body(last: &mut TokenTree) -> Option<Group> {
    match last {
        TokenTree::Group(braces) if braces.delimiter() == Delimiter::Brace => {
            let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
            empty.set_span(braces.span());
            Some(std::mem::replace(braces, empty))
        }
        TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

impl Target {
    /// What a call gives in the end; none if that is `()`.
    pub(crate) fn output(&self) -> Option<&Type> {
        output(&self.signature, self.boxed.as_ref())
    }

    /// Where the compiler points when it speaks of what a call gives.
    pub(crate) fn output_span(&self) -> Span {
        self.output().map_or_else(|| self.signature.ident.span(), Spanned::span)
    }

    /// Whether it returns `!`, a type that only a signature may name.
    pub(crate) fn never_returns(&self) -> bool {
        matches!(self.output(), Some(Type::Never(_)))
    }

    /// Whether it returns an `impl Trait`, of which nobody knows what it is.
    pub(crate) fn hides_output(&self) -> bool {
        matches!(self.output(), Some(Type::ImplTrait(_)))
    }

    /// Whether it returns something like a `Result` whose error is an `impl Trait`.
    pub(crate) fn hides_error(&self) -> bool {
        self.output().is_some_and(nameable::hides_last_of_two)
    }

    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some() || self.boxed.is_some()
    }

    /// A function that gives a future away, and nobody sees the call in it.
    pub(crate) fn hides_future(&self) -> bool {
        !self.is_async() && self.output().is_some_and(boxed::is_future)
    }
}

fn output<'a>(signature: &'a Signature, boxed: Option<&Boxed>) -> Option<&'a Type> {
    let output = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) if boxed.is_some() => boxed::output_of(ty),
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    output.map(ungrouped).filter(|ty| !matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty()))
}

/// A type that came through `macro_rules!`, or stands in parentheses.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

fn parse_function(input: ParseStream<'_>, body: Option<Group>) -> Result<Target> {
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
    let body = match input.parse()? {
        TokenTree::Group(read) => body.unwrap_or(read),
        other => return Err(Error::new(other.span(), "expected `{`")),
    };
    let (inner_attributes, body) = split_body(body);
    let is_boxed = match &signature.output {
        ReturnType::Type(_, ty) => signature.asyncness.is_none() && boxed::output_of(ty).is_some(),
        ReturnType::Default => false,
    };
    let (boxed, body) = match is_boxed.then(|| boxed::unboxed(&body)).flatten() {
        Some((boxed, call)) => (Some(boxed), call),
        None => (None, body),
    };
    let output = output(&signature, boxed.as_ref()).map_or_else(|| quote!(()), nameable::nameable);
    let nameable_output = Repeated::new(output);
    Ok(Target { attributes, visibility, signature, inner_attributes, nameable_output, boxed, body })
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

fn split_body(braces: Group) -> (TokenStream, Group) {
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
        return (inner, braces);
    }
    let mut body = Group::new(Delimiter::Brace, tokens.collect());
    body.set_span(braces.span());
    (inner, body)
}

fn is_inner_attribute(hash: &TokenTree, bang: &TokenTree, list: &TokenTree) -> bool {
    let is_punct = |tree: &TokenTree, c| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c);
    let is_list = matches!(list, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket);
    is_punct(hash, '#') && is_punct(bang, '!') && is_list
}
