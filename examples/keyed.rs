//! One circuit for each host: the bad one is left alone, the good ones go on as if nothing were.
//!
//! ```text
//! cargo run -p breaker-examples --example keyed
//! ```
//!
//! At one address nobody listens; behind the other two somebody does.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{Registry, State, circuit_breaker};

// Anything with `Display` may be the key. The least recently used good hosts go when there are 100.
#[circuit_breaker(
    name = "hosts",
    key = host,
    max_keys = 100,
    failure_threshold = 2,
    fallback = |error| Ok(format!("not asked: {error}"))
)]
fn greet(host: SocketAddr) -> io::Result<String> {
    TcpStream::connect(host).map(|_| "is there".to_owned())
}

fn main() -> Result<()> {
    let listeners = [listen()?, listen()?];
    let [one, other] = [listeners[0].local_addr()?, listeners[1].local_addr()?];
    let bad = listen()?.local_addr()?;
    for _ in 0..3 {
        for host in [one, bad, other] {
            println!("{host}: {}", greet(host).unwrap_or_else(|error| format!("failed, {error}")));
        }
    }
    let hosts = Registry::global().get_keyed("hosts").context("it was called")?;
    for circuit in hosts.iter() {
        println!("{circuit:?}");
    }
    let state = |host: SocketAddr| hosts.get(&host.to_string()).state();
    ensure!(state(bad) == State::Open, "two failures open the circuit of the bad host");
    ensure!([one, other].map(state) == [State::Closed; 2], "and no other");
    Ok(())
}

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}
