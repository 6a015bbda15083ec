//! The checkout example, started as a user starts it, with its metrics on a port of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::http_get;

pub(crate) struct Checkout {
    process: Child,
    address: String,
}

impl Checkout {
    /// Runs the command in README. On Linux, cargo replaces itself with the example, so the child is the
    /// example.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--package", "breaker-examples", "--example", "checkout"])
            .args(["--", "--serve"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let (_, address) = line.as_ref().unwrap().split_once("watch     http://")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        // The example ends when its output is not read.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("the example prints its address") }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics").await
    }

    /// Buys something, in addition to the purchases of the example.
    pub(crate) async fn buy(&self) {
        self.get("/checkout?sku=coffee").await;
    }

    /// Opens the stream of the dashboard.
    pub(crate) async fn open_stream(&self) -> reqwest::Response {
        http_get(&format!("http://{}/circuits/stream", self.address)).await
    }

    /// Sends SIGTERM, and waits for the end of the example.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap()
    }

    async fn get(&self, path: &str) -> String {
        http_get(&format!("http://{}{path}", self.address)).await.text().await.unwrap()
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
