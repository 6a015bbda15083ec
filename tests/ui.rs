//! Locks down what a user sees: `ui/fail` holds mistakes, one rule each, with the compiler's whole
//! answer beside them; `ui/pass` and the expansions in `expand` compile and run.
//!
//! `TRYBUILD=overwrite cargo test -p breaker-tests --test expand --test ui` takes the present answers
//! and expansions as right.

#[test]
fn mistakes_are_explained_and_what_is_right_compiles_and_runs() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
    cases.pass("ui/pass/*.rs");
    cases.pass("expand/*.expanded.rs");
}
