//! A shop whose payment provider breaks down, and what a circuit breaker makes of it.
//!
//! ```text
//! cargo run -p breaker-examples --example checkout             # the story, about ten seconds
//! cargo run -p breaker-examples --example checkout -- --serve  # again and again, for the browser
//! ```
//!
//! Two real HTTP servers on loopback, and a customer who buys tea while you watch in the terminal and, at the
//! address that it prints, on the dashboard:
//!
//! ```text
//! story.rs ── HTTP ──▶ shop.rs ──▶ payment.rs ── HTTP ──▶ provider.rs
//! customer             checkout    #[circuit_breaker]     slow, failing, then healthy
//! ```
//!
//! Begin with `payment.rs`: the attribute is there. `terminal.rs` and `summary.rs` only show.

mod provider;
mod payment;
mod stock;
mod shop;
mod summary;
mod terminal;
mod story;

use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::sleep;

use crate::payment::Gateway;
use crate::provider::Provider;
use crate::story::Story;
use crate::summary::Summary;
use crate::terminal::Terminal;

/// Between two plays, for those who want to buy in the browser by themselves.
const REST: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Mode {
    Once,
    Serve,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let terminal = Terminal::new();
    let mode = match read_mode() {
        Ok(mode) => mode,
        Err(unknown) => {
            terminal::reject_argument(&unknown);
            return Ok(ExitCode::from(2));
        }
    };
    tokio::select! {
        ended = run(mode, terminal) => ended?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The mode that was asked for, or the argument that is none.
fn read_mode() -> Result<Mode, String> {
    let arguments: Vec<_> = env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(Mode::Once),
        ["--serve"] => Ok(Mode::Serve),
        ["--serve", unknown, ..] | [unknown, ..] => Err((*unknown).to_owned()),
    }
}

async fn run(mode: Mode, terminal: Terminal) -> anyhow::Result<()> {
    let provider = Provider::start().await?;
    let shop = shop::open(Gateway::new(provider.address())?).await?;
    let story = Story::new(shop, provider, terminal)?;

    terminal.welcome(shop);
    let purchases = story.play().await?;
    if let Some(circuit) = payment::circuit() {
        terminal.summarize(&Summary::of(&purchases), &circuit);
    }
    match mode {
        Mode::Once => Ok(()),
        Mode::Serve => repeat(&story, terminal, shop).await,
    }
}

async fn repeat(story: &Story, terminal: Terminal, shop: SocketAddr) -> anyhow::Result<()> {
    loop {
        terminal.invite(shop, REST);
        sleep(REST).await;
        story.play().await?;
    }
}
