//! Robustness: any input yields either one function, or errors beside the unchanged input.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use quote::quote;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, LitStr, Token, braced};

use super::edits::{Edit, apply, edit};
use super::random_input::{arguments, body, signature};
use crate::function;
use crate::recover::expand_or_report;

const CASES: u32 = 2000;

/// Number of cases by result. A test needs enough of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    expanded: u32,
    reported: u32,
}

/// The result of a valid answer.
enum Answer {
    Expanded,
    Reported,
}

#[test]
fn syn_852_any_input_is_expanded_or_reported_without_a_panic() {
    let edits = || vec((any::<usize>(), edit()), 0..3);
    let input = (arguments(), signature(), body(), edits(), edits());
    let Tally { expanded, reported } = run(&input, |(arguments, signature, body, first, second)| {
        (edited(&arguments, &first), edited(&format!("{signature} {body}"), &second))
    });
    assert!(expanded > CASES / 200 && reported > CASES / 2, "{expanded} expanded, {reported} reported");
}

#[test]
fn rust_analyzer_11014_a_half_typed_body_is_kept_unchanged() {
    const RIGHT: &str = "name = \"payment\", window = 100, failure_rate = 0.5, fallback = |error| Ok(0)";
    const SIGNATURE: &str =
        "pub async fn price<'a, T>(&'a self, (a, b): (u8, T)) -> Result<&'a u8, E> where T: X";
    const BODY: &str = "{ let x = self.x(|y| y + 1)?; if x { return Err(x) } match x { _ => Ok(&x.y) } }";
    let tally = run(&vec((any::<usize>(), edit()), 1..5), |edits| {
        let inside = edited(BODY, &[]).into_iter().filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        });
        let half_typed =
            edits.iter().fold(inside.collect(), |tokens, (index, edit)| apply(tokens, *index, edit));
        let body = TokenTree::Group(Group::new(Delimiter::Brace, half_typed));
        (edited(RIGHT, &[]), [edited(SIGNATURE, &[]), body.into()].into_iter().collect())
    });
    assert_eq!(tally, Tally { expanded: CASES, reported: 0 }, "only the body is wrong");
}

#[test]
fn tracing_615_errors_are_in_braces_beside_the_function() {
    let function: TokenStream = edited("fn price() {}", &[]);
    let expansion = expand_or_report(edited("nam = 5, window", &[]), function).to_string();
    assert!(expansion.starts_with(":: core :: compile_error ! {"), "{expansion}");
    assert!(expansion.ends_with("} fn price () { }"), "{expansion}");
    assert_eq!(expansion.matches("compile_error").count(), 2, "{expansion}");
}

#[test]
fn a_missing_arrow_is_reported_although_the_body_is_not_parsed() {
    let function = edited("fn price() Result<u64, E> { ask(sku) }", &[]);
    let expansion = expand_or_report(TokenStream::new(), function).to_string();
    assert!(expansion.contains("expected `{`"), "{expansion}");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    // rustc runs macros on a stack of this size.
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(check_deep_nesting);
    thread.expect("the thread starts").join().expect("the thread does not panic");
}

/// Checks inputs nested 100 levels deep; at 1000 levels, rustc itself overflows its stack. Bodies are not parsed,
/// so they are nested 1000 levels deep.
fn check_deep_nesting() {
    let nested =
        |open: &str, inside: &str, close: &str| format!("{}{inside}{}", open.repeat(100), close.repeat(100));
    for arguments in [
        format!("failure_threshold = {}", nested("(", "5", ")")),
        format!("failure_threshold = {}", nested("-", "5", "")),
        format!("fallback = {}", nested("|_| {", "5", "}")),
        format!("failure_if({})", nested("Some(", "5", ")")),
        format!("key = {}, fallback = |_| {}", nested("[x[", "5", "]]"), nested("{", "panic!()", "}")),
    ] {
        check(&arguments, "fn price(x: u8) -> A {}");
    }
    for output in [
        nested("Result<", "impl X", ", E>"),
        nested("Pin<", "Box<dyn Future<Output = u8>>", ">"),
        nested("&'a ", "u8", ""),
    ] {
        check(
            "fallback = cached",
            &format!("fn price(x: u8) -> {output} {{ Box::pin(async move {{ x.y }}) }}"),
        );
    }
    check("", &format!("fn price(x: u8) -> A {{ {}5{} }}", "{".repeat(1000), "}".repeat(1000)));
}

