//! Whatever the attribute is given, it answers: with a function, or with errors and what it was given.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use quote::quote;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, LitStr, Token, braced};

use crate::edits::{Edit, apply, edit};
use crate::nonsense::{arguments, body, signature};
use crate::recover::expand_or_explain;
use crate::function;

const CASES: u32 = 2000;

/// How often something was expanded, and how often explained; of each there must be enough.
type Tally = (u32, u32);

#[test]
fn syn_852_whatever_it_is_given_it_answers_and_never_panics() {
    let edits = || vec((any::<usize>(), edit()), 0..3);
    let given = (arguments(), signature(), body(), edits(), edits());
    let (expanded, explained) = run(&given, |(arguments, signature, body, first, second)| {
        (edited(&arguments, &first), edited(&format!("{signature} {body}"), &second))
    });
    assert!(expanded > CASES / 200 && explained > CASES / 2, "{expanded} expanded, {explained} explained");
}

#[test]
fn rust_analyzer_11014_a_half_typed_body_stays_as_it_is() {
    const RIGHT: &str = "name = \"payment\", window = 100, failure_rate = 0.5, fallback = |error| Ok(0)";
    const SIGNATURE: &str =
        "pub async fn price<'a, T>(&'a self, (a, b): (u8, T)) -> Result<&'a u8, E> where T: X";
    const BODY: &str = "{ let x = self.x(|y| y + 1)?; if x { return Err(x) } match x { _ => Ok(&x.y) } }";
    let (expanded, explained) = run(&vec((any::<usize>(), edit()), 1..5), |edits| {
        let inside = edited(BODY, &[]).into_iter().filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        });
        let half_typed =
            edits.iter().fold(inside.collect(), |tokens, (place, edit)| apply(tokens, *place, edit));
        let body = TokenTree::Group(Group::new(Delimiter::Brace, half_typed));
        (edited(RIGHT, &[]), [edited(SIGNATURE, &[]), body.into()].into_iter().collect())
    });
    assert_eq!((expanded, explained), (CASES, 0), "nothing but the body is wrong");
}

#[test]
fn tracing_615_errors_stand_in_braces_beside_the_function() {
    let function: TokenStream = edited("fn price() {}", &[]);
    let expansion = expand_or_explain(edited("nam = 5, window", &[]), function).to_string();
    assert!(expansion.starts_with(":: core :: compile_error ! {"), "{expansion}");
    assert!(expansion.ends_with("} fn price () { }"), "{expansion}");
    assert_eq!(expansion.matches("compile_error").count(), 2, "{expansion}");
}

#[test]
fn a_forgotten_arrow_is_pointed_at_though_the_body_is_not_read() {
    let function = edited("fn price() Result<u64, E> { ask(sku) }", &[]);
    let expansion = expand_or_explain(TokenStream::new(), function).to_string();
    assert!(expansion.contains("expected `{`"), "{expansion}");
}

#[test]
fn deep_nesting_does_not_end_the_compiler() {
    // The stack that rustc runs macros on, and this is a debug build of one as well.
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(answer_the_deepest);
    thread.expect("there is room for its stack").join().expect("it answers");
}

/// Deeper than anybody nests; ten times as deep, rustc itself has no stack left. Bodies are deeper, since nobody
/// looks into them.
fn answer_the_deepest() {
    let nested =
        |open: &str, inside: &str, close: &str| format!("{}{inside}{}", open.repeat(100), close.repeat(100));
    for arguments in [
        format!("failure_threshold = {}", nested("(", "5", ")")),
        format!("failure_threshold = {}", nested("-", "5", "")),
        format!("fallback = {}", nested("|_| {", "5", "}")),
        format!("failure_if({})", nested("Some(", "5", ")")),
        format!("key = {}, fallback = |_| {}", nested("[x[", "5", "]]"), nested("{", "panic!()", "}")),
    ] {
        answers(&arguments, "fn price(x: u8) -> A {}");
    }
    for output in [
        nested("Result<", "impl X", ", E>"),
        nested("Pin<", "Box<dyn Future<Output = u8>>", ">"),
        nested("&'a ", "u8", ""),
    ] {
        answers(
            "fallback = cached",
            &format!("fn price(x: u8) -> {output} {{ Box::pin(async move {{ x.y }}) }}"),
        );
    }
    answers("", &format!("fn price(x: u8) -> A {{ {}5{} }}", "{".repeat(1000), "}".repeat(1000)));
}

#[track_caller]
fn answers(arguments: &str, function: &str) {
    let (arguments, function) = (edited(arguments, &[]), edited(function, &[]));
    assert!(!function.is_empty(), "these are tokens");
    classifier(&arguments, &function).unwrap_or_else(|error| panic!("{error}"));
}

fn run<S: Strategy>(given: &S, tokens: impl Fn(S::Value) -> (TokenStream, TokenStream)) -> Tally {
    let tally = std::cell::Cell::new((0, 0));
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(given, |value| {
        let (arguments, function) = tokens(value);
        let (expanded, explained) = tally.get();
        let is_expanded = classifier(&arguments, &function)?;
        tally.set((expanded + u32::from(is_expanded), explained + u32::from(!is_expanded)));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    tally.get()
}

fn edited(text: &str, edits: &[(usize, Edit)]) -> TokenStream {
    let tokens = text.parse().unwrap_or_default();
    edits.iter().fold(tokens, |tokens, (place, edit)| apply(tokens, *place, edit))
}

/// Whether it was expanded, and not explained. Errors come first, and then the function as it was; an expansion
/// is a function, with the body in it once.
fn classifier(arguments: &TokenStream, function: &TokenStream) -> Result<bool, TestCaseError> {
    let expansion = expand_or_explain(arguments.clone(), function.clone());
    let (count, rest) = take_errors.parse2(expansion.clone()).map_err(|error| fail(&error, &expansion))?;
    if count > 0 {
        prop_assert_eq!(rest.to_string(), function.to_string(), "the function is not what it was");
        return Ok(false);
    }
    let annotated = function::parse(function.clone()).map_err(|error| fail(&error, &expansion))?;
    let (body, mut alike, mut found) = (annotated.body.to_string(), 0, 0);
    // A const in braces may look like it, among the attributes or in the signature.
    let (attributes, signature) = (&annotated.attributes, &annotated.signature);
    emptied(quote!(#(#attributes)* #signature), &body, &mut alike);
    let emptied = emptied(expansion.clone(), &body, &mut found);
    let is_there_once = annotated.body.stream().is_empty() || found == alike + 1;
    prop_assert!(is_there_once, "{} bodies in {}", found - alike, expansion);
    // They are of the body, and stand outside of its braces.
    if Attribute::parse_inner.parse2(annotated.inner_attributes).is_ok() {
        syn::parse2::<syn::File>(emptied).map_err(|error| fail(&error, &expansion))?;
    }
    Ok(true)
}

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

/// The expansion without what the user wrote between the braces: that may be no Rust at all.
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
