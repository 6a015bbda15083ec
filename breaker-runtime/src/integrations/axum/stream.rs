//! Server-sent events: to each client its own pace. One that is slow gets what changed meanwhile in one event.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;

use super::Panel;
use super::answer::Refusal;
use super::feed::Look;
use super::places::Place;

/// In milliseconds: how soon a browser comes back after a stream has ended.
const RETRY: &str = "retry: 500\n";

struct Client {
    panel: Arc<Panel>,
    place: Place,
    seen: Option<Look>,
    told: Told,
}

enum Told {
    Nothing,
    Something,
}

pub(super) async fn stream(State(panel): State<Arc<Panel>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let place = panel.places.take(panel.registry.clock().now()).ok_or(Refusal::CROWD)?;
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = id.and_then(|id| panel.feed.seen(id));
    let client = Client { panel, place, seen, told: Told::Nothing };
    let events = unfold(client, async |client| client.next().await);
    // Proxies like nginx must hand on each event as it comes.
    let headers = [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, Body::from_stream(events)).into_response())
}

impl Client {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
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
        Some((Ok(event), self))
    }
}
