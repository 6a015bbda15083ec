//! Time, atomics and locks, cargo features, and `unsafe` may be used only in named files. Clippy's
//! `disallowed_types` cannot check the rule about atomics, because it does not distinguish a type from its re-export.
//! No test is ignored; sleeping is left to clippy's `disallowed_methods`.

use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Macro};

use crate::paths::{Mention, mentions};
use crate::source::Source;

/// Paths that only some files may name.
struct Boundary {
    paths: &'static [&'static str],
    /// Files below `src`, or folders that end in `/`.
    allowed: &'static [&'static str],
    advice: &'static str,
}

const BOUNDARIES: &[Boundary] = &[
    Boundary {
        paths: &[
            "std::time::Instant",
            "std::time::SystemTime",
            "std::time::UNIX_EPOCH",
            "tokio::time",
            "rustix",
        ],
        // The time since a refused system call has nothing to do with that of breakers.
        allowed: &["clock.rs", "clock/", "sync/barrier.rs"],
        advice: "read the time through `crate::clock`",
    },
    Boundary {
        paths: &["libc"],
        // The others are a memory barrier and a flag for opening files, which is no system call.
        allowed: &["clock.rs", "clock/", "sync/barrier.rs", "integrations/config/files.rs"],
        advice: "read the time through `crate::clock`, and leave other system calls to the standard library",
    },
    Boundary {
        paths: &["std::sync::atomic", "std::sync::Mutex", "std::sync::RwLock", "std::sync::Condvar", "loom"],
        // Loom does not explore the clock of a test.
        allowed: &["sync.rs", "sync/", "clock/mock.rs"],
        advice: "use the atomics and locks of `crate::sync`",
    },
];

/// The only files of the library that may depend on a feature.
const FEATURE_FILES: &[&str] = &[
    "lib.rs",
    "sync.rs",
    "clock.rs",
    "clock/wait.rs",
    "docs.rs",
    "registry.rs",
    "testing.rs",
    "fleet/redis/tls.rs",
    "integrations.rs",
];

/// The only files that may lift the lint `unsafe_code`, or write code that needs `unsafe`.
const UNSAFE_FILES: &[&str] = &[
    "breaker/call_future.rs",
    "clock/system.rs",
    "registry/circuit_map.rs",
    "registry/held_circuit.rs",
    "registry/key_table.rs",
    "sync/barrier.rs",
    "__private/declare.rs",
    "__private/site.rs",
];

pub(crate) fn time_and_atomics(sources: &[&Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        for mention in mentions(source, &[]) {
            let crossed = BOUNDARIES.iter().filter(|boundary| {
                boundary.paths.iter().any(|path| names(&mention, path)) && !is_in(source, boundary.allowed)
            });
            problems.extend(crossed.map(|boundary| {
                let path = mention.path.join("::");
                source.problem(mention.line, &format!("names `{path}`; {}", boundary.advice))
            }));
        }
    }
    problems.dedup();
    problems
}

pub(crate) fn features(sources: &[&Source]) -> Vec<String> {
    let what = format!("depends on a feature; only these files may: {}", FEATURE_FILES.join(", "));
    let elsewhere = sources.iter().filter(|source| !is_in(source, FEATURE_FILES));
    elsewhere
        .flat_map(|source| find(source, |text| is_cfg(text) && text.contains("feature ="), &what))
        .collect()
}

pub(crate) fn unsafe_code(sources: &[&Source]) -> Vec<String> {
    let what = format!("uses `unsafe`; only these files may: {}", UNSAFE_FILES.join(", "));
    let elsewhere = sources.iter().filter(|source| !is_in(source, UNSAFE_FILES));
    elsewhere
        .flat_map(|source| find(source, |text| text.contains("unsafe_code") || is_unsafe(text), &what))
        .collect()
}

pub(crate) fn ignored_tests(sources: &[&Source]) -> Vec<String> {
    let is_ignored =
        |text: &str| text == "ignore" || text.starts_with("ignore =") || text.ends_with(", ignore)");
    sources.iter().flat_map(|source| find(source, is_ignored, "fix or delete the ignored test")).collect()
}

fn is_cfg(text: &str) -> bool {
    text.starts_with("cfg")
}

fn is_unsafe(text: &str) -> bool {
    text.starts_with("unsafe (") || text.starts_with("cfg_attr (") && text.contains("unsafe (")
}

