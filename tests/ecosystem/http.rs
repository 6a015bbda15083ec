//! `integrations::http` with reqwest and a real axum server, and the response for a rejected call.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use breaker_runtime::integrations::http::{is_failure_status, parse_retry_after, retry_after};
use breaker_runtime::testing::{Clock, scope, scope_async};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Outcome, Registry, State, circuit_breaker};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The headers of a request that the server copies into its response begin with this text.
const ECHO: &str = "echo-";

#[derive(Debug)]
enum FetchError {
    Connection,
    Breaker(BreakerError),
}

impl From<BreakerError> for FetchError {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

/// The lines that the documentation recommends.
#[circuit_breaker(
    name = "ecosystem/http",
    failure_threshold = 1,
    recovery_timeout = "30s",
    jitter = 1.0,
    max_recovery_timeout = "1h",
    failure_if = |result| result.as_ref().map_or(true, |response| is_failure_status(response.status())),
    retry_after = |result| retry_after(result.as_ref().ok()?.headers())
)]
async fn fetch(request: reqwest::RequestBuilder) -> Result<Response, FetchError> {
    request.send().await.map_err(|_| FetchError::Connection)
}

/// A server that sends the status and the headers that a request names.
struct EchoServer {
    client: Client,
    url: String,
}

impl EchoServer {
    async fn start() -> Self {
        Self { client: client(), url: serve(Router::new().fallback(get(echo))).await }
    }

    fn request(&self, status: u16, headers: &[(&str, &[u8])]) -> reqwest::RequestBuilder {
        let request = self.client.get(&self.url).header("status", status);
        headers.iter().fold(request, |request, (name, value)| {
            let value = HeaderValue::from_bytes(value).expect("the value of a header");
            request.header(format!("{ECHO}{name}"), value)
        })
    }

    /// Fetches a response with this `Retry-After` in a scope of its own, and returns how long the circuit is open.
    async fn open_time(&self, status: u16, headers: &[(&str, &[u8])]) -> Option<Duration> {
        scope_async(async |_| {
            let response = fetch(self.request(status, headers)).await.expect("a response");
            assert_eq!(response.status(), status);
            circuit().snapshot().retry_after
        })
        .await
    }
}

