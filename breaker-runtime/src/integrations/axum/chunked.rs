//! Backpressure for server-sent events: sends one chunk at a time and times out a client that stops reading.
//!
//! A server that received several chunks would buffer them and poll the stream again only after the client
//! has read, so a client that stopped reading would go unnoticed.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::clock::{Clock, Timeout};

/// Maximum time until the client has read a chunk.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Size of a chunk, in bytes. A slow client reads one within [`READ_TIMEOUT`].
const CHUNK_SIZE: usize = 64 * 1024;

/// A text that is sent in chunks.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    head: Bytes,
    rest: Bytes,
    /// Completes when the chunk in flight is dropped, which is when the client has read it.
    in_flight: Option<Receiver<Infallible>>,
}

/// A chunk that signals, by dropping its sender, that the server has written it.
struct Chunk {
    text: Bytes,
    _dropped: Sender<Infallible>,
}

impl Chunked {
    /// Sets the text to send next, in two parts.
    pub(super) fn send(&mut self, head: Bytes, rest: Bytes) {
        (self.head, self.rest) = (head, rest);
    }

    /// Returns `true` if a part of the text has not been sent.
    pub(super) fn has_unsent(&self) -> bool {
        !self.head.is_empty() || !self.rest.is_empty()
    }

    /// Waits until the client has read the last chunk, and returns the next one; `None` at the end of the
    /// text. A call that is cancelled has no effect.
    ///
    /// # Errors
    ///
    /// Returns [`io::ErrorKind::TimedOut`] if the client has not read the last chunk within `limit`. The server
    /// then closes the connection.
    pub(super) async fn next(&mut self, clock: &Clock, limit: Duration) -> io::Result<Option<Bytes>> {
        if let (Some(in_flight), Some(timer)) = (&mut self.in_flight, clock.alarm(limit))
            && Timeout::new(in_flight, timer).await.is_none()
        {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.in_flight = None;
        let part = if self.head.is_empty() { &mut self.rest } else { &mut self.head };
        if part.is_empty() {
            return Ok(None);
        }
        let text = part.split_to(part.len().min(CHUNK_SIZE));
        let (sender, receiver) = channel();
        self.in_flight = Some(receiver);
        Ok(Some(Bytes::from_owner(Chunk { text, _dropped: sender })))
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}
