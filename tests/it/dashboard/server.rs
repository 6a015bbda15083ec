//! A server on the loopback interface, and requests to it.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use breaker_runtime::integrations::axum::Dashboard;
use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, ConfigBuilder, Registry};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// A dashboard and its registry.
pub(crate) struct Server {
    /// The clock of the registry, which only the test advances; of no use with [`Server::for_registry`].
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) address: SocketAddr,
    http: Client,
    task: JoinHandle<()>,
}

/// The status and the text of an error response.
#[derive(Debug, PartialEq)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    pub(crate) text: String,
}

pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) const TOKEN: &str = "correct horse";

impl Server {
    /// Starts a server without a token.
    pub(crate) fn start() -> Self {
        Self::with(Dashboard::router)
    }

    /// Starts a server with [`TOKEN`].
    pub(crate) fn with_token() -> Self {
        Self::with(|dashboard| dashboard.token(TOKEN).router())
    }

    /// Starts a server with the router that `router` builds.
    pub(crate) fn with(router: impl FnOnce(Dashboard) -> Router) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let router = router(dashboard(&registry));
        Self::serve(clock, registry, router)
    }

    /// Starts a server with [`TOKEN`] for an existing registry, which has its own clock.
    pub(crate) fn for_registry(registry: &Registry) -> Self {
        let router = Dashboard::new(registry).token(TOKEN).router();
        Self::serve(Clock::new(), registry.clone(), router)
    }

    pub(crate) fn serve(clock: Clock, registry: Registry, router: Router) -> Self {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        let http = Client::builder().no_proxy().build().unwrap();
        Self { clock, registry, address, http, task }
    }

    pub(crate) fn register(&self, name: &'static str, settings: ConfigBuilder) -> CircuitBreaker {
        self.registry.register(name, settings.build().unwrap()).unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> HttpResponse {
        HttpResponse::of(self.request(Method::GET, path)).await
    }

    /// Returns the request for a command, as the page sends it.
    pub(crate) fn command(&self, path: &str) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        request.bearer_auth(TOKEN).header("x-breaker-operator", "alice")
    }
}

/// Returns the dashboard of a registry.
pub(crate) fn dashboard(registry: &Registry) -> Dashboard {
    Dashboard::new(registry)
}

/// Returns a listener with small send buffers, so that a client that does not read is noticed early.
fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    socket.listen(1024).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HttpResponse {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the status and the text of an error response.
    pub(crate) fn error(&self) -> ErrorResponse {
        ErrorResponse { status: self.status, text: self.json()["error"].as_str().unwrap().to_owned() }
    }
}

/// Percent-encodes every byte of a name.
pub(crate) fn encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").unwrap();
        text
    })
}
