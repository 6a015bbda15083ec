//! A connection to a server, and the messages that arrive on it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ProtocolVersion, PushInfo, PushKind, Value,
};
use tokio::sync::mpsc;

use super::error::{Failure, Remedy};
use super::tls;
use crate::fleet::protocol::{MAX_REQUEST_TIME, Push};
use crate::fleet::store::StoreErrorKind;
use crate::sync::{AtomicU32, Ordering};

/// Maximum time to connect, with TLS and login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The time without data after which the system probes the peer, and the interval between the probes.
const KEEPALIVE: Duration = Duration::from_secs(10);
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);

/// The time after which the system closes a connection whose sent data are not acknowledged.
#[cfg(any(target_os = "linux", target_os = "android"))]
const USER_TIMEOUT: Duration = Duration::from_secs(5);

/// The channel for messages.
pub(super) type Messages = mpsc::Sender<Push>;

/// An open connection. It is closed when this value is dropped.
pub(super) struct Connection {
    pub(super) client: MultiplexedConnection,
    /// `true` if messages can arrive.
    pub(super) has_push: bool,
    is_lost: Arc<Flag>,
}

/// Set when the connection is lost.
#[derive(Debug, Default)]
struct Flag(AtomicU32);

impl Flag {
    fn set(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

impl Connection {
    /// Connects, over version 3 of the protocol if the server and the user allow it.
    pub(super) async fn connect(info: ConnectionInfo, messages: &Messages) -> Result<Self, Failure> {
        let is_lost = Arc::new(Flag::default());
        let login = info.redis_settings().clone();
        if login.protocol() != ProtocolVersion::RESP2 {
            let handler = PushHandler { messages: messages.clone(), is_lost: Arc::clone(&is_lost) };
            match open(info.clone(), Some(handler)).await {
                Ok(client) => return Ok(Self { client, has_push: true, is_lost }),
                Err(failure) if failure.is_refusal() => {}
                Err(failure) => return Err(failure),
            }
        }
        let info = info.set_redis_settings(login.set_protocol(ProtocolVersion::RESP2));
        Ok(Self { client: open(info, None).await?, has_push: false, is_lost })
    }

    /// Returns `true` if the server has closed the connection.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.is_set()
    }
}

/// Handles what the server sends without a request.
pub(super) struct PushHandler {
    messages: Messages,
    is_lost: Arc<Flag>,
}

impl PushHandler {
    fn receive(&self, info: &PushInfo) {
        match info.kind {
            PushKind::Disconnection => self.is_lost.set(),
            PushKind::Message => {
                if let [_, Value::BulkString(text)] = info.data.as_slice()
                    && let Some(push) = std::str::from_utf8(text).ok().and_then(Push::read)
                {
                    // A message is lost if too many wait already. The next exchange returns its records.
                    _ = self.messages.try_send(push);
                }
            }
            _ => {}
        }
    }
}

/// Opens a connection and logs in.
pub(super) async fn open(
    info: ConnectionInfo,
    handler: Option<PushHandler>,
) -> Result<MultiplexedConnection, Failure> {
    let uses_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    if uses_tls && !tls::has_provider() {
        return Err(Failure::new(
            StoreErrorKind::Tls,
            Remedy::Reconnect,
            "this process has not chosen a crypto provider for TLS: add `rustls` to its dependencies, and call \
             `rustls::crypto::ring::default_provider().install_default()` at the start of `main`",
        ));
    }
    let client = Client::open(info.set_tcp_settings(tcp_settings()))?;
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(MAX_REQUEST_TIME));
    if let Some(handler) = handler {
        config = config.set_push_sender(move |info: PushInfo| -> Result<(), Infallible> {
            handler.receive(&info);
            Ok(())
        });
    }
    let opened = client.get_multiplexed_async_connection_with_config(&config).await;
    opened.map_err(Failure::from).map_err(|failure| {
        if uses_tls && failure.error.kind == StoreErrorKind::TimedOut {
            // A server without TLS waits for the rest of a command.
            let text =
                "no TLS connection within 1 s: is the server reachable, and does it use TLS at this port?";
            return Failure::new(StoreErrorKind::TimedOut, Remedy::Reconnect, text);
        }
        failure
    })
}

fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
    let keepalive = keepalive.with_interval(KEEPALIVE_INTERVAL);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let settings = settings.set_user_timeout(USER_TIMEOUT);
    settings
}
