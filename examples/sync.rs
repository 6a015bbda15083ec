//! The attribute on a sync function, with a closure as its fallback. It needs no async runtime.
//!
//! ```text
//! cargo run -p breaker-examples --example sync
//! ```
//!
//! The address accepts no connection, so three calls fail and the circuit opens. The other calls get the
//! fallback. The closure can use the arguments of the function.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use breaker_runtime::{Registry, circuit_breaker};

#[circuit_breaker(
    name = "exchange-rate",
    failure_threshold = 3,
    fallback = |error| Ok(format!("yesterday's rate of {currency} ({error})"))
)]
fn exchange_rate(server: SocketAddr, currency: &str) -> io::Result<String> {
    let mut rate = String::new();
    TcpStream::connect(server)?.read_to_string(&mut rate)?;
    Ok(format!("{rate} for one {currency}"))
}

fn main() -> io::Result<()> {
    let server = unused_address()?;
    for call in 1..=5 {
        match exchange_rate(server, "euro") {
            Ok(rate) => println!("call {call}: {rate}"),
            Err(error) => println!("call {call}: failed: {error}"),
        }
    }
    if let Some(breaker) = Registry::global().get("exchange-rate") {
        println!("{breaker:?}");
    }
    Ok(())
}

/// Returns an address that accepts no connection, because its listener is dropped.
fn unused_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
