//! With anyhow there is nothing to write: a rejected call is one more error, found by its type.
//!
//! ```text
//! cargo run -p breaker-examples --example with_anyhow
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::Context as _;
use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "warehouse", failure_threshold = 2)]
fn count(warehouse: SocketAddr, sku: &str) -> anyhow::Result<usize> {
    TcpStream::connect(warehouse).with_context(|| format!("cannot count {sku}"))?;
    Ok(7)
}

fn main() -> anyhow::Result<()> {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    for sku in ["tea", "cups", "honey", "spoons"] {
        match count(nobody, sku) {
            Ok(left) => println!("{sku:<7} {left} left"),
            Err(error) => println!("{sku:<7} {}", explain(&error)),
        }
    }
    Ok(())
}

/// Finds the rejection also under a context that was added on the way.
fn explain(error: &anyhow::Error) -> String {
    match error.downcast_ref::<BreakerError>() {
        Some(rejected) => format!("not tried ({:?}): {rejected}", rejected.kind()),
        None => format!("failed: {error:#}"),
    }
}
