//! What rustc and clippy pedantic find in a function they find with the attribute too, and nothing else, but
//! for the differences that stand here.
//!
//! `lints/*.rs` are samples of wrong code, each in a function that is called after what is to be found. Clippy
//! looks at each file twice, with the attribute and without.

#![expect(clippy::expect_used, reason = "a test that cannot get what it needs has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// A lint, and the function in which it was found.
type Finding = (String, String);

/// What clippy found in one file.
struct Findings {
    bare: BTreeSet<Finding>,
    protected: BTreeSet<Finding>,
}

/// What clippy cannot see any more: it looks at the whole body, and that is the body of a closure or of a future
/// now, which has taken the arguments.
const LOST: &[(&str, &str)] = &[
    ("unconditional_recursion", "unconditional_recursion"),
    ("clippy::boxed_local", "ptr_arg"),
    ("clippy::needless_pass_by_value", "needless_pass_by_value"),
    ("clippy::needless_pass_by_value", "ptr_arg"),
    ("clippy::unnecessary_wraps", "unnecessary_wraps"),
    ("clippy::needless_question_mark", "missing_errors_doc"),
    ("clippy::unused_async", "unused_async"),
];

/// What clippy sees for the first time: a closure with a large error where a trait asks for the function, and an
/// `async fn` that returns a future, since it says no word about those.
const NEW: &[(&str, &str)] =
    &[("clippy::result_large_err", "trait_method"), ("clippy::async_yields_async", "async_yields_async")];

#[test]
fn findings_differ_only_where_they_must() {
    let (mut lost, mut new) = (BTreeSet::new(), BTreeSet::new());
    for Findings { bare, protected } in all() {
        assert!(bare.len() > 50, "the samples are there to be found fault with: {bare:?}");
        lost.extend(bare.difference(protected).cloned());
        new.extend(protected.difference(bare).cloned());
    }
    let known = |list: &[(&str, &str)]| -> BTreeSet<Finding> {
        list.iter().map(|(lint, function)| ((*lint).to_owned(), (*function).to_owned())).collect()
    };
    assert_eq!(lost, known(LOST), "what clippy does not find any more");
    assert_eq!(new, known(NEW), "what only the attribute brings");
}

#[test]
fn tracing_1366_fastrace_156_dead_code_is_found() {
    is_found_where_it_was("dead_code", 2);
}

#[test]
fn clippy_7757_let_unit_value_is_found_in_the_users_code_alone() {
    is_found_where_it_was("clippy::let_unit_value", 2);
}

#[test]
fn tokio_6869_needless_return_is_found_in_the_users_code_alone() {
    is_found_where_it_was("clippy::needless_return", 9);
}

#[test]
fn tracing_2876_blocks_in_conditions_are_found_in_the_users_code_alone() {
    is_found_where_it_was("clippy::blocks_in_conditions", 1);
}

#[test]
fn clippy_9957_redundant_closure_calls_are_found_in_the_users_code_alone() {
    is_found_where_it_was("clippy::redundant_closure_call", 1);
}

#[test]
fn rust_71080_unused_braces_are_found_in_the_users_code_alone() {
    is_found_where_it_was("unused_braces", 2);
}

#[test]
fn tracing_2437_what_the_user_forbids_or_allows_stays_so() {
    for Findings { protected, .. } in all() {
        let mut strangers =
            protected.iter().filter(|(_, function)| function == "clean" || function == "quiet");
        assert_eq!(strangers.next(), None);
    }
}

/// In at least so many functions.
fn is_found_where_it_was(lint: &str, least: usize) {
    let of = |findings: &BTreeSet<Finding>| -> Vec<String> {
        let found = findings.iter().filter(|(name, _)| name == lint);
        found.map(|(_, function)| function.clone()).collect()
    };
    let bare: Vec<_> = all().iter().flat_map(|findings| of(&findings.bare)).collect();
    let protected: Vec<_> = all().iter().flat_map(|findings| of(&findings.protected)).collect();
    assert!(bare.len() >= least, "{lint} is found in {bare:?}");
    assert_eq!(bare, protected);
}

fn all() -> &'static [Findings] {
    static ALL: OnceLock<Vec<Findings>> = OnceLock::new();
    ALL.get_or_init(|| {
        let runtime = build_runtime();
        let look = |file: &str| Findings {
            bare: look_at(file, &runtime, &[]),
            protected: look_at(file, &runtime, &["--cfg", "protected"]),
        };
        ["lints/sync.rs", "lints/later.rs"].map(look).into()
    })
}

/// Where the compiled runtime lies.
fn build_runtime() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--package", "breaker-runtime", "--all-features", "--message-format=json"])
        .args(["--offline", "--target-dir"])
        .arg(target())
        .output()
        .expect("cargo can be run");
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files = artifacts.filter_map(|message| Some(message.get("filenames")?.as_array()?.clone())).flatten();
    let paths = files.filter_map(|file| file.as_str().map(PathBuf::from));
    let mut libraries = paths.filter(|path| {
        path.extension().is_some_and(|extension| extension == "rlib")
            && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libbreaker_runtime"))
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    libraries.next().unwrap_or_else(|| unreachable!("the runtime does not compile: {errors}"))
}

fn look_at(file: &str, runtime: &Path, more: &[&str]) -> BTreeSet<Finding> {
    let deps = runtime.parent().expect("it lies in a folder").join("deps");
    let output = Command::new(Path::new(env!("CARGO")).with_file_name("clippy-driver"))
        .args([file, "--edition=2024", "--crate-type=lib", "--error-format=json", "--emit=metadata"])
        .args(["--check-cfg=cfg(protected)", "--out-dir"])
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .arg(format!("--extern=breaker_runtime={}", runtime.display()))
        .arg(format!("-Ldependency={}", deps.display()))
        .args(more)
        .output()
        .expect("clippy is installed");
    let source = fs::read_to_string(file).expect("it is text");
    let messages = String::from_utf8_lossy(&output.stderr);
    messages.lines().filter_map(|line| read(&serde_json::from_str(line).ok()?, &source)).collect()
}

/// What was found, if this is not a summary.
fn read(message: &Value, source: &str) -> Option<Finding> {
    let name = message.get("code")?.get("code")?.as_str()?;
    let is_error = name.starts_with("E0") && message.get("level")?.as_str() == Some("error");
    assert!(!is_error, "the samples compile: {}", message.get("rendered")?);
    let spans = message.get("spans")?.as_array()?;
    let place = spans.iter().find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true))?;
    let line = usize::try_from(place.get("line_start")?.as_u64()?).ok()?;
    Some((name.to_owned(), function_at(source, line).to_owned()))
}

/// The name of the function, or of what else there is, in the paragraph of this line.
fn function_at(source: &str, line: usize) -> &str {
    let starts = source.lines().take(line).enumerate().filter(|(_, line)| line.is_empty());
    let start = starts.last().map_or(0, |(start, _)| start + 1);
    let mut paragraph = source.lines().skip(start).take_while(|line| !line.is_empty());
    let name = paragraph.find_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next());
    name.unwrap_or_default()
}

/// Two folders above the one with this test in it.
fn target() -> PathBuf {
    let this = std::env::current_exe().expect("this runs");
    this.ancestors().nth(3).expect("it was built by cargo").to_path_buf()
}
