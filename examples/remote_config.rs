//! Settings from a server: the program polls it with the tag of the last version, and applies each new one.
//!
//! ```text
//! cargo run -p breaker-examples --example remote_config
//! ```
//!
//! The server is part of the example. It sends two versions, answers 304 while its version is known, and fails once.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use breaker_runtime::{Config, Registry};
use tokio::net::TcpListener;

/// The versions that the server sends, with their tags.
const VERSIONS: [(&str, &str); 2] = [
    ("\"1\"", r#"{"breakers": {"payment": {"failure_threshold": 10}}}"#),
    ("\"2\"", r#"{"breakers": {"payment": {"failure_threshold": 20, "recovery_timeout": "5s"}}}"#),
];
/// Number of the request that fails.
const FAILING: usize = 2;

/// The client of the server, and the tag of the version that it has applied.
struct RemoteConfig {
    client: reqwest::Client,
    url: String,
    tag: Option<String>,
    reader: ConfigReader,
}

/// The result of one request.
#[derive(Debug, PartialEq)]
enum Polled {
    Applied,
    Unchanged,
    /// The last settings stay in effect.
    Failed(StatusCode),
}

impl RemoteConfig {
    async fn poll(&mut self) -> Result<Polled, Box<dyn std::error::Error>> {
        let mut request = self.client.get(&self.url);
        if let Some(tag) = &self.tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let response = request.send().await?;
        match response.status() {
            StatusCode::NOT_MODIFIED => Ok(Polled::Unchanged),
            StatusCode::OK => {
                let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
                let tag = tag.map(str::to_owned);
                let body = response.bytes().await?;
                self.reader.load_text(self.url.as_str(), ConfigFormat::Json, &body)?;
                self.tag = tag; // only of settings that were accepted
                Ok(Polled::Applied)
            }
            status => Ok(Polled::Failed(status)),
        }
    }
}

/// Sends the first version to the first two requests, fails once, and then sends the second version.
async fn serve_config(State(requests): State<Arc<AtomicUsize>>, headers: HeaderMap) -> Response {
    let request = requests.fetch_add(1, Ordering::Relaxed);
    if request == FAILING {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let [first, second] = VERSIONS;
    let (tag, body) = if request < FAILING { first } else { second };
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, tag)], body).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/breakers.json", listener.local_addr()?);
    let server = Router::new().route("/breakers.json", get(serve_config)).with_state(Arc::default());
    let serving = tokio::spawn(async move { axum::serve(listener, server).await });

    let registry = Registry::new();
    let payment = registry.register("payment", Config::default())?;
    let reader = ConfigReader::new(&registry);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut remote = RemoteConfig { client, url, tag: None, reader };
    let expected = [
        (Polled::Applied, 10),
        (Polled::Unchanged, 10),
        (Polled::Failed(StatusCode::SERVICE_UNAVAILABLE), 10),
        (Polled::Applied, 20),
        (Polled::Unchanged, 20),
    ];
    for (polled, threshold) in expected {
        let found = remote.poll().await?; // a service would wait between its requests
        let failure_threshold = payment.config().failure_threshold();
        println!("{found:?}: failure_threshold = {failure_threshold:?}");
        assert_eq!((found, failure_threshold), (polled, Some(threshold)));
    }
    serving.abort();
    Ok(())
}
