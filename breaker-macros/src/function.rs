//! The annotated function: its attributes, its signature, and its unchanged body.
//!
//! The body stays one opaque group of tokens. It may be half-typed, or use syntax that only a later compiler
//! knows. This module looks only for inner attributes at its start, and for a `Box::pin(async move { .. })`
//! around all of it. It does not know the keys of the attribute.

mod boxed;
mod return_type;
mod lifetimes;
mod parameters;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Result, ReturnType, Signature, Token, Type, TypeImplTrait, Visibility};

pub(crate) use boxed::Boxed;
pub(crate) use lifetimes::{error_has_lifetime, for_all_lifetimes, value_borrows};
pub(crate) use parameters::{Binding, Copying, NotForwarded, Reuse, bound_names, forwarded_name, reuse};

use crate::grouping;
use crate::repeated::Repeated;

/// A function that carries the attribute.
pub(crate) struct AnnotatedFn {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The `#![..]` at the start of the body, which must stay directly in the braces of the function.
    pub(crate) inner_attributes: TokenStream,
    /// The result type of a call, in a form that is valid inside the body.
    pub(crate) nameable_output: Repeated,
    /// The code around the block of a function that returns a boxed future.
    pub(crate) boxed: Option<Boxed>,
    /// The block that makes the call.
    pub(crate) body: Group,
}

/// Reads the function. Returns an error if the item cannot be protected.
pub(crate) fn parse(tokens: TokenStream) -> Result<AnnotatedFn> {
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    let body = tokens.last_mut().and_then(take_body);
    let parse = |input: ParseStream<'_>| parse_function(input, body);
    parse.parse2(grouping::with_parentheses(tokens.into_iter().collect()))
}

// Input:  { .. }
// Output: { .. }, and {} in the tokens
//
// A parser would read the whole body only to find its end.
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

impl AnnotatedFn {
    /// Returns the result type of a call, or `None` if it is `()`.
    pub(crate) fn output(&self) -> Option<&Type> {
        output(&self.signature, self.boxed.as_ref())
    }

    /// Returns `true` if a call has an argument besides the receiver.
    pub(crate) fn has_arguments(&self) -> bool {
        self.signature.inputs.iter().any(|input| matches!(input, FnArg::Typed(_)))
    }

    /// Returns the span for errors about the result type.
    pub(crate) fn output_span(&self) -> Span {
        self.output().map_or_else(|| self.signature.ident.span(), Spanned::span)
    }

    /// Returns `true` if a call returns `!`, which no expression in a body may name.
    pub(crate) fn never_returns(&self) -> bool {
        matches!(self.output(), Some(Type::Never(_)))
    }

    /// Returns `true` if a call returns an `impl Trait`.
    pub(crate) fn returns_impl_trait(&self) -> bool {
        matches!(self.output(), Some(Type::ImplTrait(_)))
    }

    /// Returns `true` if a call returns a type such as `Result<_, impl Error>`.
    pub(crate) fn returns_impl_error(&self) -> bool {
        self.output().is_some_and(return_type::last_argument_is_impl)
    }

    /// Returns the `impl Trait` if a call returns a type such as `Result<impl Trait, _>`.
    pub(crate) fn impl_in_result(&self) -> Option<&TypeImplTrait> {
        return_type::impl_in_result(self.output()?)
    }

    /// Returns the items of a call that returns a type such as `Result<impl Stream<Item = X>, _>`.
    pub(crate) fn nameable_item(&self) -> Option<Repeated> {
        return_type::nameable_item(self.impl_in_result()?).map(Repeated::new)
    }

    /// Returns `true` if the call is async: in an `async fn`, or in a boxed `async` block.
    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some() || self.boxed.is_some()
    }

    /// Returns `true` if the function returns a future whose body is not visible.
    pub(crate) fn hides_future(&self) -> bool {
        !self.is_async() && self.output().is_some_and(boxed::is_future)
    }
}

fn output<'a>(signature: &'a Signature, boxed: Option<&Boxed>) -> Option<&'a Type> {
    let output = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) if boxed.is_some() => boxed::future_output(ty),
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    output.map(ungrouped).filter(|ty| !matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty()))
}

/// Removes parentheses, and the invisible groups that `macro_rules!` adds.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

fn parse_function(input: ParseStream<'_>, body: Option<Group>) -> Result<AnnotatedFn> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    reject_other_items(input)?;
    let signature: Signature = input.parse()?;
    if input.peek(Token![;]) {
        return Err(Error::new(
            signature.ident.span(),
            "this function has no body to protect; annotate its implementations",
        ));
    }
    let body = match input.parse()? {
        TokenTree::Group(read) => body.unwrap_or(read),
        other => return Err(Error::new(other.span(), "expected `{`")),
    };
    let (inner_attributes, body) = split_inner_attributes(body);
    let may_be_boxed = match &signature.output {
        ReturnType::Type(_, ty) => signature.asyncness.is_none() && boxed::future_output(ty).is_some(),
        ReturnType::Default => false,
    };
    let (boxed, body) = match may_be_boxed.then(|| boxed::unbox(&body)).flatten() {
        Some((boxed, block)) => (Some(boxed), block),
        None => (None, body),
    };
    let output = output(&signature, boxed.as_ref()).map_or_else(|| quote!(()), return_type::nameable);
    let nameable_output = Repeated::new(output);
    Ok(AnnotatedFn { attributes, visibility, signature, inner_attributes, nameable_output, boxed, body })
}

/// Returns an error if the item is not a function.
fn reject_other_items(input: ParseStream<'_>) -> Result<()> {
    let ahead = input.fork();
    while ahead.peek(Token![unsafe]) || ahead.peek(Token![auto]) {
        ahead.call(syn::Ident::parse_any)?;
    }
    let is_constant = ahead.peek(Token![const]) && ahead.peek3(Token![:]);
    let Ok(word) = ahead.call(syn::Ident::parse_any) else {
        return Ok(());
    };
    let advice = match word.to_string().as_str() {
        "impl" | "trait" => "annotate its methods instead",
        "struct" | "enum" | "union" | "mod" | "type" | "static" | "use" | "macro_rules" => {
            "annotate the function that makes the call"
        }
        _ if is_constant => "annotate the function that makes the call",
        _ => return Ok(()),
    };
    Err(Error::new(word.span(), format!("expected a function to protect, found `{word}`; {advice}")))
}

/// Separates the `#![..]` at the start of a body from the rest of it.
fn split_inner_attributes(braces: Group) -> (TokenStream, Group) {
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
