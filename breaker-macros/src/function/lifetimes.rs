//! A type for all of its lifetimes, so that the compiler selects only implementations that hold for all of them.
//! The module `lifetimes` of the runtime explains it.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::{GenericArgument, Generics, PathArguments, Type};

use super::return_type::{FUNCTION_WORDS, contains_word, is_quote};
use crate::repeated::Repeated;

/// The lifetime that replaces all others. There is one, because a type may require that one of its lifetimes
/// outlives another.
const LIFETIME: &str = "__a";

/// Returns `true` if a lifetime is written in the type.
pub(crate) fn has_lifetime(ty: &Type) -> bool {
    contains_quote(ty.to_token_stream())
}

/// Returns `true` if a lifetime is written where a `Result` has its error.
pub(crate) fn error_has_lifetime(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let Some(PathArguments::AngleBracketed(list)) = path.path.segments.last().map(|last| &last.arguments)
    else {
        return false;
    };
    let mut types = list.args.iter().filter(|argument| matches!(argument, GenericArgument::Type(_)));
    let is_lifetime = |argument: &GenericArgument| matches!(argument, GenericArgument::Lifetime(_));
    match (types.next(), types.last()) {
        (Some(_), Some(error)) => contains_quote(error.to_token_stream()),
        // An alias: the lifetime may be that of the error.
        (Some(_) | None, _) => list.args.iter().any(is_lifetime),
    }
}

/// Returns `true` if a reference or a lifetime other than `'static` is written where a `Result` has its value.
pub(crate) fn value_borrows(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    let Some(result) = path.path.segments.last().filter(|segment| segment.ident == "Result") else {
        return false;
    };
    let PathArguments::AngleBracketed(list) = &result.arguments else {
        return false;
    };
    list.args.first().is_some_and(|value| {
        let value = value.to_token_stream();
        !contains_word(value.clone(), &FUNCTION_WORDS) && borrows(value)
    })
}

fn borrows(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_found = match (&token, tokens.peek()) {
            (TokenTree::Group(group), _) => borrows(group.stream()),
            (quote, Some(TokenTree::Ident(name))) if is_quote(quote) => name != "static",
            (TokenTree::Punct(mark), Some(next)) => mark.as_char() == '&' && !is_quote(next),
            (TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_), _) => false,
        };
        if is_found {
            return true;
        }
    }
    false
}

// Input:  Result<u32, Fault<'a, '_>>
// Output: dyn for<'__a> private::ForLifetime<'__a, Type = Result<u32, Fault<'__a, '__a>>>
//
// Returns `None` for a type that cannot have this form. That includes one with a type parameter: the compiler
// cannot prove that `T` outlives each `'__a`.
pub(crate) fn for_all_lifetimes(
    ty: TokenStream,
    generics: &Generics,
    private: &Repeated,
) -> Option<TokenStream> {
    let is_parameter = |word: &Ident| generics.type_params().any(|parameter| parameter.ident == *word);
    if contains_word(ty.clone(), &FUNCTION_WORDS)
        || contains_word(ty.clone(), &["impl", "Self"])
        || contains_parameter(ty.clone(), &|word| is_parameter(word) || looks_like_parameter(word))
    {
        return None;
    }
    let ty = bind_lifetimes(ty);
    let name = lifetime();
    Some(quote_spanned!(Span::mixed_site()=> dyn for<#name> #private::ForLifetime<#name, Type = #ty>))
}

/// Replaces each lifetime except `'static`.
fn bind_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut bound = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (token, tokens.peek()) {
            (quote, Some(TokenTree::Ident(name))) if is_quote(&quote) && name != "static" => {
                bound.extend(lifetime());
                tokens.next();
            }
            (TokenTree::Group(group), _) if group.delimiter() != Delimiter::Brace => {
                let mut inside = Group::new(group.delimiter(), bind_lifetimes(group.stream()));
                inside.set_span(group.span());
                bound.extend([TokenTree::Group(inside)]);
            }
            (token, _) => bound.extend([token]),
        }
    }
    bound
}

fn lifetime() -> TokenStream {
    let mut quote = Punct::new('\'', Spacing::Joint);
    quote.set_span(Span::mixed_site());
    let name = Ident::new(LIFETIME, Span::mixed_site());
    [TokenTree::Punct(quote), TokenTree::Ident(name)].into_iter().collect()
}

/// Returns `true` for names such as `T` and `K2`, which are usually type parameters, perhaps of an `impl`.
fn looks_like_parameter(word: &Ident) -> bool {
    let word = word.to_string();
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.all(|letter| letter.is_ascii_digit())
}

/// Returns `true` if a word is a type parameter. The name of a trait behind `dyn` is none, nor is one with arguments.
fn contains_parameter(tokens: TokenStream, is_parameter: &impl Fn(&Ident) -> bool) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_trait = false;
    while let Some(token) = tokens.next() {
        let has_arguments = matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '<');
        let was_trait = std::mem::replace(&mut is_trait, false);
        let is_found = match token {
            TokenTree::Ident(word) => {
                is_trait = word == "dyn";
                !was_trait && !has_arguments && is_parameter(&word)
            }
            TokenTree::Group(group) => contains_parameter(group.stream(), is_parameter),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        };
        if is_found {
            return true;
        }
    }
    false
}

fn contains_quote(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => contains_quote(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => is_quote(&token),
    })
}