/// Returns a problem for each attribute, or `cfg!`, outside of test code whose tokens satisfy `is_wrong`.
fn find(source: &Source, is_wrong: impl Fn(&str) -> bool, what: &str) -> Vec<String> {
    let mut finder = Finder { is_wrong, lines: Vec::new() };
    finder.visit_file(&source.syntax);
    finder.lines.iter().map(|line| source.problem(*line, what)).collect()
}

struct Finder<F> {
    is_wrong: F,
    lines: Vec<usize>,
}

impl<'ast, F: Fn(&str) -> bool> Visit<'ast> for Finder<F> {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if (self.is_wrong)(&attribute.meta.to_token_stream().to_string()) {
            self.lines.push(attribute.pound_token.span.start().line);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if call.path.is_ident("cfg") && (self.is_wrong)(&call.to_token_stream().to_string()) {
            self.lines.extend(call.path.segments.first().map(|name| name.ident.span().start().line));
        }
        visit::visit_macro(self, call);
    }
}

fn is_in(source: &Source, allowed: &[&str]) -> bool {
    let file = source.path.split_once("src/").map_or(source.path.as_str(), |(_, file)| file);
    allowed.iter().any(|path| file == *path || path.ends_with('/') && file.starts_with(path))
}

/// Returns `true` if `mention` names `path`, an item in it, or by a glob the items around it.
fn names(mention: &Mention, path: &str) -> bool {
    let wanted: Vec<&str> = path.split("::").collect();
    let mut found: Vec<&str> = mention.path.iter().map(String::as_str).collect();
    if let Some(root @ &mut ("core" | "alloc")) = found.first_mut() {
        *root = "std";
    }
    match found.as_slice() {
        [around @ .., "*"] => {
            !around.is_empty() && (wanted.starts_with(around) || around.starts_with(&wanted))
        }
        // An imported name was reported at its `use`.
        found => found.starts_with(&wanted) && wanted.len() > mention.imported,
    }
}

#[cfg(test)]
mod tests {
    use super::{features, ignored_tests, time_and_atomics, unsafe_code};
    use crate::source::Source;

    fn source(path: &str, text: &str) -> Source {
        Source::parse(path, text).unwrap()
    }

    #[test]
    fn time_and_atomics_are_found_in_every_spelling() {
        for text in [
            "use std::time::{Duration, Instant};",
            "use std::time; fn f() { time::SystemTime::now(); }",
            "use std::time::*;",
            "fn f() { rustix::time::clock_gettime(); }",
            "use core::sync::atomic::AtomicU8;",
            "fn f() { assert!(loom::model(g)); }",
            "#[cfg(test)] mod tests { use std::sync::Condvar; }",
        ] {
            crate::assert_one_problem(&time_and_atomics(&[&source("src/a.rs", text)]), "src/a.rs:1");
        }
        for (path, text) in [
            ("src/clock.rs", "use std::time::Instant;"),
            ("src/sync/id.rs", "use loom::sync::Mutex;"),
            ("src/a.rs", "use std::{sync::Arc, time::Duration}; use once_cell::sync::OnceCell;"),
        ] {
            assert_eq!(time_and_atomics(&[&source(path, text)]), [""; 0]);
        }
    }

    #[test]
    fn features_are_found_outside_of_their_files() {
        for text in [
            "#[cfg(all(unix, not(feature = \"a\")))] fn f() {}",
            "#[cfg_attr(feature = \"a\", derive(Debug))] struct S;",
            "fn f() -> bool { cfg!(feature = \"a\") }",
        ] {
            crate::assert_one_problem(&features(&[&source("src/a.rs", text)]), "src/a.rs:1");
            assert_eq!(features(&[&source("src/lib.rs", text)]), [""; 0]);
        }
    }

    #[test]
    fn unsafe_code_and_ignored_tests_are_found() {
        for text in ["#[expect(unsafe_code)] unsafe fn f() {}", "#[unsafe(no_mangle)] fn f() {}"] {
            crate::assert_one_problem(&unsafe_code(&[&source("src/a.rs", text)]), "src/a.rs:1");
            assert_eq!(unsafe_code(&[&source("src/__private/site.rs", text)]), [""; 0]);
        }
        for text in
            ["#[ignore] fn f() {}", "#[ignore = \"slow\"] fn f() {}", "#[cfg_attr(unix, ignore)] fn f() {}"]
        {
            crate::assert_one_problem(&ignored_tests(&[&source("tests/a.rs", text)]), "tests/a.rs:1");
        }
    }
}
