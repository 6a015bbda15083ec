//! The payment provider: a real HTTP server with bad days. It knows nothing of the circuit breaker.
//!
//! On a bad day it is slow and answers 503; some connections it lets hang, resets, or fills with
//! garbage. The faults follow a script, so that every run tells the same story.

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

/// What happens to the connections of a bad day, in turn. None: it is let in, and waits for its 503.
const FAULTS: [Option<Fault>; 5] = [None, None, Some(Fault::Hang), Some(Fault::Reset), Some(Fault::Garbage)];

/// How many charges see every fault once.
pub(crate) const ROUND: usize = FAULTS.len();

#[derive(Clone, Copy)]
enum Fault {
    Hang,
    Reset,
    Garbage,
}

/// The provider that runs, and the switch that breaks it.
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
        let door = Door { tcp, broken: Arc::clone(&broken), faults: FAULTS.iter().cycle() };
        tokio::spawn(axum::serve(door, routes).into_future());
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
        return (StatusCode::SERVICE_UNAVAILABLE, "have a cup of tea".to_owned());
    }
    sleep(HEALTHY).await;
    (StatusCode::OK, format!("{sku} is paid"))
}

/// Where connections arrive, and where some of them end.
struct Door {
    tcp: TcpListener,
    broken: Arc<AtomicBool>,
    faults: Cycle<slice::Iter<'static, Option<Fault>>>,
}

impl Door {
    fn next_fault(&mut self) -> Option<Fault> {
        if self.broken.load(Ordering::Relaxed) {
            return self.faults.next().copied().flatten();
        }
        self.faults = FAULTS.iter().cycle();
        None
    }
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.tcp).await;
            match self.next_fault() {
                None => return (stream, peer),
                Some(fault) => drop(tokio::spawn(spoil(stream, fault))),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn spoil(mut stream: TcpStream, fault: Fault) -> io::Result<()> {
    if stream.read(&mut [0; 1024]).await? == 0 {
        return Ok(()); // the client has gone already
    }
    match fault {
        Fault::Hang => sleep(HANGING).await,
        Fault::Reset => stream.set_zero_linger()?,
        Fault::Garbage => stream.write_all(b"\x16\x03 out of tea\r\n\r\n").await?,
    }
    Ok(())
}
