//! Runs a test in a process of its own, because it changes something that other tests of the process depend on.

use std::env;
use std::process::Command;

/// The variable that is set in the process of the test.
const VARIABLE: &str = "BREAKER_TEST_IN_OWN_PROCESS";

/// Runs `test` in a new process, in which the test with this path runs alone.
pub(crate) fn run(path: &str, test: impl FnOnce()) {
    if env::var_os(VARIABLE).is_some() {
        return test();
    }
    let output = env::current_exe().and_then(|program| {
        Command::new(program).args(["--exact", path, "--nocapture"]).env(VARIABLE, "1").output()
    });
    let has_passed = output.as_ref().is_ok_and(|output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed")
    });
    assert!(has_passed, "{output:?}");
}
