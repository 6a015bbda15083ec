//! Programs that some tests need, and that are not there everywhere.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Whether this program is installed. Without it a test is left out, and that is said.
///
/// # Panics
///
/// If it is missing where nothing may be left out: with `BREAKER_TESTS=all`, as in `tests/run`.
#[must_use]
pub fn found(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = asked.is_ok_and(|status| status.success());
    if !is_there {
        let all = std::env::var("BREAKER_TESTS").is_ok_and(|which| which == "all");
        assert!(!all, "{program} is not installed; tests/run does it");
        // Past the test harness, which keeps what a passing test prints to itself.
        _ = writeln!(std::io::stderr(), "left out: a test needs {program}");
    }
    is_there
}
