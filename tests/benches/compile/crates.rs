//! The crates that the samples use, built by `cargo check`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The name of each crate and the path of its metadata.
pub(crate) struct Crates(Vec<(String, PathBuf)>);

const NAMES: [&str; 3] = ["breaker_runtime", "async_trait", "tracing"];

impl Crates {
    /// Builds the package `breaker-tests-2021`, which has these dependencies and few others.
    pub(crate) fn build() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--package", "breaker-tests-2021", "--tests", "--message-format=json"])
            .output()
            .expect("cargo can be run");
        let text = String::from_utf8_lossy(&output.stdout);
        let crates: Vec<_> =
            text.lines().filter_map(|line| read(&serde_json::from_str(line).ok()?)).collect();
        assert!(crates.len() == NAMES.len(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(crates)
    }

    /// Returns the arguments for rustc.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let externs = self.0.iter().map(|(name, path)| format!("--extern={name}={}", path.display()));
        let folders = self.0.iter().filter_map(|(_, path)| path.parent());
        externs.chain(folders.map(|folder| format!("-Ldependency={}", folder.display()))).collect()
    }
}

fn read(message: &Value) -> Option<(String, PathBuf)> {
    let name = message.get("target")?.get("name")?.as_str()?;
    let files = message.get("filenames")?.as_array()?;
    let path = files.first()?.as_str().map(PathBuf::from)?;
    NAMES.contains(&name).then(|| (name.to_owned(), path))
}
