//! Writes signatures with the full path of each item of another crate, and with the name alone of each own item.

use std::collections::BTreeSet;

use quote::ToTokens;

use crate::crate_tree::{Crate, Module, Target};
use crate::lexemes;

/// The crates that every program has.
const STANDARD: &[&str] = &["alloc", "core", "proc_macro", "std"];

/// Writes signatures of one module.
pub(crate) struct Names<'a> {
    source: &'a Crate,
    module: &'a Module,
    own: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(crate) const fn new(source: &'a Crate, module: &'a Module) -> Self {
        Self { source, module, own: BTreeSet::new(), foreign: BTreeSet::new() }
    }

    /// Returns the text of a piece of syntax, without attributes and without `mut` in front of parameters and without a
    /// comma at the end.
    pub(crate) fn text(&mut self, syntax: &impl ToTokens) -> String {
        let lexemes = lexemes::list(syntax.to_token_stream());
        let lexemes = without_mut_parameters(&without_attributes(&lexemes));
        let mut written: Vec<String> = Vec::new();
        let mut rest = lexemes.as_slice();
        while let Some((first, tail)) = rest.split_first() {
            let before = written.last().map(String::as_str).unwrap_or_default();
            let path = path_at(rest);
            let is_declared = matches!(tail.first().map(String::as_str), Some(":" | "=")) || before == "fn";
            let is_rest = before == "::" || first == "::" && (before == ">" || is_name(before));
            if path.is_empty() || is_declared || is_rest {
                written.push(first.clone());
                rest = tail;
                continue;
            }
            written.extend(self.full(&path));
            rest = rest.get(2 * path.len() - 1 - usize::from(first == "::")..).unwrap_or_default();
        }
        lexemes::join(&written).trim_end_matches(',').to_owned()
    }

    /// Returns the names of the items of this crate that were written.
    pub(crate) const fn own(&self) -> &BTreeSet<String> {
        &self.own
    }

    /// Returns the crates, except those of the language, whose items were written.
    pub(crate) fn into_foreign(self) -> BTreeSet<String> {
        self.foreign
    }

    /// Returns the lexemes of a path as it is written here.
    fn full(&mut self, path: &[String]) -> Vec<String> {
        let segments = match self.source.resolve(self.module, path) {
            Target::Foreign(full) => {
                if let Some(name) = full.first().filter(|name| !STANDARD.contains(&name.as_str())) {
                    self.foreign.insert(name.clone());
                }
                full
            }
            Target::Item { name, rest, .. } => {
                self.own.insert(name.clone());
                let after = path.get(path.len() - rest..).unwrap_or_default();
                [&[name], after].concat()
            }
            Target::Module(_) | Target::Unknown => path.to_vec(),
        };
        segments.join(" :: ").split(' ').map(str::to_owned).collect()
    }
}

/// Returns the segments of the path at the start of the lexemes. The first one is empty if it begins with `::`.
fn path_at(lexemes: &[String]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = lexemes;
    if let [colons, tail @ ..] = rest
        && colons == "::"
    {
        path.push(String::new());
        rest = tail;
    }
    while let [name, tail @ ..] = rest {
        if !is_name(name) {
            break;
        }
        path.push(name.clone());
        match tail {
            [colons, next @ ..] if colons == "::" => rest = next,
            _ => return path,
        }
    }
    Vec::new()
}

fn is_name(lexeme: &str) -> bool {
    lexeme.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Removes `#[..]`.
pub(crate) fn without_attributes(lexemes: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut depth = 0;
    let mut after_hash = false;
    for lexeme in lexemes {
        match lexeme.as_str() {
            "#" if depth == 0 => after_hash = true,
            "[" if after_hash || depth > 0 => {
                depth += 1;
                after_hash = false;
            }
            "]" if depth > 0 => depth -= 1,
            _ if depth == 0 => kept.push(lexeme.clone()),
            _ => {}
        }
    }
    kept
}

/// Removes the `mut` of `mut self` and `mut name: Type`.
fn without_mut_parameters(lexemes: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for lexeme in lexemes {
        let is_first = matches!(kept.last().map(String::as_str), Some("(" | ","));
        if lexeme != "mut" || !is_first {
            kept.push(lexeme.clone());
        }
    }
    kept
}
