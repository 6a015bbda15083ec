//! The attribute `#[circuit_breaker]`. Use it through `breaker_runtime`, which re-exports it.
#![doc = ""]

use proc_macro::TokenStream;

mod args;
mod duration;
mod target;
mod check;
mod expand;
mod recover;

#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, function: TokenStream) -> TokenStream {
    recover::expand_or_explain(args.into(), function.into()).into()
}
