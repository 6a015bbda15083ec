//! Server-sent events. Each client reads at its own pace: a slow one receives the changes of several seconds
//! in one event.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, HeaderName, Version as HttpVersion};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;

use super::app_state::AppState;
use super::broadcast::{StreamMessage, Version};
use super::chunked::Chunked;
use super::clients::ClientSlot;
use super::error::HttpError;
use super::query::NoQuery;
use super::request::Input;

/// The instruction to browsers to reconnect 500 ms after the stream has ended.
const RETRY: &str = "retry: 500\n";

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
}

pub(super) async fn stream(
    State(app): State<Arc<AppState>>,
    http: HttpVersion,
    headers: HeaderMap,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
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
            if let Some(chunk) = self.chunks.next(self.app.registry_view.clock()).await.transpose() {
                // Otherwise clients that read slowly would be more than the limit, each with an event.
                let chunk = if self.slot.is_lost() { Err(io::ErrorKind::TimedOut.into()) } else { chunk };
                return Some((chunk, self));
            }
            let StreamMessage { version, head, rest } = self.next_message().await?;
            let head = match self.progress {
                StreamProgress::BeforeFirstEvent => Bytes::from([RETRY.as_bytes(), &head].concat()),
                StreamProgress::Streaming => head,
            };
            (self.version, self.progress) = (Some(version), StreamProgress::Streaming);
            self.chunks.send(head, rest);
        }
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
