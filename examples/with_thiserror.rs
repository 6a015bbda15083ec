//! A function without a fallback: one variant of its error type converts from `BreakerError`.
//!
//! ```text
//! cargo run -p breaker-examples --example with_thiserror
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use breaker_runtime::{BreakerError, circuit_breaker};
use thiserror::Error;

#[derive(Debug, Error)]
enum ShippingError {
    #[error("the carrier cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

#[circuit_breaker(name = "carrier", failure_threshold = 2, recovery_timeout = "10s")]
fn ship(carrier: SocketAddr, parcel: &str) -> Result<String, ShippingError> {
    TcpStream::connect(carrier)?;
    Ok(format!("{parcel} is on its way"))
}

fn main() -> io::Result<()> {
    // The listener is dropped at once, so this address accepts no connection.
    let carrier = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    for parcel in ["tea", "cups", "honey", "spoons"] {
        println!("{parcel:<7} {}", report(ship(carrier, parcel)));
    }
    Ok(())
}

/// Describes a result. The caller can distinguish a failed call from a rejected one.
fn report(shipped: Result<String, ShippingError>) -> String {
    match shipped {
        Ok(status) => status,
        Err(ShippingError::Breaker(error)) => match error.retry_after() {
            Some(wait) => format!("rejected: circuit {:?} is open; try again in {wait:.1?}", error.name()),
            None => format!("rejected: {error}"),
        },
        Err(error @ ShippingError::Unreachable(_)) => format!("failed: {error}"),
    }
}
