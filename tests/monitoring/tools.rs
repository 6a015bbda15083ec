//! The programs that a test needs, if they are there.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Whether this program is installed; where all tests must run, it has to be.
#[expect(clippy::print_stderr, reason = "who reads the log shall know what was not tested")]
pub(crate) fn found(program: &str) -> bool {
    let is_there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !is_there {
        let all = std::env::var("BREAKER_TESTS").is_ok_and(|which| which == "all");
        assert!(!all, "{program} is not installed: sudo apt-get install prometheus");
        eprintln!("left out: {program} is not installed (sudo apt-get install prometheus)");
    }
    is_there
}

/// Runs promtool beside the alerts; it must find nothing.
pub(crate) fn promtool(args: &[&str], input: &str) {
    let mut tool = Command::new("promtool")
        .args(args)
        .current_dir(super::OBSERVABILITY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {}:\n{said}", args.join(" "));
}
