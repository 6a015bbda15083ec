//! The pipeline behind `lib.rs`, from the tokens of the attribute and the function to the expansion.
//!
//! If there are errors, the output is all of them and the unchanged function. The rest of the user's crate
//! still compiles, and completion in editors still works inside the function.

use proc_macro2::TokenStream;
use syn::Error;

use crate::{args, check, expand, function};

/// Expands the attribute, or reports every error in it.
pub(crate) fn expand_or_report(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let args::Args { args, mut errors } = args::parse(attribute);
    let mut spec = check::check_arguments(args, &mut errors);
    match function::parse(item.clone()) {
        Ok(annotated) => {
            check::check_function(&mut spec, &annotated, &mut errors);
            if errors.is_empty() {
                return expand::expand(&spec, &annotated);
            }
        }
        Err(error) => errors.push(error),
    }
    report(errors, item)
}

// Input:  two errors, fn price() {}
// Output: ::core::compile_error! { "..." } ::core::compile_error! { "..." } fn price() {}
fn report(errors: Vec<Error>, item: TokenStream) -> TokenStream {
    let errors = errors.into_iter().map(Error::into_compile_error);
    errors.chain([item]).collect()
}
