//! How much the attribute writes: what it costs to compile comes from that, and unlike time it can be held.

use proc_macro2::{TokenStream, TokenTree};

use crate::recover::expand_or_explain;

/// Arguments, a function, and by how many tokens it grows. More is a decision: say why in the message of the
/// commit.
const BUDGET: [(&str, &str, usize); 8] = [
    ("", "fn price(sku: &str) -> Result<u64, E> { ask(sku) }", 140),
    ("", "async fn price(sku: &str) -> Result<u64, E> { ask(sku).await }", 171),
    ("fallback = cached", "fn price(sku: &str) -> Result<u64, E> { ask(sku) }", 235),
    ("fallback = |_| Ok(0)", "async fn price(sku: &str) -> Result<u64, E> { ask(sku).await }", 247),
    ("failure_threshold = 5, recovery_timeout = \"10s\"", "fn price() -> Result<u64, E> { ask() }", 166),
    ("failure_threshold = LIMIT", "fn price(sku: &str) -> Result<u64, E> { ask(sku) }", 194),
    ("fallback = cached, fallback_on = failure", "fn price(sku: &str) -> Result<u64, E> { ask(sku) }", 337),
    ("key = sku", "fn price(sku: &str) -> Result<u64, E> { ask(sku) }", 194),
];

#[test]
fn the_attribute_writes_no_more_than_was_agreed_on() {
    let found = BUDGET.map(|(arguments, function, agreed)| {
        let [given, input] =
            [arguments, function].map(|text| text.parse::<TokenStream>().expect("these are tokens"));
        let written = count(expand_or_explain(given, input.clone())) - count(input);
        (arguments, function, if written.abs_diff(agreed) * 20 <= agreed { agreed } else { written })
    });
    assert_eq!(found, BUDGET, "it differs by more than a twentieth; the right side is what was agreed on");
}

fn count(tokens: TokenStream) -> usize {
    let counts = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => 2 + count(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
    });
    counts.sum()
}
