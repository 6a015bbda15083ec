//! A proxy between a process and its server, for faults of the network.
//!
//! Nothing that it holds is lost: a hole in the network swallows packets, but TCP sends them again once the hole is
//! gone, unless the connection has been given up.
#![expect(clippy::disallowed_methods, reason = "a slow network")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What happens to one direction of all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Pass,
    /// Nothing arrives. The connection stays.
    Hold,
    /// Everything arrives this much later.
    Delay(Duration),
    /// A few bytes of the next data arrive, and then the connection is closed.
    Cut,
}

#[derive(Clone, Copy, Debug)]
struct Faults {
    to_server: Flow,
    to_client: Flow,
    /// Grows with each reset of all connections.
    resets: u64,
}

/// A proxy. It ends when it is dropped.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    faults: watch::Sender<Faults>,
    _runtime: Runtime,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    ToServer,
    ToClient,
}

impl FaultProxy {
    /// Starts a proxy for the server on this port.
    pub(crate) fn start(server: u16) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let faults = Faults { to_server: Flow::Pass, to_client: Flow::Pass, resets: 0 };
        let (faults, receiver) = watch::channel(faults);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut faults = receiver.clone();
                faults.mark_unchanged();
                tokio::spawn(serve(client, server, faults));
            }
        });
        Self { address, faults, _runtime: runtime }
    }

    /// Returns the URL of the server, through the proxy.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Applies a fault to both directions.
    pub(crate) fn both(&self, flow: Flow) {
        self.faults.send_modify(|faults| (faults.to_server, faults.to_client) = (flow, flow));
    }

    /// Applies a fault to what the process sends.
    pub(crate) fn to_server(&self, flow: Flow) {
        self.faults.send_modify(|faults| faults.to_server = flow);
    }

    /// Applies a fault to what the server sends.
    pub(crate) fn to_client(&self, flow: Flow) {
        self.faults.send_modify(|faults| faults.to_client = flow);
    }

    /// Resets all connections. New ones are accepted.
    pub(crate) fn reset(&self) {
        self.faults.send_modify(|faults| faults.resets += 1);
    }
}

async fn serve(client: TcpStream, server: u16, mut faults: watch::Receiver<Faults>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    let own = faults.borrow().resets;
    let (client, server) = (&client, &server);
    let pumps = async {
        tokio::select! {
            () = pump(client, server, Direction::ToServer, faults.clone()) => {}
            () = pump(server, client, Direction::ToClient, faults.clone()) => {}
        }
    };
    let mut resets = faults.clone();
    tokio::select! {
        () = pumps => {}
        _ = resets.wait_for(|faults| faults.resets > own) => {
            // Closing a socket without waiting for its data resets the connection.
            #[expect(deprecated, reason = "a wait of zero does not block")]
            for socket in [client, server] {
                _ = socket.set_linger(Some(Duration::ZERO));
            }
        }
    }
    faults.mark_unchanged();
}

/// Copies one direction of a connection until it ends.
async fn pump(from: &TcpStream, to: &TcpStream, direction: Direction, mut faults: watch::Receiver<Faults>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(length) = read(from, &mut buffer).await else { return };
        if length == 0 {
            return;
        }
        let held = faults.wait_for(|faults| direction.flow(faults) != Flow::Hold).await;
        let Ok(flow) = held.map(|faults| direction.flow(&faults)) else { return };
        let passes = match flow {
            Flow::Pass | Flow::Hold => length,
            Flow::Delay(time) => {
                tokio::time::sleep(time).await;
                length
            }
            Flow::Cut => length.min(7),
        };
        if write(to, &buffer[..passes]).await.is_err() || flow == Flow::Cut {
            return;
        }
    }
}

async fn read(from: &TcpStream, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        from.readable().await?;
        match from.try_read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

async fn write(to: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Direction {
    const fn flow(self, faults: &Faults) -> Flow {
        match self {
            Self::ToServer => faults.to_server,
            Self::ToClient => faults.to_client,
        }
    }
}
