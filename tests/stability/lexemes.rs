//! Prints tokens on one line, spaced as rustfmt does it in signatures.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Lexemes of several characters of punctuation.
const COMPOUND: &[&str] = &["::", "->", "=>", "..", "...", "..="];

/// Words that may have a parenthesis or a bracket after them that opens no argument list.
const KEYWORDS: &[&str] = &["as", "dyn", "for", "in", "mut", "where"];

/// A lexeme, and whether the next one follows it without a space in the source.
struct Lexeme {
    text: String,
    is_joint: bool,
}

/// Returns the text of tokens.
pub(crate) fn text(tokens: TokenStream) -> String {
    join(&list(tokens))
}

/// Returns the lexemes of tokens: names, literals, lifetimes and punctuation such as `::`.
pub(crate) fn list(tokens: TokenStream) -> Vec<String> {
    let mut lexemes = Vec::new();
    flatten(tokens, &mut lexemes);
    lexemes.into_iter().map(|lexeme| lexeme.text).collect()
}

/// Returns lexemes as text.
pub(crate) fn join(lexemes: &[String]) -> String {
    let mut text = String::new();
    let mut before = "";
    for lexeme in lexemes {
        if !before.is_empty() && !is_tight(before, lexeme) {
            text.push(' ');
        }
        text.push_str(lexeme);
        before = lexeme;
    }
    // rustfmt writes the trailing commas of lists on several lines.
    text.replace(",)", ")").replace(",>", ">").replace(", }", " }").replace(", {", " {")
}

fn flatten(tokens: TokenStream, lexemes: &mut Vec<Lexeme>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                lexemes.extend(lexeme(open));
                flatten(group.stream(), lexemes);
                lexemes.extend(lexeme(close));
            }
            TokenTree::Punct(punct) => {
                let is_joint = punct.spacing() == proc_macro2::Spacing::Joint;
                push(lexemes, punct.as_char().to_string(), is_joint, |compound| COMPOUND.contains(&compound));
            }
            TokenTree::Ident(ident) => {
                push(lexemes, ident.to_string(), false, |compound| compound.starts_with('\''));
            }
            TokenTree::Literal(literal) => lexemes.extend(lexeme(&literal.to_string())),
        }
    }
}

fn lexeme(text: &str) -> Option<Lexeme> {
    (!text.is_empty()).then(|| Lexeme { text: text.to_owned(), is_joint: false })
}

/// Appends to the last lexeme if it is joint and both together are one lexeme.
fn push(lexemes: &mut Vec<Lexeme>, text: String, is_joint: bool, is_one: impl Fn(&str) -> bool) {
    if let Some(last) = lexemes.last_mut().filter(|last| last.is_joint) {
        let both = format!("{}{text}", last.text);
        if is_one(&both) {
            *last = Lexeme { text: both, is_joint };
            return;
        }
    }
    lexemes.push(Lexeme { text, is_joint });
}

fn is_tight(before: &str, after: &str) -> bool {
    let is_name = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    let opens_list = match after {
        "(" => before == ">" || is_name && !KEYWORDS.contains(&before),
        "<" => is_name,
        _ => false,
    };
    opens_list
        || matches!(after, "," | ";" | ")" | "]" | ">" | ":" | "::" | ".")
        || matches!(before, "(" | "[" | "<" | "&" | "::" | "?" | "*" | "." | "#")
}

#[test]
fn signatures_are_printed_as_rustfmt_does() {
    for signature in [
        "fn f<'a, T: ?Sized + Ord>(&'a mut self, a: &[u8], b: [T; 3]) -> Result<(), <T as X>::Error>",
        "impl<F: for<'x> Fn(&'x str) -> bool> A<F> for Box<dyn (Fn() -> u8) + Send> where F: Send",
    ] {
        assert_eq!(text(signature.parse().unwrap()), signature);
    }
    assert_eq!(text("fn f(\n a: u8,\n) -> X<\n T,\n>".parse().unwrap()), "fn f(a: u8) -> X<T>");
}
