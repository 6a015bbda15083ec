//! A listener that gets the state changes of every circuit, with the text of the last failure.
//!
//! ```text
//! cargo run -p breaker-examples --example listener
//! ```
//!
//! A real listener would write a log line, send an alert or count, instead of calling `println!`.
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
    let mail = Registry::global().get("mail").context("the function was called")?;
    mail.operator("on-call engineer").reset();

    drop(subscription);
    mail.force_open(); // no listener is left

    let [(opened, text), (reset, _)] =
        causes.iter().collect::<Vec<_>>().try_into().ok().context("there are two state changes")?;
    ensure!(
        (opened, reset) == (Cause::ThresholdReached, Cause::Reset),
        "a rule opens the circuit, and an operator closes it"
    );
    ensure!(text.as_deref() == Some("the mailbox of cleo is full"), "the third failure opens the circuit");
    Ok(())
}
