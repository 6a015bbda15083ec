//! A stream of tokens that dies half-way, as from the service of a language model.
//!
//! ```text
//! cargo run -p breaker-examples --example llm_stream
//! ```
//!
//! A real server sends server-sent events. It breaks three streams in the middle: each response has status 200, and its
//! connection closes before the last event. With `settle = stream`, these calls are failures and open the circuit, so
//! the next call is rejected without a connection. When the server has recovered, one whole stream closes the circuit.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use breaker_runtime::{ErrorKind, Registry, State, circuit_breaker};
use futures_util::{Stream, StreamExt as _, stream};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::time::sleep;

const WORDS: [&str; 5] = ["A", "circuit", "breaker", "stops", "calls."];
const PAUSE: Duration = Duration::from_millis(20);

/// The time for which the circuit stays open.
const RECOVERY: Duration = Duration::from_millis(500);

/// The client of the language model.
struct LanguageModel {
    http: Client,
    url: String,
}

/// Opens the stream of one answer. The call lasts until the answer is complete.
#[circuit_breaker(
    name = "model",
    settle = stream,
    failure_threshold = 3,
    recovery_timeout = RECOVERY,
    success_threshold = 1,
    hang = "10s"
)]
async fn complete(service: &LanguageModel) -> Result<impl Stream<Item = Result<String>> + Send + use<>> {
    let response = service.http.get(&service.url).send().await?.error_for_status()?;
    Ok(stream::try_unfold(Events { response, buffer: Vec::new() }, Events::next_token))
}

/// The events of a response, of which a chunk can contain several or only a part of one.
struct Events {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Events {
    /// Returns the next token, or `None` after the last event. A body that ends before it is an error.
    async fn next_token(mut self) -> Result<Option<(String, Self)>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|bytes| bytes == b"\n\n") {
                let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let event = String::from_utf8(event)?;
                return match event.trim().strip_prefix("data: ") {
                    Some("[DONE]") => Ok(None),
                    Some(token) => Ok(Some((token.to_owned(), self))),
                    None => bail!("not an event: {event:?}"),
                };
            }
            match self.response.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => bail!("the stream ended before its last event"),
            }
        }
    }
}

/// Breaks a response, so that the server closes its connection.
#[derive(Debug, thiserror::Error)]
#[error("the process that writes the answer has crashed")]
struct Crashed;

/// Sends one event for each word. While the service is broken, it closes the connection after two of them.
async fn answer(Shared(is_broken): Shared<Arc<AtomicBool>>) -> Response {
    let sent = if is_broken.load(Ordering::Relaxed) { 2 } else { WORDS.len() };
    let tokens = WORDS.iter().take(sent).map(|word| Ok(format!("data: {word}\n\n")));
    let last = if sent == WORDS.len() { Ok("data: [DONE]\n\n".to_owned()) } else { Err(Crashed) };
    let events: Vec<_> = tokens.chain([last]).collect();
    let events = stream::iter(events).then(|event| async {
        sleep(PAUSE).await;
        event
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// Prints an answer while it arrives.
async fn ask(service: &LanguageModel) -> Result<String> {
    let mut tokens = Box::pin(complete(service).await?);
    let mut text = Vec::new();
    while let Some(token) = tokens.next().await {
        match token {
            Ok(token) => text.push(token),
            Err(error) => bail!("after {:?}: {error}", text.join(" ")),
        }
    }
    Ok(text.join(" "))
}

async fn ask_and_print(service: &LanguageModel) -> Result<String> {
    let answer = ask(service).await;
    match &answer {
        Ok(text) => println!("answer    {text}"),
        Err(error) => println!("no answer {error}"),
    }
    answer
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let is_broken = Arc::new(AtomicBool::new(true));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/complete", listener.local_addr()?);
    let service = LanguageModel { http: Client::builder().no_proxy().build()?, url };
    let router = Router::new().route("/complete", get(answer)).with_state(Arc::clone(&is_broken));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    for _ in 0..3 {
        ensure!(ask_and_print(&service).await.is_err(), "expected a broken stream");
    }
    let circuit = Registry::global().get("model").context("expected the circuit of `complete`")?;
    ensure!(circuit.state() == State::Open, "expected three broken streams to open the circuit");
    let rejected = ask_and_print(&service).await.err().context("expected a rejection")?;
    ensure!(ErrorKind::find_in(rejected.as_ref()) == Some(ErrorKind::Open), "expected an open circuit");

    is_broken.store(false, Ordering::Relaxed);
    println!("the service has recovered");
    sleep(RECOVERY).await;
    let text = ask_and_print(&service).await?;
    ensure!(text == WORDS.join(" "), "expected the whole answer");
    ensure!(circuit.state() == State::Closed, "expected a whole stream to close the circuit");
    server.abort();
    Ok(())
}
