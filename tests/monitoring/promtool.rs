//! promtool, which judges what Prometheus reads.

use std::io::Write as _;
use std::process::{Command, Stdio};

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
