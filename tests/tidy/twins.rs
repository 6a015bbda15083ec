//! The attribute and the runtime parse durations by equal code, because a macro crate exports no functions.

use quote::ToTokens as _;
use syn::Item;

use crate::source::Source;

/// The functions that both files contain.
const FUNCTIONS: [&str; 4] = ["parse", "parse_part", "split", "too_long"];

/// Returns a problem for each function that differs between the two files.
pub(crate) fn differences(one: &Source, second: &Source) -> Vec<String> {
    let differs = |name: &&&str| {
        let function = function(one, name);
        function.is_none() || function != self::function(second, name)
    };
    let problem = |name: &&str| format!("{}: `{name}` must be equal to that of {}", one.path, second.path);
    FUNCTIONS.iter().filter(differs).map(problem).collect()
}

/// Returns the tokens of a function without its visibility and comments.
fn function(source: &Source, name: &str) -> Option<String> {
    source.syntax.items.iter().find_map(|item| {
        let Item::Fn(function) = item else { return None };
        let tokens = || format!("{} {}", function.sig.to_token_stream(), function.block.to_token_stream());
        (function.sig.ident == name).then(tokens)
    })
}
