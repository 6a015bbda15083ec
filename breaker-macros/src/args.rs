//! The grammar of the attribute: `key = value, key = value, key(pattern)`. It knows tokens and spans;
//! which keys there are, and what they may be given, it does not classifier.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, Result, Token, token};

/// One `key = value`, or one `key(..)`.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) given: Given,
}

/// What a key is given.
pub(crate) enum Given {
    Value(Expr),
    /// In parentheses, of which only some keys can say what they mean.
    List(Group),
}

/// Reads all arguments; one that cannot be read is an error and does not hide the next.
pub(crate) fn parse(tokens: TokenStream) -> (Vec<Arg>, Vec<Error>) {
    parse_all.parse2(tokens).unwrap_or_else(|error| (Vec::new(), vec![error]))
}

fn parse_all(input: ParseStream<'_>) -> Result<(Vec<Arg>, Vec<Error>)> {
    let (mut args, mut errors) = (Vec::new(), Vec::new());
    while !input.is_empty() {
        match parse_arg(input) {
            Ok(arg) => {
                args.push(arg);
                if !input.is_empty() && !input.peek(Token![,]) {
                    errors.push(input.error("expected `,` before the next key"));
                    if !at_key(input) {
                        skip_to_comma(input)?;
                    }
                }
            }
            Err(error) => {
                errors.push(error);
                skip_to_comma(input)?;
            }
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok((args, errors))
}

fn parse_arg(input: ParseStream<'_>) -> Result<Arg> {
    if !at_key(input) {
        return Err(input.error("expected `key = value`, as in `failure_threshold = 5`"));
    }
    let key = input.call(Ident::parse_any)?;
    if input.peek(token::Paren) {
        return Ok(Arg { key, given: Given::List(input.parse()?) });
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(key.span(), format!("`{key}` has no value; write `{key} = ..`")));
    }
    Ok(Arg { key, given: Given::Value(input.parse()?) })
}

fn at_key(input: ParseStream<'_>) -> bool {
    let has_value = input.peek2(Token![=]) && !input.peek2(Token![==]);
    input.peek(syn::Ident::peek_any) && (has_value || input.peek2(token::Paren))
}

fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
