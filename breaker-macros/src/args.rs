//! The grammar of the attribute: `key = value, key = value`. It knows tokens and spans; which keys
//! there are, and what their values may be, it does not judge.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, Result, Token};

/// One `key = value`.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: Expr,
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
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(key.span(), format!("`{key}` has no value; write `{key} = ..`")));
    }
    Ok(Arg { key, value: input.parse()? })
}

fn at_key(input: ParseStream<'_>) -> bool {
    input.peek(syn::Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==])
}

fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
