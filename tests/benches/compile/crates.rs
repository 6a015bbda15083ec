//! The crates that the samples use, as `cargo check` leaves them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// Their names in code, and where they lie.
pub(crate) struct Crates(Vec<(String, PathBuf)>);

const NAMES: [&str; 3] = ["breaker_runtime", "async_trait", "tracing"];

impl Crates {
    /// The package of the other edition has those dependencies, and little else.
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

    /// For rustc.
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
