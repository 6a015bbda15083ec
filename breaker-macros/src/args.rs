//! The grammar of the attribute: `key = value, key = value, key(pattern)`.
//!
//! This module knows the keys, their tokens and their spans. It does not know which values a key accepts.

mod foreign;
mod key;
mod unknown_key;

use proc_macro2::{Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, Lit, Result, Token, token};

pub(crate) use key::Key;
use unknown_key::unknown_key;

use crate::grouping;

/// All keys of one attribute, with their values.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) args: Vec<Arg>,
    /// One error for each key that cannot be read.
    pub(crate) errors: Vec<Error>,
}

/// One `key = value` or `key(..)`.
pub(crate) struct Arg {
    pub(crate) key: Key,
    /// Span of the key.
    pub(crate) span: Span,
    pub(crate) value: ArgValue,
}

/// The value of a key.
pub(crate) enum ArgValue {
    /// The expression after `=`.
    Expr(Expr),
    /// The tokens in parentheses. Only some keys accept them.
    Parentheses(Group),
}

/// Reads all keys and their values. One that cannot be read is an error and does not hide the next one.
pub(crate) fn parse(tokens: TokenStream) -> Args {
    let tokens = with_final_comma(grouping::with_parentheses(tokens));
    parse_all.parse2(tokens).unwrap_or_else(|error| Args { args: Vec::new(), errors: vec![error] })
}

/// Adds a comma at the last token, unless it is one. An error at the end of the last value then points to that value
/// and not to the whole attribute.
fn with_final_comma(mut tokens: TokenStream) -> TokenStream {
    let last = tokens.clone().into_iter().last();
    if let Some(last) = last.filter(|last| !matches!(last, TokenTree::Punct(mark) if mark.as_char() == ',')) {
        let mut comma = Punct::new(',', Spacing::Alone);
        comma.set_span(last.span());
        tokens.extend([TokenTree::from(comma)]);
    }
    tokens
}

fn parse_all(input: ParseStream<'_>) -> Result<Args> {
    let mut all = Args::default();
    while !input.is_empty() {
        match parse_arg(input) {
            Ok(arg) => {
                match arg {
                    Ok(arg) => all.args.push(arg),
                    Err(unknown_key) => all.errors.push(unknown_key),
                }
                if !input.is_empty() && !input.peek(Token![,]) {
                    all.errors.push(input.error("expected `,` before the next key"));
                    if !at_key(input) {
                        skip_to_comma(input)?;
                    }
                }
            }
            Err(error) => {
                all.errors.push(error);
                skip_to_comma(input)?;
            }
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(all)
}

/// Reads one key and its value. The inner result is an error if both are well-formed but the key is unknown.
fn parse_arg(input: ParseStream<'_>) -> Result<Result<Arg>> {
    if !at_key(input) {
        return Err(input.error("expected `key = value`, as in `failure_threshold = 5`"));
    }
    let word = input.call(Ident::parse_any)?;
    let value = parse_value(input, &word)?;
    let key = Key::find(&word).ok_or_else(|| unknown_key(&word));
    Ok(key.map(|key| Arg { key, span: word.span(), value }))
}

fn parse_value(input: ParseStream<'_>, key: &Ident) -> Result<ArgValue> {
    if input.peek(token::Paren) {
        return Ok(ArgValue::Parentheses(input.parse()?));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(key.span(), format!("`{key}` has no value; write `{key} = ..`")));
    }
    if let Some(percentage) = percentage(input) {
        let share = share(&percentage);
        let rate = if Key::SHARES.iter().any(|share| key == share.name()) {
            key.to_string()
        } else {
            Key::FailureRate.to_string()
        };
        return Err(Error::new(
            percentage.span(),
            format!("`{key}` cannot have a `%`; write the share as a number, as in `{rate} = {share}`"),
        ));
    }
    Ok(ArgValue::Expr(input.parse()?))
}

/// Returns the number if the value is a number with a `%` behind it, which is no expression.
fn percentage(input: ParseStream<'_>) -> Option<Lit> {
    let ahead = input.fork();
    let number = ahead.parse().ok()?;
    ahead.parse::<Token![%]>().ok()?;
    let is_number = matches!(number, Lit::Int(_) | Lit::Float(_));
    (is_number && (ahead.is_empty() || ahead.peek(Token![,]))).then_some(number)
}

/// Returns the share that a percentage is.
fn share(percentage: &Lit) -> String {
    let digits = match percentage {
        Lit::Int(number) => number.base10_digits(),
        Lit::Float(number) => number.base10_digits(),
        _ => "",
    };
    digits.parse::<f64>().map_or_else(|_| "0.5".to_owned(), |number| (number / 100.0).to_string())
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
