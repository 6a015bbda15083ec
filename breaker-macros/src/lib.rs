//! The attribute `#[circuit_breaker]`.
//!
//! Use it through `breaker_runtime`, which re-exports it and contains everything that the expansion calls.
//!
//! | file | input | output |
//! |---|---|---|
//! | `grouping.rs` | tokens with fragments of `macro_rules!` | the same tokens with parentheses around the fragments |
//! | `args.rs` | the tokens in the parentheses | keys and values |
//! | `duration.rs` | `"1h30m"` | a duration |
//! | `repeated.rs` | tokens | cheap copies of them |
//! | `function.rs` | the tokens of the function | its signature, and its unchanged body |
//! | `check.rs` | the keys and the function | the specification, or every error |
//! | `expand.rs` | the specification and the function | the protected function |
//! | `recover.rs` | the tokens of both | the expansion, or the errors and the unchanged function |
//!
//! A file uses only files above it.

#![expect(clippy::wildcard_enum_match_arm, reason = "syn may add variants to the enums matched here")]

use proc_macro::TokenStream;

mod grouping;
mod args;
mod duration;
mod repeated;
mod function;
mod check;
mod expand;
mod recover;

#[doc = include_str!("reference.md")]
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, function: TokenStream) -> TokenStream {
    recover::expand_or_report(args.into(), function.into()).into()
}
