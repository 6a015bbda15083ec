//! The lints of rustc and clippy pedantic report the same findings with the attribute as without it, except
//! for the differences that this file lists.
//!
//! `lints/*.rs` are samples of faulty functions, most of them named after the lint that reports the fault.
//! Clippy checks each file twice, with the attribute and without it.

#![expect(clippy::expect_used, reason = "a test that cannot get what it needs has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// A lint, and the function that it was reported in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    lint: String,
    function: String,
}

/// The findings in one file, without the attribute and with it.
struct Findings {
    bare: BTreeSet<Finding>,
    protected: BTreeSet<Finding>,
}

/// An expected difference.
struct Difference {
    lint: &'static str,
    function: &'static str,
}

/// The findings that the attribute hides. Each lint inspects the whole body of a function, which is now the
/// body of a closure or a future that has captured the arguments.
const LOST: [Difference; 7] = [
    Difference { lint: "unconditional_recursion", function: "unconditional_recursion" },
    Difference { lint: "clippy::boxed_local", function: "ptr_arg" },
    Difference { lint: "clippy::needless_pass_by_value", function: "needless_pass_by_value" },
    Difference { lint: "clippy::needless_pass_by_value", function: "ptr_arg" },
    Difference { lint: "clippy::unnecessary_wraps", function: "unnecessary_wraps" },
    Difference { lint: "clippy::needless_question_mark", function: "missing_errors_doc" },
    Difference { lint: "clippy::unused_async", function: "unused_async" },
];

/// The findings that only the attribute causes: clippy checks the error size of a closure but not of a method
/// that a trait prescribes, and it checks the output of an async block but not of an `async fn`.
const NEW: [Difference; 2] = [
    Difference { lint: "clippy::result_large_err", function: "trait_method" },
    Difference { lint: "clippy::async_yields_async", function: "async_yields_async" },
];

#[test]
fn the_attribute_changes_only_the_listed_findings() {
    let (mut lost, mut new) = (BTreeSet::new(), BTreeSet::new());
    for Findings { bare, protected } in all() {
        assert!(bare.len() > 5, "the samples contain many faults: {bare:?}");
        lost.extend(bare.difference(protected).cloned());
        new.extend(protected.difference(bare).cloned());
    }
    assert_eq!(lost, findings(&LOST), "findings that the attribute hides");
    assert_eq!(new, findings(&NEW), "findings that only the attribute causes");
}

#[test]
fn tracing_1366_fastrace_156_dead_code_is_reported() {
    assert_reported_in_user_code("dead_code", 2);
}

#[test]
fn clippy_7757_let_unit_value_is_reported_only_in_user_code() {
    assert_reported_in_user_code("clippy::let_unit_value", 2);
}

#[test]
fn tokio_6869_needless_return_is_reported_only_in_user_code() {
    assert_reported_in_user_code("clippy::needless_return", 9);
}

#[test]
fn tracing_2876_blocks_in_conditions_are_reported_only_in_user_code() {
    assert_reported_in_user_code("clippy::blocks_in_conditions", 1);
}

#[test]
fn clippy_9957_redundant_closure_calls_are_reported_only_in_user_code() {
    assert_reported_in_user_code("clippy::redundant_closure_call", 1);
}

#[test]
fn rust_71080_unused_braces_are_reported_only_in_user_code() {
    assert_reported_in_user_code("unused_braces", 2);
}

#[test]
fn tracing_2437_forbidden_and_allowed_lints_stay_silent() {
    for Findings { protected, .. } in all() {
        let mut unexpected = protected.iter().filter(|finding| {
            finding.function == "all_lints_forbidden" || finding.function == "all_lints_allowed"
        });
        assert_eq!(unexpected.next(), None);
    }
}

/// Asserts that the attribute changes none of the findings of one lint, and that at least `minimum` functions
/// have one.
fn assert_reported_in_user_code(lint: &str, minimum: usize) {
    let functions = |findings: &BTreeSet<Finding>| -> Vec<String> {
        let reported = findings.iter().filter(|finding| finding.lint == lint);
        reported.map(|finding| finding.function.clone()).collect()
    };
    let bare: Vec<_> = all().iter().flat_map(|findings| functions(&findings.bare)).collect();
    let protected: Vec<_> = all().iter().flat_map(|findings| functions(&findings.protected)).collect();
    assert!(bare.len() >= minimum, "{lint} is reported in {bare:?}");
    assert_eq!(bare, protected);
}

fn findings(differences: &[Difference]) -> BTreeSet<Finding> {
    let findings = differences.iter().map(|difference| Finding {
        lint: difference.lint.to_owned(),
        function: difference.function.to_owned(),
    });
    findings.collect()
}

fn all() -> &'static [Findings] {
    static ALL: OnceLock<Vec<Findings>> = OnceLock::new();
    ALL.get_or_init(|| {
        let runtime = build_runtime();
        let lint = |file: &str| Findings {
            bare: run_clippy(file, &runtime, &[]),
            protected: run_clippy(file, &runtime, &["--cfg", "protected"]),
        };
        ["lints/sync.rs", "lints/methods.rs", "lints/async.rs"].map(lint).into()
    })
}

/// Builds the runtime and returns the path of the library.
fn build_runtime() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--package", "breaker-runtime", "--all-features", "--message-format=json"])
        .args(["--locked", "--target-dir"])
        .arg(target_directory())
        .output()
        .expect("cargo runs");
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

fn run_clippy(file: &str, runtime: &Path, arguments: &[&str]) -> BTreeSet<Finding> {
    let dependencies = runtime.parent().expect("the library is in a directory").join("deps");
    let output = Command::new(Path::new(env!("CARGO")).with_file_name("clippy-driver"))
        .args([file, "--edition=2024", "--crate-type=lib", "--error-format=json", "--emit=metadata"])
        .args(["--check-cfg=cfg(protected)", "--out-dir"])
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .arg(format!("--extern=breaker_runtime={}", runtime.display()))
        .arg(format!("-Ldependency={}", dependencies.display()))
        .args(arguments)
        .output()
        .expect("clippy is installed");
    let source = fs::read_to_string(file).expect("the sample is text");
    let messages = String::from_utf8_lossy(&output.stderr);
    messages.lines().filter_map(|line| finding(&serde_json::from_str(line).ok()?, &source)).collect()
}

/// Returns the finding in a message of the compiler, or `None` if the message is a summary.
fn finding(message: &Value, source: &str) -> Option<Finding> {
    let code = message.get("code")?.get("code")?.as_str()?;
    let is_error = code.starts_with("E0") && message.get("level")?.as_str() == Some("error");
    assert!(!is_error, "the samples compile: {}", message.get("rendered")?);
    let spans = message.get("spans")?.as_array()?;
    let span = spans.iter().find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true))?;
    let line = usize::try_from(span.get("line_start")?.as_u64()?).ok()?;
    Some(Finding { lint: code.to_owned(), function: function_at(source, line).to_owned() })
}

/// Returns the name of the first function in the paragraph that contains this line.
fn function_at(source: &str, line: usize) -> &str {
    let starts = source.lines().take(line).enumerate().filter(|(_, line)| line.is_empty());
    let start = starts.last().map_or(0, |(start, _)| start + 1);
    let mut paragraph = source.lines().skip(start).take_while(|line| !line.is_empty());
    let name = paragraph.find_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next());
    name.unwrap_or_default()
}

/// Returns the target directory, which is two levels above the directory of this test.
fn target_directory() -> PathBuf {
    let executable = std::env::current_exe().expect("the test is running");
    executable.ancestors().nth(3).expect("cargo built the test").to_path_buf()
}
