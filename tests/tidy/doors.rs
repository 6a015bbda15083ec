//! What has one door: time, atomics, features. And what has none: sleeping in a test.

use crate::mentions::{Mention, mentions};
use crate::source::Source;
use crate::tokens::{inside, lines, places};

/// Paths that only some files may name.
struct Door {
    paths: &'static [&'static str],
    /// Whether this file, named below its `src`, may.
    is_open: fn(&str) -> bool,
    advice: &'static str,
}

const DOORS: &[Door] = &[
    Door {
        paths: &["std::time::Instant", "std::time::SystemTime", "std::time::UNIX_EPOCH", "libc"],
        is_open: |file| is_clock(file),
        advice: "time has one door; ask `crate::clock`",
    },
    Door {
        paths: &["std::sync::atomic", "std::sync::Mutex", "std::sync::RwLock", "std::sync::Condvar", "loom"],
        // The clock that a test moves is not for loom to explore.
        is_open: |file| file == "sync.rs" || file.starts_with("sync/") || file == "clock/mock.rs",
        advice: "atomics and locks have one door; use `crate::sync`",
    },
];

/// The only files that may ask which features are on.
const FEATURE_DOORS: &[&str] =
    &["lib.rs", "sync.rs", "clock.rs", "clock/wait.rs", "registry.rs", "testing.rs", "integrations.rs"];

const SLEEPS: &[&str] =
    &["std::thread::sleep", "thread::sleep", "tokio::time::sleep", "tokio::time::sleep_until"];

pub(crate) fn time_and_atomics(sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let file = below_src(source);
        for mention in mentions(source, &[]) {
            let closed =
                |door: &&Door| door.paths.iter().any(|path| names(&mention, path)) && !(door.is_open)(file);
            complaints.extend(DOORS.iter().filter(closed).map(|door| named(source, &mention, door.advice)));
        }
    }
    complaints.dedup();
    complaints
}

pub(crate) fn features(sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| !FEATURE_DOORS.contains(&below_src(source))) {
        for words in [["cfg", "("].as_slice(), &["cfg_attr", "("], &["cfg", "!", "("]] {
            for place in places(&source.row, words) {
                let condition = inside(&source.row, place + words.len() - 1);
                let line = lines(condition, &["feature", "="]).next();
                complaints.extend(line.map(|line| {
                    let doors = FEATURE_DOORS.join(", ");
                    source.complain(line, &format!("features have one door: ask in one of {doors}"))
                }));
            }
        }
    }
    complaints
}

pub(crate) fn sleeps(sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for mention in mentions(source, &[]).iter().filter(|_| !is_clock(below_src(source))) {
            if SLEEPS.iter().any(|path| names(mention, path)) {
                complaints.push(named(
                    source,
                    mention,
                    "a test never sleeps; move `testing::Clock`, or join",
                ));
            }
        }
        for words in [["[", "ignore"].as_slice(), &["[", "cfg_attr", "("]] {
            for place in places(&source.row, words) {
                let line = lines(inside(&source.row, place), &["ignore"]).next();
                complaints.extend(
                    line.map(|line| {
                        source.complain(line, "a test that is skipped is none; fix or delete it")
                    }),
                );
            }
        }
    }
    complaints.dedup();
    complaints
}

fn is_clock(file: &str) -> bool {
    file == "clock.rs" || file.starts_with("clock/")
}

fn below_src(source: &Source) -> &str {
    source.path.split_once("src/").map_or(source.path.as_str(), |(_, file)| file)
}

fn named(source: &Source, mention: &Mention, advice: &str) -> String {
    source.complain(mention.line, &format!("names `{}`: {advice}", mention.path.join("::")))
}

/// Whether `mention` names `path`, or something in it, or by a glob all that is around it. What the
/// `use` before it already named is not named again.
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
        found => found.starts_with(&wanted) && wanted.len() > mention.imported,
    }
}

#[cfg(test)]
mod tests {
    use super::{features, sleeps, time_and_atomics};
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
            "fn f() { libc::clock_gettime(); }",
            "use core::sync::atomic::AtomicU8;",
            "static A: std::sync::Mutex<()> = x;",
            "fn f() { assert!(loom::model(g)); }",
            "#[cfg(test)] mod tests { use std::sync::Condvar; }",
        ] {
            crate::complains(&time_and_atomics(&[&source("src/a.rs", text)]), "src/a.rs:1");
        }
        let hand = "mod system { use std::sync::atomic::AtomicU8; }";
        crate::complains(&time_and_atomics(&[&source("src/clock.rs", hand)]), "src/clock.rs:1");
    }

    #[test]
    fn the_doors_are_open() {
        for (path, text) in [
            ("src/clock.rs", "use std::time::Instant;"),
            ("src/clock/mock.rs", "use std::sync::atomic::AtomicU8;"),
            ("src/sync.rs", "use std::sync::{Mutex, atomic::AtomicU8};"),
            ("src/sync/id.rs", "use loom::sync::Mutex;"),
            ("src/a.rs", "use std::{sync::Arc, time::Duration}; use once_cell::sync::OnceCell;"),
            ("src/a.rs", "/// See std::time::Instant.\nfn f() {}"),
        ] {
            assert_eq!(time_and_atomics(&[&source(path, text)]), [""; 0]);
        }
    }

    #[test]
    fn features_are_found_outside_their_door() {
        for text in [
            "#[cfg(feature = \"a\")] fn f() {}",
            "#[cfg(all(unix, not(feature = \"a\")))] fn f() {}",
            "#[cfg_attr(feature = \"a\", derive(Debug))] struct S;",
            "fn f() -> bool { cfg!(feature = \"a\") }",
        ] {
            crate::complains(&features(&[&source("src/a.rs", text)]), "src/a.rs:1");
            assert_eq!(features(&[&source("src/lib.rs", text)]), [""; 0]);
        }
        assert_eq!(features(&[&source("src/a.rs", "#![cfg_attr(docsrs, feature(doc_cfg))]")]), [""; 0]);
    }

    #[test]
    fn sleeping_and_skipped_tests_are_found() {
        for text in [
            "fn f() { std::thread::sleep(d); }",
            "use std::thread; fn f() { thread::sleep(d); }",
            "use std::thread::*;",
            "use tokio::time::sleep;",
            "use tokio::time::{self as t}; fn f() { g!(t::sleep(d).await); }",
            "#[ignore] fn f() {}",
            "#[ignore = \"slow\"] fn f() {}",
            "#[cfg_attr(unix, ignore)] fn f() {}",
        ] {
            crate::complains(&sleeps(&[&source("tests/a.rs", text)]), "tests/a.rs:1");
        }
        assert_eq!(sleeps(&[&source("tests/a.rs", "use std::thread::{self, spawn}; // no sleep")]), [""; 0]);
    }
}
