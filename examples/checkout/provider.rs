//! The payment provider: a real HTTP server that has an outage on demand. It does not know about the circuit
//! breaker.
//!
//! During an outage it is slow and responds with 503, and some connections hang, are reset, or receive
//! garbage. The faults follow a fixed sequence, so that every run is the same.

use std::io;
use std::iter::Cycle;
use std::net::{Ipv4Addr, SocketAddr};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::Listener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

const HEALTHY: Duration = Duration::from_millis(40);
const SLOW: Duration = Duration::from_millis(300);
const HANGING: Duration = Duration::from_secs(5);

/// The faults of successive connections during an outage. `None` is a slow response with 503.
const FAULTS: [Option<Fault>; 5] = [None, None, Some(Fault::Hang), Some(Fault::Reset), Some(Fault::Garbage)];

/// Number of charges after which every fault has occurred once.
pub(crate) const FAULT_COUNT: usize = FAULTS.len();

#[derive(Clone, Copy)]
enum Fault {
    Hang,
    Reset,
    Garbage,
}

/// A running provider, and the switch for its outage.
pub(crate) struct Provider {
    address: SocketAddr,
    broken: Arc<AtomicBool>,
}

impl Provider {
    pub(crate) async fn start() -> io::Result<Self> {
        let broken = Arc::new(AtomicBool::new(false));
        let routes = Router::new().route("/charge", post(charge)).with_state(Arc::clone(&broken));
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = tcp.local_addr()?;
        let listener = FaultyListener { tcp, broken: Arc::clone(&broken), faults: FAULTS.iter().cycle() };
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { address, broken })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn break_down(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub(crate) fn recover(&self) {
        self.broken.store(false, Ordering::Relaxed);
    }
}

async fn charge(State(broken): State<Arc<AtomicBool>>, sku: String) -> (StatusCode, String) {
    if broken.load(Ordering::Relaxed) {
        sleep(SLOW).await;
        return (StatusCode::SERVICE_UNAVAILABLE, "the provider is overloaded".to_owned());
    }
    sleep(HEALTHY).await;
    (StatusCode::OK, format!("{sku} is paid"))
}

/// A listener that breaks some of its connections during an outage.
struct FaultyListener {
    tcp: TcpListener,
    broken: Arc<AtomicBool>,
    faults: Cycle<slice::Iter<'static, Option<Fault>>>,
}

impl FaultyListener {
    fn next_fault(&mut self) -> Option<Fault> {
        if self.broken.load(Ordering::Relaxed) {
            return self.faults.next().copied().flatten();
        }
        self.faults = FAULTS.iter().cycle();
        None
    }
}

impl Listener for FaultyListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.tcp).await;
            match self.next_fault() {
                None => return (stream, peer),
                Some(fault) => drop(tokio::spawn(inject(stream, fault))),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn inject(mut stream: TcpStream, fault: Fault) -> io::Result<()> {
    if stream.read(&mut [0; 1024]).await? == 0 {
        return Ok(()); // the client has disconnected
    }
    match fault {
        Fault::Hang => sleep(HANGING).await,
        Fault::Reset => stream.set_zero_linger()?,
        Fault::Garbage => stream.write_all(b"\x16\x03 not HTTP\r\n\r\n").await?,
    }
    Ok(())
}
