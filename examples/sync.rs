//! The attribute on a plain function, with an inline closure as its fallback: no runtime, no async.
//!
//! ```text
//! cargo run -p breaker-examples --example sync
//! ```
//!
//! Nobody listens at the address, so three calls fail and the circuit opens; the rest get the
//! fallback. The arguments of the function are in scope in the closure.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use breaker_runtime::{Registry, circuit_breaker};

#[circuit_breaker(
    name = "exchange-rate",
    failure_threshold = 3,
    fallback = |error| Ok(format!("yesterday's rate of {currency}, because {error}"))
)]
fn exchange_rate(server: SocketAddr, currency: &str) -> io::Result<String> {
    let mut rate = String::new();
    TcpStream::connect(server)?.read_to_string(&mut rate)?;
    Ok(format!("{rate} for one {currency}"))
}

fn main() -> io::Result<()> {
    let nobody = free_address()?;
    for call in 1..=5 {
        match exchange_rate(nobody, "euro") {
            Ok(rate) => println!("call {call}: {rate}"),
            Err(error) => println!("call {call}: failed, {error}"),
        }
    }
    if let Some(breaker) = Registry::global().get("exchange-rate") {
        println!("{breaker:?}");
    }
    Ok(())
}

/// An address at which nobody listens any more.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
