//! Settings from a file: the threshold of a running service changes when the file is edited.
//!
//! ```text
//! cargo run -p breaker-examples --example config
//! ```
//!
//! A service would load `breakers.toml` from its working directory. This example edits a file in a temporary folder
//! itself, as an operator would, and then makes a mistake.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::fs;
use std::time::Duration;

use breaker_runtime::integrations::config::ConfigReader;
use breaker_runtime::{BreakerError, Event, Registry, Setting, circuit_breaker};
use tokio::sync::mpsc;

/// The interval at which the file is read. Services usually read it every second.
const INTERVAL: Duration = Duration::from_millis(50);

#[circuit_breaker(name = "payment", failure_threshold = 5)]
async fn charge(amount: u64) -> Result<u64, BreakerError> {
    Ok(amount) // the real call
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("breaker-config-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("breakers.toml");
    fs::write(&file, "[breakers.payment]\nfailure_threshold = 10\n")?;

    let registry = Registry::global();
    let (sender, mut reports) = mpsc::unbounded_channel();
    let changes = sender.clone();
    let subscription = registry.listen(move |event: &Event| {
        if let Event::SettingsChanged(change) = event {
            _ = changes.send(change.to_string());
        }
    });
    let mut reader = ConfigReader::new(&registry).file(&file).on_load(move |result| {
        if let Err(error) = result {
            _ = sender.send(error.to_string());
        }
    });
    reader.load()?; // before the first call
    charge(3).await?;
    let threshold = || registry.get("payment").and_then(|breaker| breaker.config().failure_threshold());
    println!("at the start: failure_threshold = {:?}", threshold());
    assert_eq!(threshold(), Some(10));

    let reading = tokio::spawn(reader.run(INTERVAL));
    fs::write(&file, "[breakers.payment]\nfailure_threshold = 20\n")?;
    println!("the file is edited: {}", reports.recv().await.unwrap_or_default());
    assert_eq!(threshold(), Some(20));

    fs::write(&file, "[breakers.payment]\nfailure_threshold = 0\n")?;
    println!("a mistake: {}", reports.recv().await.unwrap_or_default());
    assert_eq!(threshold(), Some(20)); // the last valid settings

    let settings = registry.get("payment").ok_or("the function has been called")?.snapshot().settings;
    println!("failure_threshold comes from {}", settings.source(Setting::FailureThreshold));
    reading.abort();
    drop(subscription);
    fs::remove_dir_all(&folder)?;
    Ok(())
}
