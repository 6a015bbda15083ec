//! External programs that some tests need, and that are not installed everywhere.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Returns `true` if a program is installed. Otherwise prints that its test is skipped.
///
/// # Panics
///
/// Panics if the program is missing and `BREAKER_TESTS=all` is set, as in `tests/run`.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    // openssl has a command for it.
    let argument = if program == "openssl" { "version" } else { "--version" };
    let status = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let runs = status.is_ok_and(|status| status.success());
    if !runs {
        let needs_all = std::env::var("BREAKER_TESTS").is_ok_and(|value| value == "all");
        assert!(!needs_all, "{program} is not installed; run tests/run, which installs it");
        // Written directly, because the test harness captures what a passing test prints.
        _ = writeln!(std::io::stderr(), "skipped a test that needs {program}");
    }
    runs
}
