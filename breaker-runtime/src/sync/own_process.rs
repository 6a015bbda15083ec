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
    let program = env::current_exe().expect("the test program has a path");
    let mut command = Command::new(program);
    let output = command.args(["--exact", path, "--nocapture"]).env(VARIABLE, "1").output();
    let output = output.expect("the test program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
