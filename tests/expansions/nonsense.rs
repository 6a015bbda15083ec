//! Attributes and functions at random: pieces that are right somewhere, and some that are right nowhere.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::pieces::{
    ATTRIBUTES, BODIES, CLAUSES, GENERICS, INPUTS, KEYS, LITERALS, NAMES, OUTPUTS, PATTERNS, QUALIFIERS,
    VALUES, VISIBILITIES, WORDS,
};

/// What stands in the parentheses of the attribute.
pub(crate) fn arguments() -> impl Strategy<Value = String> {
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

/// Everything of a function but its body.
pub(crate) fn signature() -> impl Strategy<Value = String> {
    let often =
        |common: &'static str, all: &'static [&'static str]| prop_oneof![3 => Just(common), 2 => select(all)];
    let before = (often("", ATTRIBUTES), often("pub", VISIBILITIES), often("async", QUALIFIERS));
    let after = (
        often("fn price", NAMES),
        often("", GENERICS),
        often("(x: u8)", INPUTS),
        often("-> Result<u8, Error>", OUTPUTS),
        often("", CLAUSES),
    );
    (before, after).prop_map(
        |((attributes, visibility, qualifiers), (name, generics, inputs, output, clause))| {
            format!("{attributes} {visibility} {qualifiers} {name} {generics}{inputs} {output} {clause}")
        },
    )
}

/// A body, or what somebody has written in its place.
pub(crate) fn body() -> impl Strategy<Value = String> {
    let common = select(vec!["{ Ok(5) }", "{ Box::pin(async move { x.y }) }"]);
    prop_oneof![1 => common, 1 => select(BODIES)].prop_map(str::to_owned)
}

/// A word or a number, for any place.
pub(crate) fn token() -> impl Strategy<Value = String> {
    const MARKS: &[&str] =
        &["=", ",", "|", ":", "::", ";", "#", "!", "&", "<", ">", "->", ".", "?", "'", "$", "@", "..", "*"];
    prop_oneof![select(WORDS), select(LITERALS), select(MARKS), select(KEYS)].prop_map(str::to_owned)
}
