//! A shop whose payment provider has an outage, with and without a circuit breaker.
//!
//! ```text
//! cargo run -p breaker-examples --example checkout             # runs once, about ten seconds
//! cargo run -p breaker-examples --example checkout -- --serve  # repeats, for the browser
//! ```
//!
//! It starts two real HTTP servers on loopback and a customer who buys tea. You can watch in the terminal,
//! and on the dashboard at the address that the example prints.
//!
//! ```text
//! story.rs ── HTTP ──▶ shop.rs ──▶ payment.rs ── HTTP ──▶ provider.rs
//! customer             checkout    #[circuit_breaker]     slow, failing, then healthy
//! ```
//!
//! Start with `payment.rs`, which has the attribute.
//!
//! | file | contents |
//! |---|---|
//! | `shutdown.rs` | the signal to shut down |
//! | `provider.rs` | the payment provider, which has an outage on demand |
//! | `payment.rs` | the payment, protected by a circuit breaker |
//! | `stock.rs` | the stock, with one circuit for each warehouse |
//! | `shop.rs` | the HTTP server of the shop, with the dashboard |
//! | `summary.rs` | the benefit of the circuit breaker, computed from latencies |
//! | `terminal.rs` | the output in the terminal |
//! | `story.rs` | the customer, before, during and after the outage |

mod shutdown;
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

/// Pause between two runs, in which you can buy in the browser.
const PAUSE: Duration = Duration::from_secs(5);

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
    let shutdown = shutdown::listen()?;
    let provider = Provider::start().await?;
    let shop = shop::open(Gateway::new(provider.address())?, &shutdown).await?;
    tokio::select! {
        // Checked first: purchases fail once the shop is closing, which is no error then.
        biased;
        () = shutdown::wait(shutdown) => shop.closed().await?,
        result = run(mode, terminal, shop.address, provider) => result?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the mode from the arguments of the program. Returns the first unknown argument as an error.
fn read_mode() -> Result<Mode, String> {
    let arguments: Vec<_> = env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(Mode::Once),
        ["--serve"] => Ok(Mode::Serve),
        ["--serve", unknown, ..] | [unknown, ..] => Err((*unknown).to_owned()),
    }
}

async fn run(mode: Mode, terminal: Terminal, shop: SocketAddr, provider: Provider) -> anyhow::Result<()> {
    let story = Story::new(shop, provider, terminal)?;

    terminal.welcome(shop);
    let purchases = story.run().await?;
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
        terminal.invite(shop, PAUSE);
        sleep(PAUSE).await;
        story.run().await?;
    }
}
