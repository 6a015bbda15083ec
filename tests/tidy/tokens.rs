//! A text as a flat row of tokens, brackets included, so that a pattern is a slice of words. Comments
//! are gone; doc comments are there as the attributes that they stand for.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// One token, or one bracket, and the lines it stands on.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
    pub(crate) last_line: usize,
}

pub(crate) fn tokens(stream: TokenStream) -> Vec<Token> {
    let mut row = Vec::new();
    collect(stream, &mut row);
    row
}

/// The places in `row` at which `words` begin.
pub(crate) fn places<'a>(row: &'a [Token], words: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    let matches = move |window: &[Token]| window.iter().zip(words).all(|(token, word)| token.text == *word);
    row.windows(words.len()).enumerate().filter(move |(_, window)| matches(window)).map(|(place, _)| place)
}

/// The lines on which `words` begin.
pub(crate) fn lines<'a>(row: &'a [Token], words: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    places(row, words).filter_map(|place| row.get(place)).map(|token| token.line)
}

/// What stands between the bracket at `open` and the one that closes it.
pub(crate) fn inside(row: &[Token], open: usize) -> &[Token] {
    let rest = row.get(open + 1..).unwrap_or_default();
    let mut depth = 1_usize;
    for (place, token) in rest.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return rest.get(..place).unwrap_or_default();
        }
    }
    rest
}

fn collect(stream: TokenStream, row: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                row.push(token(open.to_owned(), group.span_open()));
                collect(group.stream(), row);
                row.push(token(close.to_owned(), group.span_close()));
            }
            TokenTree::Ident(ident) => row.push(token(ident.to_string(), ident.span())),
            TokenTree::Punct(punct) => row.push(token(punct.to_string(), punct.span())),
            TokenTree::Literal(literal) => row.push(token(literal.to_string(), literal.span())),
        }
    }
}

fn token(text: String, span: Span) -> Token {
    Token { text, line: span.start().line, last_line: span.end().line }
}
