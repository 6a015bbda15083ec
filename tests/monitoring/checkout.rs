//! The main example as a user starts it, with its page for Prometheus on a port of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

pub(crate) struct Checkout {
    process: Child,
    address: String,
}

impl Checkout {
    /// By the command in README; on Linux, cargo makes room for what it runs, so that this is the shop itself.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO"))
            .args([
                "run",
                "--quiet",
                "--package",
                "breaker-examples",
                "--example",
                "checkout",
                "--",
                "--serve",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = said.find_map(|line| {
            let (_, address) = line.as_ref().unwrap().split_once("watch     http://")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        // It ends when nobody reads what it says.
        std::thread::spawn(move || said.for_each(drop));
        Self { process, address: address.expect("it says where to watch") }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn page(&self) -> String {
        self.get("/metrics").await
    }

    /// Buys beside the customer of the story.
    pub(crate) async fn buy(&self) {
        self.get("/checkout?sku=coffee").await;
    }

    async fn get(&self, path: &str) -> String {
        reqwest::get(format!("http://{}{path}", self.address)).await.unwrap().text().await.unwrap()
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
