//! Locks down the expansion: each `expand/<shape>.rs` is expanded by the very code of the attribute and
//! compared with `<shape>.expanded.rs`, which `ui.rs` compiles and runs.
//!
//! `TRYBUILD=overwrite cargo test -p breaker-tests --test expand --test ui` takes the present ones as
//! right.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot get what it needs has failed"
)]

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ImplItem, Item, Meta, TraitItem};

/// The attribute's own code: a procedural macro's crate can export nothing but the macro.
#[path = "../breaker-macros/src"]
#[allow(
    dead_code,
    clippy::wildcard_enum_match_arm,
    clippy::large_enum_variant,
    reason = "they belong to another crate"
)]
mod attribute {
    pub(crate) mod args;
    pub(crate) mod duration;
    pub(crate) mod repeated;
    pub(crate) mod function;
    pub(crate) mod check;
    pub(crate) mod expand;
    pub(crate) mod recover;
}
use attribute::{args, check, duration, expand, function, recover, repeated};

mod expansions;

#[test]
fn every_expansion_is_the_one_that_was_agreed_on() {
    let shapes = shapes();
    assert!(!shapes.is_empty(), "there is nothing to compare");
    for shape in shapes {
        compare(&shape);
    }
}

#[test]
fn all_faults_are_told_in_one_pass_and_the_function_stays() {
    let function = quote!(
        const fn price(_: u32) -> Result<u32, BreakerError> {
            Ok(1)
        }
    );
    for (arguments, count) in [
        (quote!(name = "", failure_threshold = 0, recovery_timeout = "1 year", oops, fallback = cached), 6),
        (quote!(failure_rate = 0.5, minimum_calls = 0, max_wait = "1s", call_timeout = "2s"), 5),
        (quote!(breaker = BREAKER, key = 1, window = "soon", fallback_on = never), 6),
    ] {
        let said = recover::expand_or_explain(arguments, function.clone()).to_string();
        assert_eq!(said.matches("compile_error").count(), count, "{said}");
        assert!(said.ends_with(&function.to_string()), "{said}");
    }
}

fn shapes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("expand").expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.filter(|path| !path.to_string_lossy().ends_with(".expanded.rs")).collect()
}

fn compare(shape: &Path) {
    let expanded = expanded(&std::fs::read_to_string(shape).expect("it is text"));
    let snapshot = shape.with_extension("expanded.rs");
    if std::env::var_os("TRYBUILD").is_some_and(|word| word == "overwrite") {
        std::fs::write(&snapshot, &expanded).expect("it can be written");
    }
    let agreed = std::fs::read_to_string(&snapshot).unwrap_or_default();
    assert_eq!(expanded, agreed, "{} expands differently; see the head of this file", shape.display());
}

fn expanded(source: &str) -> String {
    let mut file = syn::parse_file(source).expect("the shape is valid Rust");
    Expand.visit_file_mut(&mut file);
    format!("// Generated from the file beside it.\n{}", prettyplease::unparse(&file))
}

/// Replaces every annotated function by its expansion.
struct Expand;

impl VisitMut for Expand {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if let Item::Fn(function) = item
            && let Some(arguments) = take_arguments(&mut function.attrs)
        {
            *item = expand_one(arguments, function);
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_impl_item_mut(&mut self, item: &mut ImplItem) {
        if let ImplItem::Fn(method) = item
            && let Some(arguments) = take_arguments(&mut method.attrs)
        {
            *item = expand_one(arguments, method);
        }
    }

    fn visit_trait_item_mut(&mut self, item: &mut TraitItem) {
        if let TraitItem::Fn(method) = item
            && let Some(arguments) = take_arguments(&mut method.attrs)
        {
            *item = expand_one(arguments, method);
        }
    }
}

/// Takes the attribute away; what was in its parentheses, if it was there.
fn take_arguments(attributes: &mut Vec<Attribute>) -> Option<TokenStream> {
    let place = attributes.iter().position(|attribute| {
        attribute.path().segments.last().is_some_and(|last| last.ident == "circuit_breaker")
    })?;
    match attributes.remove(place).meta {
        Meta::List(list) => Some(list.tokens),
        Meta::Path(_) | Meta::NameValue(_) => Some(TokenStream::new()),
    }
}

fn expand_one<T: Parse>(arguments: TokenStream, function: &impl ToTokens) -> T {
    let expansion = recover::expand_or_explain(arguments, function.to_token_stream());
    syn::parse2(expansion).expect("an expansion is a function")
}
