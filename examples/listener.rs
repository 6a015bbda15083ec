//! A listener that receives the state changes of every circuit, with the text of the last failure.
//!
//! ```text
//! cargo run -p breaker-examples --example listener
//! ```
//!
//! A real listener would write to a log, send an alert or update a metric instead of calling `println!`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::mpsc;

use anyhow::{Context as _, Result, bail, ensure};
use breaker_runtime::{Cause, Event, Registry, circuit_breaker};

#[circuit_breaker(name = "mail", failure_threshold = 3)]
fn send(to: &str) -> Result<()> {
    bail!("the mailbox of {to} is full")
}

fn main() -> Result<()> {
    let (sender, causes) = mpsc::channel();
    let subscription = Registry::global().listen(move |event: &Event| {
        println!("    event: {event}");
        if let Event::StateChanged(change) = event {
            let transition = change.transition();
            // Sending fails only if the receiver was dropped.
            _ = sender.send((transition.cause, transition.last_failure.clone()));
        }
    });
    for name in ["ann", "ben", "cleo", "dora"] {
        match send(name) {
            Ok(()) => println!("{name}: sent"),
            Err(error) => println!("{name}: {error}"),
        }
    }
    let mail = Registry::global()
        .get("mail")
        .context("expected the breaker `mail` to be registered by its first call")?;
    mail.operator("on-call engineer").reset();

    drop(subscription);
    mail.force_open(); // the listener no longer receives this change

    let [(opened, text), (reset, _)] =
        causes.iter().collect::<Vec<_>>().try_into().ok().context("expected two state changes")?;
    ensure!(
        (opened, reset) == (Cause::ThresholdReached, Cause::Reset),
        "expected a threshold to open the circuit, and an operator to reset it"
    );
    ensure!(
        text.as_deref() == Some("the mailbox of cleo is full"),
        "expected the third failure to open the circuit"
    );
    Ok(())
}
