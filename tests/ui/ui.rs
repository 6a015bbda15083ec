//! Compile errors and valid uses of the attribute, compiled by the real compiler.
//!
//! Each file in `fail` breaks one rule and has the complete compiler output beside it. The files in `pass` and the
//! expansions in `tests/expand` compile and run.
//!
//! `TRYBUILD=overwrite cargo test -p breaker-ui-tests` accepts the current output.

#[test]
fn mistakes_are_explained_and_valid_uses_compile_and_run() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/*.rs");
    cases.pass("pass/*.rs");
    cases.pass("../expand/*.expanded.rs");
}
