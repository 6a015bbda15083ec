//! Compile errors and valid uses of the attribute, compiled by the real compiler.
//!
//! Each file in `ui/fail` breaks one rule and has the complete compiler output beside it. The files in `ui/pass`
//! and the expansions in `expand` compile and run.
//!
//! `TRYBUILD=overwrite cargo test -p breaker-tests --all-features --test expand --test ui` accepts the current
//! output and expansions.

#[test]
fn mistakes_are_explained_and_valid_uses_compile_and_run() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
    cases.pass("ui/pass/*.rs");
    cases.pass("expand/*.expanded.rs");
}
