//! What the attribute and the runtime both contain is equal: a macro crate exports no functions and no constants, so the
//! code that parses durations and the names of the settings are in both.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Item;

use crate::source::Source;

/// The functions that both files contain.
const FUNCTIONS: [&str; 4] = ["parse", "parse_part", "split", "too_long"];

/// The keys of the attribute that are not settings of a running circuit.
const NOT_SETTINGS: [&str; 13] = [
    "name",
    "config",
    "retry_after",
    "failure_if",
    "ignore_if",
    "fallback",
    "fallback_on",
    "settle",
    "key",
    "max_keys",
    "breaker",
    "registry",
    "crate",
];

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

/// Returns a problem if the keys of the attribute that are settings differ from the settings of the runtime, in their
/// names or in their order.
pub(crate) fn different_settings(keys: &Source, settings: &Source) -> Vec<String> {
    let mut of_attribute = listed_names(keys, "keys");
    of_attribute.retain(|name| !NOT_SETTINGS.contains(&name.as_str()));
    let of_runtime = listed_names(settings, "settings");
    if of_attribute == of_runtime && !of_runtime.is_empty() {
        return Vec::new();
    }
    vec![format!("{}: the settings {of_attribute:?} must be {of_runtime:?} of {}", keys.path, settings.path)]
}

/// Returns the names in a list `list! { Variant = "name", .. }`.
fn listed_names(source: &Source, list: &str) -> Vec<String> {
    let lists = source.syntax.items.iter().filter_map(|item| {
        let Item::Macro(item) = item else { return None };
        item.mac.path.is_ident(list).then(|| item.mac.tokens.clone())
    });
    lists.flat_map(strings).collect()
}

/// Returns the strings among these tokens. Documentation comments are in groups of their own.
fn strings(tokens: TokenStream) -> Vec<String> {
    let literal = |token| {
        let TokenTree::Literal(literal) = token else { return None };
        syn::parse_str(&literal.to_string()).ok()
    };
    tokens.into_iter().filter_map(literal).map(|text: syn::LitStr| text.value()).collect()
}

#[test]
fn settings_with_other_names_or_in_another_order_are_found() {
    let parse = |list: &str| Source::parse("src/list.rs", list).unwrap();
    let keys = parse(r#"keys! { Name = "name", Window = "window", Ramp = "ramp", }"#);
    let equal = parse("settings! {\n/// A window.\nWindow = \"window\", Ramp = \"ramp\", }");
    assert_eq!(different_settings(&keys, &equal), [""; 0]);
    for other in [
        r#"settings! { Window = "window", Ramp = "ramps", }"#,
        r#"settings! { Ramp = "ramp", Window = "window", }"#,
        r#"settings! { Window = "window", }"#,
        "",
    ] {
        crate::assert_one_problem(&different_settings(&keys, &parse(other)), "src/list.rs");
    }
}
