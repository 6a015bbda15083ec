//! From tokens to tokens; on errors, all of them beside the function as it was written, so that the
//! rest of the crate still compiles and the editor still completes inside it.

use proc_macro2::TokenStream;
use syn::Error;

use crate::{args, check, expand, target};

pub(crate) fn expand_or_explain(attribute: TokenStream, function: TokenStream) -> TokenStream {
    let (args, mut errors) = args::parse(attribute);
    let mut plan = check::check_arguments(args, &mut errors);
    match target::parse(function.clone()) {
        Ok(target) => {
            check::check_target(&mut plan, &target, &mut errors);
            if errors.is_empty() {
                return expand::expand(&plan, &target);
            }
        }
        Err(error) => errors.push(error),
    }
    explain(errors, function)
}

// Input:  two errors, fn price() {}
// Output: ::core::compile_error! { "..." } ::core::compile_error! { "..." } fn price() {}
fn explain(errors: Vec<Error>, function: TokenStream) -> TokenStream {
    let errors = errors.into_iter().map(Error::into_compile_error);
    errors.chain([function]).collect()
}
