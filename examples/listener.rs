//! Why it opened: one listener hears of every circuit, and what the last failure said.
//!
//! ```text
//! cargo run -p breaker-examples --example listener
//! ```
//!
//! The place of the `println!` is where a log, an alarm or a counter belongs.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::mpsc;

use anyhow::{Context as _, Result, bail, ensure};
use breaker_runtime::{Cause, Event, Registry, circuit_breaker};

#[circuit_breaker(name = "mail", failure_threshold = 3)]
fn send(to: &str) -> Result<()> {
    bail!("the mailbox of {to} is full")
}

fn main() -> Result<()> {
    let (heard, causes) = mpsc::channel();
    let listening = Registry::global().listen(move |event: &Event| {
        println!("    heard: {event}");
        if let Event::StateChanged(change) = event {
            let transition = change.transition();
            // An error says that nobody waits for it any more.
            _ = heard.send((transition.cause, transition.last_failure.clone()));
        }
    });
    for name in ["ann", "ben", "cleo", "dora"] {
        match send(name) {
            Ok(()) => println!("{name} has mail"),
            Err(error) => println!("{name}: {error}"),
        }
    }
    let mail = Registry::global().get("mail").context("it was called")?;
    mail.operator("the one on duty").reset();

    drop(listening);
    mail.force_open(); // unheard

    let [(opened, text), (reset, _)] = causes.iter().collect::<Vec<_>>().try_into().ok().context("two")?;
    ensure!(
        (opened, reset) == (Cause::ThresholdReached, Cause::Reset),
        "a rule opened it, and a person closed it"
    );
    ensure!(text.as_deref() == Some("the mailbox of cleo is full"), "the third failure opened it");
    Ok(())
}