#[track_caller]
fn check(arguments: &str, function: &str) {
    let (arguments, function) = (edited(arguments, &[]), edited(function, &[]));
    assert!(!function.is_empty(), "the function is valid tokens");
    answer(&arguments, &function).unwrap_or_else(|error| panic!("{error}"));
}

/// Checks the answer to every generated input, and counts the answers.
fn run<S: Strategy>(input: &S, tokens: impl Fn(S::Value) -> (TokenStream, TokenStream)) -> Tally {
    let tally = std::cell::Cell::new(Tally::default());
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(input, |value| {
        let (arguments, function) = tokens(value);
        let mut counts = tally.get();
        match answer(&arguments, &function)? {
            Answer::Expanded => counts.expanded += 1,
            Answer::Reported => counts.reported += 1,
        }
        tally.set(counts);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    tally.get()
}

/// Parses `text` and applies the edits to its tokens.
fn edited(text: &str, edits: &[(usize, Edit)]) -> TokenStream {
    let tokens = text.parse().unwrap_or_default();
    edits.iter().fold(tokens, |tokens, (index, edit)| apply(tokens, *index, edit))
}

/// Checks the answer to one input. Errors are followed by the unchanged function. An expansion is one function that
/// contains the body exactly once.
fn answer(arguments: &TokenStream, function: &TokenStream) -> Result<Answer, TestCaseError> {
    let expansion = expand_or_report(arguments.clone(), function.clone());
    let (count, rest) = take_errors.parse2(expansion.clone()).map_err(|error| fail(&error, &expansion))?;
    if count > 0 {
        prop_assert_eq!(rest.to_string(), function.to_string(), "the function has changed");
        return Ok(Answer::Reported);
    }
    let annotated = function::parse(function.clone()).map_err(|error| fail(&error, &expansion))?;
    let (body, mut equal, mut found) = (annotated.body.to_string(), 0, 0);
    // A const block in an attribute or in the signature may equal the body.
    let (attributes, signature) = (&annotated.attributes, &annotated.signature);
    emptied(quote!(#(#attributes)* #signature), &body, &mut equal);
    let emptied = emptied(expansion.clone(), &body, &mut found);
    let is_there_once = annotated.body.stream().is_empty() || found == equal + 1;
    prop_assert!(is_there_once, "{} bodies in {}", found - equal, expansion);
    // Inner attributes of the body are outside its braces in the expansion.
    if Attribute::parse_inner.parse2(annotated.inner_attributes).is_ok() {
        syn::parse2::<syn::File>(emptied).map_err(|error| fail(&error, &expansion))?;
    }
    Ok(Answer::Expanded)
}

/// Returns the number of errors at the start, and the tokens after them.
fn take_errors(input: ParseStream<'_>) -> syn::Result<(usize, TokenStream)> {
    let mut count = 0;
    while take_error(&input.fork()).is_ok() {
        take_error(input)?;
        count += 1;
    }
    Ok((count, input.parse()?))
}

fn take_error(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![::]>()?;
    input.parse::<syn::Path>()?;
    input.parse::<Token![!]>()?;
    let text;
    braced!(text in input);
    text.parse()
}

/// Removes the content of the body, which may be invalid Rust, and counts the bodies.
fn emptied(tokens: TokenStream, body: &str, found: &mut usize) -> TokenStream {
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) if group.to_string() == body => {
            *found += 1;
            TokenTree::Group(Group::new(Delimiter::Brace, TokenStream::new()))
        }
        TokenTree::Group(group) => {
            let inside = emptied(group.stream(), body, found);
            TokenTree::Group(Group::new(group.delimiter(), inside))
        }
        other => other,
    });
    tokens.collect()
}

fn fail(error: &syn::Error, expansion: &TokenStream) -> TestCaseError {
    TestCaseError::fail(format!("{error} in {expansion}"))
}
