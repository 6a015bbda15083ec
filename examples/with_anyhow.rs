//! A function that returns `anyhow::Result`: it needs no conversion, and its callers recognize a rejection by
//! downcasting.
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
    // The listener is dropped at once, so this address accepts no connection.
    let warehouse = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    for sku in ["tea", "cups", "honey", "spoons"] {
        match count(warehouse, sku) {
            Ok(left) => println!("{sku:<7} {left} left"),
            Err(error) => println!("{sku:<7} {}", explain(&error)),
        }
    }
    Ok(())
}

/// Describes an error. It recognizes a rejection even if callers have added context.
fn explain(error: &anyhow::Error) -> String {
    match error.downcast_ref::<BreakerError>() {
        Some(rejection) => format!("rejected ({:?}): {rejection}", rejection.kind()),
        None => format!("failed: {error:#}"),
    }
}
