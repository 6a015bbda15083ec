//! Server-sent events. Each client reads at its own pace: a slow one receives the changes of several seconds
//! in one event.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, HeaderName, Version as HttpVersion};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;

use super::app_state::AppState;
use super::broadcast::{StreamMessage, Version};
use super::chunked::{Chunked, READ_TIMEOUT};
use super::clients::ClientSlot;
use super::error::HttpError;
use super::query::NoQuery;
use super::request::Input;

/// The instruction to browsers to reconnect 500 ms after the stream has ended.
const RETRY: &str = "retry: 500\n";

/// The last event before the server shuts down. It has no id, so that the id of the event before it remains the last
/// one.
const SHUTDOWN: &str = "event: shutdown\ndata: {}\n\n";

/// Maximum time until the client has read an event after the shutdown has begun.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// One client, and the version of the last event that it has received.
struct StreamClient {
    app: Arc<AppState>,
    slot: ClientSlot,
    version: Option<Version>,
    progress: StreamProgress,
    chunks: Chunked,
}

enum StreamProgress {
    BeforeFirstEvent,
    Streaming,
    /// The last event is being sent.
    ShuttingDown,
}

pub(super) async fn stream(
    State(app): State<Arc<AppState>>,
    http: HttpVersion,
    headers: HeaderMap,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    if app.shutdown.has_begun() {
        return Err(HttpError::SHUTTING_DOWN);
    }
    let slot = app.clients.acquire(app.registry_view.clock().now()).ok_or(HttpError::TOO_MANY_CLIENTS)?;
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let version = match id {
        Some(id) => app.broadcast.version_of(id).await,
        None => None,
    };
    let (progress, chunks) = (StreamProgress::BeforeFirstEvent, Chunked::default());
    let client = StreamClient { app, slot, version, progress, chunks };
    let chunks = unfold(client, async |client| client.next_chunk().await);
    // The second header prevents proxies such as nginx from buffering events.
    let headers = [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    let mut response = (headers, Body::from_stream(chunks)).into_response();
    // Closing the connection with the stream drops disconnected clients. An HTTP/2 connection carries other
    // requests too.
    if http < HttpVersion::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

impl StreamClient {
    async fn next_chunk(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            if let Some(chunk) = self.unread_chunk().await.transpose() {
                // Otherwise clients that read slowly would be more than the limit, each with an event.
                let chunk = if self.slot.is_lost() { Err(io::ErrorKind::TimedOut.into()) } else { chunk };
                return Some((chunk, self));
            }
            let retry = match self.progress {
                StreamProgress::BeforeFirstEvent => RETRY,
                StreamProgress::Streaming => "",
                StreamProgress::ShuttingDown => return None,
            };
            match self.app.shutdown.unless_begun(self.next_message()).await {
                Some(message) => {
                    let StreamMessage { version, head, rest } = message?;
                    (self.version, self.progress) = (Some(version), StreamProgress::Streaming);
                    let head =
                        if retry.is_empty() { head } else { [retry.as_bytes(), &head].concat().into() };
                    self.chunks.send(head, rest);
                }
                None => self.shut_down(),
            }
        }
    }

    /// Waits until the client has read the last chunk, and returns the next one; `None` at the end of the event.
    ///
    /// # Errors
    ///
    /// Returns an error if the client reads too slowly, or if the shutdown cuts the event. The server then closes
    /// the connection.
    async fn unread_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let clock = self.app.registry_view.clock();
        if let StreamProgress::BeforeFirstEvent | StreamProgress::Streaming = self.progress {
            if let Some(chunk) = self.app.shutdown.unless_begun(self.chunks.next(clock, READ_TIMEOUT)).await {
                return chunk;
            }
            if self.chunks.has_unsent() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.shut_down();
        }
        let clock = self.app.registry_view.clock();
        self.chunks.next(clock, SHUTDOWN_TIMEOUT).await
    }

    fn shut_down(&mut self) {
        self.progress = StreamProgress::ShuttingDown;
        self.chunks.send(Bytes::from_static(SHUTDOWN.as_bytes()), Bytes::new());
    }

    /// Waits until its next event is due and returns it; `None` at the end of the stream.
    async fn next_message(&self) -> Option<StreamMessage> {
        let clock = self.app.registry_view.clock();
        if let StreamProgress::Streaming = self.progress {
            let now = clock.now();
            let wait = self.app.broadcast.wait(now).await;
            // The stream ends right after an event, so a client that reconnects misses no second.
            if self.slot.is_expired(now.after(wait)) {
                return None;
            }
            clock.alarm(wait)?.await;
        }
        let AppState { broadcast, registry_view, reader, .. } = &*self.app;
        broadcast.message(registry_view, reader, self.version).await.ok()
    }
}
