//! The error about a key that the attribute does not have.

use proc_macro2::Ident;
use syn::Error;
use syn::ext::IdentExt as _;

use super::foreign;
use super::key::Key;

/// Returns the error about `word`, which suggests similar keys.
pub(super) fn unknown_key(word: &Ident) -> Error {
    let written = word.unraw().to_string();
    let similar: Vec<_> = similar(&written).iter().map(|name| format!("`{name}`")).collect();
    let advice = match similar.as_slice() {
        [] => {
            let names: Vec<_> = Key::ALL.iter().map(|key| key.name()).collect();
            format!("the keys are: {}", names.join(", "))
        }
        [name] => format!("did you mean {name}?"),
        [first @ .., last] => format!("did you mean {} or {last}?", first.join(", ")),
    };
    Error::new(word.span(), format!("unknown key `{written}`; {advice}"))
}

/// Returns the keys for which another library has this name. Without one, returns the closest key if at most a
/// third of its letters differ, or else all keys that contain `written` as a word, the most likely first.
fn similar(written: &str) -> Vec<&'static str> {
    let names = || Key::ALL.iter().map(|key| key.name());
    let foreign: Vec<_> = foreign::keys(written).iter().map(|key| key.name()).collect();
    if !foreign.is_empty() {
        return foreign;
    }
    let camel_case = foreign::normalized(written);
    if let Some(name) = names().find(|name| foreign::normalized(name) == camel_case) {
        return vec![name];
    }
    let distance = |name: &str| strsim::damerau_levenshtein(written, name);
    let closest = names().min_by_key(|name| distance(name));
    if let Some(name) = closest.filter(|name| 3 * distance(name) <= name.len()) {
        return vec![name];
    }
    let mut similar: Vec<_> = names().filter(|name| name.split('_').any(|word| word == written)).collect();
    similar.sort_by_key(|name| distance(name));
    similar
}
