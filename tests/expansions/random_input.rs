//! Strategies for random attributes and functions, most of which are invalid.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::fragments::{
    ATTRIBUTES, BODIES, CLAUSES, GENERICS, INPUTS, KEYS, LITERALS, NAMES, OUTPUTS, PATTERNS, QUALIFIERS,
    VALUES, VISIBILITIES, WORDS,
};

/// Generates the arguments of the attribute.
pub(super) fn arguments() -> impl Strategy<Value = String> {
    let key = prop_oneof![20 => select(KEYS), 1 => select(WORDS), 1 => select(LITERALS)];
    let value = prop_oneof![
        6 => select(VALUES).prop_map(|value| format!("= {value}")),
        4 => select(LITERALS).prop_map(|value| format!("= {value}")),
        2 => select(PATTERNS).prop_map(|pattern| format!("({pattern})")),
        1 => select(vec!["", "=", "==", "= =", "()", "[5]", ": 5", "= 5 6", "=> 5"]).prop_map(str::to_owned),
    ];
    let comma = prop_oneof![20 => Just(","), 1 => Just(""), 1 => Just(";"), 1 => Just(",,")];
    let one = (key, value, comma).prop_map(|(key, value, comma)| format!("{key} {value}{comma} "));
    vec(one, 0..6).prop_map(|all| all.concat())
}

/// Generates a function without its body.
pub(super) fn signature() -> impl Strategy<Value = String> {
    let mostly =
        |common: &'static str, all: &'static [&'static str]| prop_oneof![3 => Just(common), 2 => select(all)];
    let before = (mostly("", ATTRIBUTES), mostly("pub", VISIBILITIES), mostly("async", QUALIFIERS));
    let after = (
        mostly("fn price", NAMES),
        mostly("", GENERICS),
        mostly("(x: u8)", INPUTS),
        mostly("-> Result<u8, Error>", OUTPUTS),
        mostly("", CLAUSES),
    );
    (before, after).prop_map(
        |((attributes, visibility, qualifiers), (name, generics, inputs, output, clause))| {
            format!("{attributes} {visibility} {qualifiers} {name} {generics}{inputs} {output} {clause}")
        },
    )
}

/// Generates a body, or other tokens instead of it.
pub(super) fn body() -> impl Strategy<Value = String> {
    let common = select(vec!["{ Ok(5) }", "{ Box::pin(async move { x.y }) }"]);
    prop_oneof![1 => common, 1 => select(BODIES)].prop_map(str::to_owned)
}

/// Generates one token.
pub(super) fn token() -> impl Strategy<Value = String> {
    const MARKS: &[&str] =
        &["=", ",", "|", ":", "::", ";", "#", "!", "&", "<", ">", "->", ".", "?", "'", "$", "@", "..", "*"];
    prop_oneof![select(WORDS), select(LITERALS), select(MARKS), select(KEYS)].prop_map(str::to_owned)
}
