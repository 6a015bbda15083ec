//! Server-sent events: to each client its own pace. One that is slow gets what changed meanwhile in one event.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, HeaderName, Version};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;

use super::Panel;
use super::answer::Refusal;
use super::feed::Look;
use super::places::Place;
use super::way::Way;

/// In milliseconds: how soon a browser comes back after a stream has ended.
const RETRY: &str = "retry: 500\n";

struct Client {
    panel: Arc<Panel>,
    place: Place,
    seen: Option<Look>,
    told: Told,
    way: Way,
}

enum Told {
    Nothing,
    Something,
}

pub(super) async fn stream(
    State(panel): State<Arc<Panel>>,
    version: Version,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let place = panel.places.take(panel.registry.clock().now()).ok_or(Refusal::CROWD)?;
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = id.and_then(|id| panel.feed.seen(id));
    let client = Client { panel, place, seen, told: Told::Nothing, way: Way::default() };
    let events = unfold(client, async |client| client.next().await);
    // Proxies like nginx must hand on each event as it comes.
    let headers = [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    let mut response = (headers, Body::from_stream(events)).into_response();
    // The connection of a client that has died ends with its stream. Of HTTP/2 it carries others too.
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

impl Client {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            if let Some(piece) = self.way.next(self.panel.registry.clock()).await.transpose() {
                return Some((piece, self));
            }
            let event = self.event().await?;
            self.way.add(event);
        }
    }

    /// What is new in its second; none when the stream is over.
    async fn event(&mut self) -> Option<Bytes> {
        let clock = self.panel.registry.clock();
        if let Told::Something = self.told {
            let (now, wait) = (clock.now(), self.panel.feed.wait(clock.now()));
            // It ends after an event rather than before one, so that who comes back misses no second.
            if self.place.is_over(now.after(wait)) {
                return None;
            }
            clock.alarm(wait)?.await;
        }
        let (look, event) = self.panel.feed.tell(&self.panel, self.seen);
        let event = match self.told {
            Told::Nothing => Bytes::from([RETRY.as_bytes(), &event].concat()),
            Told::Something => event,
        };
        (self.seen, self.told) = (Some(look), Told::Something);
        Some(event)
    }
}
