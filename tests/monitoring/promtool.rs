//! promtool, the linter for metrics and alert rules that comes with Prometheus.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs promtool in the folder of the alerts and asserts that it reports nothing.
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
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {}:\n{text}", args.join(" "));
}
