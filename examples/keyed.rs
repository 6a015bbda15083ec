//! One circuit for each host: an unreachable host does not affect calls to the other hosts.
//!
//! ```text
//! cargo run -p breaker-examples --example keyed
//! ```
//!
//! Two of the three addresses accept connections; the third is unreachable.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{Registry, State, circuit_breaker};

// A key can have any type that implements `Display`. With more than 100 hosts, the breaker evicts idle
// circuits, preferably those without recent calls.
#[circuit_breaker(
    name = "hosts",
    key = host,
    max_keys = 100,
    failure_threshold = 2,
    fallback = |error| Ok(format!("rejected: {error}"))
)]
fn greet(host: SocketAddr) -> io::Result<String> {
    TcpStream::connect(host).map(|_| "reachable".to_owned())
}

fn main() -> Result<()> {
    let listeners = [listen()?, listen()?];
    let [first, second] = [listeners[0].local_addr()?, listeners[1].local_addr()?];
    // The listener is dropped at once, so this address accepts no connection.
    let unreachable = listen()?.local_addr()?;
    for _ in 0..3 {
        for host in [first, unreachable, second] {
            println!("{host}: {}", greet(host).unwrap_or_else(|error| format!("failed: {error}")));
        }
    }
    let hosts = Registry::global()
        .get_keyed("hosts")
        .context("expected the breaker `hosts` to be registered by its first call")?;
    for circuit in hosts.iter() {
        println!("{circuit:?}");
    }
    let state = |host: SocketAddr| hosts.get(&host.to_string()).state();
    ensure!(state(unreachable) == State::Open, "expected the circuit of the unreachable host to be open");
    ensure!(
        [first, second].map(state) == [State::Closed; 2],
        "expected the circuits of the other hosts to be closed"
    );
    Ok(())
}

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}
