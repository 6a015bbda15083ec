//! A graceful shutdown with open event streams, on a clock that the test advances.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use breaker_runtime::Registry;
use breaker_runtime::integrations::axum::Dashboard;
use breaker_runtime::testing::Clock;
use reqwest::Response;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::server::Server;
use crate::support::{http_get, settings};

/// A server that shuts down as in the documentation of `Dashboard::shutdown`.
struct GracefulServer {
    clock: Clock,
    registry: Registry,
    address: SocketAddr,
    signal: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Real time that a shutdown may take.
const LIMIT: Duration = Duration::from_secs(25);

impl GracefulServer {
    async fn start() -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let (sender, receiver) = watch::channel(false);
        let signal = |mut receiver: watch::Receiver<bool>| async move {
            _ = receiver.wait_for(|is_shutting_down| *is_shutting_down).await;
        };
        let router = Dashboard::new(&registry).shutdown(signal(receiver.clone())).router();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = axum::serve(listener, router).with_graceful_shutdown(signal(receiver));
        let task = tokio::spawn(async { server.await.unwrap() });
        Self { clock, registry, address, signal: sender, task }
    }

    /// Opens a stream and reads its first event.
    async fn open_stream(&self) -> Response {
        let mut response = http_get(&format!("http://{}/circuits/stream", self.address)).await;
        assert_eq!(response.status(), 200);
        assert!(next_event(&mut response).await.starts_with("retry: 500\nevent: snapshot\n"));
        response
    }
}

/// Returns the next event. The server sends no other one before it was read.
async fn next_event(stream: &mut Response) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\n\n") {
        text.extend(stream.chunk().await.unwrap().unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// Returns a client that requests the stream and never reads, once the server has begun to respond.
async fn unread_stream(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut unread = socket.connect(address).await.unwrap();
    unread.write_all(b"GET /circuits/stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    unread.peek(&mut [0]).await.unwrap();
    unread
}

#[tokio::test]
async fn open_streams_do_not_delay_a_graceful_shutdown() {
    let server = GracefulServer::start().await;
    server.registry.register("payment", settings().build().unwrap()).unwrap();
    let streams = [server.open_stream().await, server.open_stream().await, server.open_stream().await];
    server.signal.send_replace(true);
    // The clock stands still, so the streams wait for nothing.
    timeout(LIMIT, server.task).await.unwrap().unwrap();
    for stream in streams {
        assert_eq!(stream.text().await.unwrap(), "event: shutdown\ndata: {}\n\n");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_within_a_second_of_the_shutdown() {
    let server = GracefulServer::start().await;
    for nth in 0..20_000 {
        server.registry.register(format!("circuit {nth}"), settings().build().unwrap()).unwrap();
    }
    let _unread = unread_stream(server.address).await;
    server.signal.send_replace(true);
    let mut task = server.task;
    let mut waited = Duration::ZERO;
    while timeout(Duration::from_millis(50), &mut task).await.is_err() {
        // The server may notice the signal late on a slow machine, but a stream would last 30 seconds.
        assert!(waited <= Duration::from_secs(25), "the client is still connected");
        server.clock.advance(Duration::from_millis(250));
        waited += Duration::from_millis(250);
    }
}

#[tokio::test]
async fn after_the_signal_streams_are_refused_and_all_other_routes_respond() {
    let server = Server::with(|dashboard| dashboard.shutdown(async {}).router());
    server.register("payment", settings());
    for _ in 0..3 {
        let response = server.get("/circuits/stream").await;
        assert_eq!((response.error().status, response.header("retry-after")), (503, "2"));
        assert_eq!(response.error().text, "the server is shutting down; retry in 2 s");
    }
    for path in ["/", "/circuits", "/circuits/payment", "/health/circuits", "/metrics"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_signal_that_has_not_completed_changes_nothing() {
    let server = Server::with(|dashboard| dashboard.shutdown(std::future::pending()).router());
    server.register("payment", settings());
    let mut stream = http_get(&format!("http://{}/circuits/stream", server.address)).await;
    assert!(next_event(&mut stream).await.contains("event: snapshot\n"));
    server.clock.advance(Duration::from_secs(1));
    assert!(next_event(&mut stream).await.starts_with("event: delta\n"));
}