async fn echo(request: HeaderMap) -> axum::response::Response {
    let status = StatusCode::from_bytes(request["status"].as_bytes()).expect("a status");
    let mut response = status.into_response();
    for (name, value) in &request {
        if let Some(name) = name.as_str().strip_prefix(ECHO) {
            let name = HeaderName::try_from(name).expect("the name of a header");
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// Returns a client for servers on loopback, without the proxy of the environment.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, routes).await });
    url
}

fn circuit() -> CircuitBreaker {
    Registry::global().get("ecosystem/http").expect("a declared breaker")
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn only_5xx_429_and_failed_connections_count_as_failures_of_reqwest() {
    let server = EchoServer::start().await;
    for status in [200, 204, 301, 304, 400, 401, 404, 409, 422, 499] {
        assert_eq!(server.open_time(status, &[("retry-after", b"100")]).await, None, "{status}");
    }
    for status in [429, 500, 502, 503, 504, 599] {
        assert_eq!(
            server.open_time(status, &[("retry-after", b"100")]).await,
            Some(seconds(100)),
            "{status}"
        );
    }
    scope_async(async |_| {
        let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", unused.local_addr().expect("an address"));
        drop(unused);
        assert!(matches!(fetch(client().get(url)).await, Err(FetchError::Connection)));
        assert_eq!(circuit().state(), State::Open);
    })
    .await;
}

#[tokio::test]
async fn a_429_opens_the_circuit_for_as_long_as_the_server_says_in_both_forms() {
    let server = EchoServer::start().await;
    let sent_at = ("date", b"Sun, 06 Nov 1994 08:49:37 GMT".as_slice());
    for value in
        ["600", "Sun, 06 Nov 1994 08:59:37 GMT", "Sunday, 06-Nov-94 08:59:37 GMT", "Sun Nov  6 08:59:37 1994"]
    {
        let headers = [sent_at, ("retry-after", value.as_bytes())];
        // Jitter, which shortens the usual time, does not shorten this one.
        assert_eq!(server.open_time(429, &headers).await, Some(seconds(600)), "{value}");
    }
    // `max_recovery_timeout` limits it.
    assert_eq!(server.open_time(503, &[("retry-after", b"99999999999999999999")]).await, Some(seconds(3600)));
}

#[tokio::test]
async fn a_date_is_relative_to_the_date_that_hyper_adds_to_a_response() {
    let server = EchoServer::start().await;
    let date = httpdate::fmt_http_date(SystemTime::now() + seconds(600));
    let open_time =
        server.open_time(503, &[("retry-after", date.as_bytes())]).await.expect("an open circuit");
    assert!(open_time > seconds(500) && open_time <= seconds(601), "{open_time:?}");
}

#[tokio::test]
async fn nonsense_in_retry_after_opens_the_circuit_for_the_usual_time() {
    let server = EchoServer::start().await;
    for value in [
        b"-500".as_slice(),
        b"",
        b"   ",
        b"150.5",
        b"soon",
        b"\xff\xfe",
        b"900, 900",
        b"Sun, 99 Nov 1994 08:59:37 GMT",
    ] {
        let open_time = server.open_time(503, &[("retry-after", value)]).await.expect("an open circuit");
        assert!(open_time <= seconds(30), "{value:?}: {open_time:?}");
    }
    // A date that has passed adds nothing.
    let past = [("retry-after", b"Sun, 06 Nov 1994 08:59:37 GMT".as_slice())];
    assert!(server.open_time(503, &past).await <= Some(seconds(30)));
}

#[tokio::test]
async fn the_longest_of_several_retry_after_headers_counts() {
    let server = EchoServer::start().await;
    let headers = [("retry-after", b"60".as_slice()), ("retry-after", b"?"), ("retry-after", b"120")];
    assert_eq!(server.open_time(503, &headers).await, Some(seconds(120)));
}

#[test]
fn a_date_without_that_of_the_response_is_relative_to_the_clock_that_a_test_advances() {
    let now = SystemTime::now();
    let date = httpdate::fmt_http_date(now + seconds(3600));
    let is_about = |wait: Option<Duration>, expected: u64| {
        wait.is_some_and(|wait| wait > seconds(expected - 60) && wait <= seconds(expected))
    };
    scope(|scope| {
        assert!(is_about(parse_retry_after(&date), 3600));
        scope.advance(seconds(3000));
        assert!(is_about(parse_retry_after(&date), 600));
        scope.advance(seconds(3000));
        assert_eq!(parse_retry_after(&date), Some(Duration::ZERO));
        scope.advance(Duration::MAX);
        assert_eq!(parse_retry_after(&date), Some(Duration::ZERO));
    });
    assert!(is_about(parse_retry_after(&date), 3600));
}

#[tokio::test(start_paused = true)]
async fn a_date_without_that_of_the_response_is_relative_to_the_paused_clock_of_tokio() {
    let date = httpdate::fmt_http_date(SystemTime::now() + seconds(3600));
    tokio::time::advance(seconds(3000)).await;
    let wait = parse_retry_after(&date).expect("a date");
    assert!(wait > seconds(540) && wait <= seconds(600), "{wait:?}");
}

/// Returns a circuit that is open for 90 seconds on this clock, and a server whose handler calls it.
async fn rejecting_server(clock: &Clock) -> String {
    let config = Config::builder().failure_threshold(1).recovery_timeout(seconds(90)).build();
    let registry = Registry::with_clock(clock);
    let breaker = registry.register("stock", config.expect("valid settings")).expect("a new name");
    breaker.try_acquire().expect("a closed circuit").settle(Outcome::Failure);
    let handler = async move || {
        let permit = breaker.try_acquire()?;
        permit.settle(Outcome::Success);
        Ok::<_, BreakerError>("in stock")
    };
    serve(Router::new().fallback(get(handler))).await
}

#[tokio::test]
async fn a_handler_that_returns_a_rejection_sends_503_with_retry_after_and_names_the_circuit() {
    let url = rejecting_server(&Clock::new()).await;
    let response = client().get(url).send().await.expect("a response");
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["retry-after"], "90");
    let body: Value =
        serde_json::from_slice(&response.bytes().await.expect("a body")).expect("a JSON document");
    let error = "the service is temporarily unavailable; try again later";
    assert_eq!(body, json!({"error": error, "circuit": "stock", "kind": "open", "retry_after": 90}));
}

#[tokio::test]
async fn a_client_waits_as_long_as_the_open_circuit_of_its_server() {
    scope_async(async |scope| {
        let url = rejecting_server(scope.clock()).await;
        assert_eq!(fetch(client().get(&url)).await.expect("a response").status(), 503);
        assert_eq!(circuit().snapshot().retry_after, Some(seconds(90)));
        let rejected = fetch(client().get(&url)).await;
        assert!(
            matches!(rejected, Err(FetchError::Breaker(error)) if error.retry_after() == Some(seconds(90)))
        );
        // Both circuits admit a trial call at the same time.
        scope.advance(seconds(90));
        assert_eq!(fetch(client().get(&url)).await.expect("a response").status(), 200);
        assert_eq!(circuit().state(), State::HalfOpen);
    })
    .await;
}
