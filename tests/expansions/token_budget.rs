//! The size of the expansion, in tokens. Compile time depends on it, and unlike time it can be tested.

use proc_macro2::{TokenStream, TokenTree};

use crate::recover::expand_or_report;

/// An annotated function, and the number of tokens that the expansion adds to it.
#[derive(Debug, PartialEq)]
struct Budget {
    arguments: &'static str,
    function: &'static str,
    tokens: usize,
}

const SYNC: &str = "fn price(sku: &str) -> Result<u64, E> { ask(sku) }";
const ASYNC: &str = "async fn price(sku: &str) -> Result<u64, E> { ask(sku).await }";

/// Explain every increase in the commit message.
const BUDGETS: [Budget; 9] = [
    Budget { arguments: "", function: SYNC, tokens: 140 },
    Budget { arguments: "", function: ASYNC, tokens: 171 },
    Budget { arguments: "fallback = cached", function: SYNC, tokens: 235 },
    Budget { arguments: "fallback = |_| Ok(0)", function: ASYNC, tokens: 226 },
    Budget {
        arguments: "failure_threshold = 5, recovery_timeout = \"10s\"",
        function: "fn price() -> Result<u64, E> { ask() }",
        tokens: 166,
    },
    Budget { arguments: "failure_threshold = LIMIT", function: SYNC, tokens: 194 },
    Budget { arguments: "config = DATABASE", function: SYNC, tokens: 199 },
    Budget { arguments: "fallback = cached, fallback_on = failure", function: SYNC, tokens: 263 },
    Budget { arguments: "key = sku", function: SYNC, tokens: 194 },
];

#[test]
fn the_expansion_stays_within_its_token_budget() {
    let actual = BUDGETS.map(|Budget { arguments, function, tokens }| {
        let parse = |text: &str| text.parse::<TokenStream>().expect("the text is valid tokens");
        let input = parse(function);
        let added = count(expand_or_report(parse(arguments), input.clone())) - count(input);
        let is_close = added.abs_diff(tokens) * 20 <= tokens;
        Budget { arguments, function, tokens: if is_close { tokens } else { added } }
    });
    assert_eq!(actual, BUDGETS, "the size differs from the budget on the right by more than 5 percent");
}

fn count(tokens: TokenStream) -> usize {
    let counts = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => 2 + count(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
    });
    counts.sum()
}
