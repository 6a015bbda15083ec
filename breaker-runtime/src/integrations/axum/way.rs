//! The way to a client: one piece of text at a time is on it, so that who takes none is known. A server that is
//! handed more would keep it, and then ask for nothing and tell nothing until the client reads.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::clock::{Clock, Timeout};

/// So long a client may take for a piece; one that is alive takes it at once.
const PATIENCE: Duration = Duration::from_secs(30);
/// In bytes. Little enough that a slow client takes one in time.
const PIECE: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Way {
    rest: Bytes,
    taken: Option<Receiver<Infallible>>,
}

/// It sends nothing: that the sender is gone, and the piece with it, is the news.
struct Piece {
    text: Bytes,
    _taken: Sender<Infallible>,
}

impl Way {
    /// What comes next on it.
    pub(super) fn add(&mut self, text: Bytes) {
        self.rest = text;
    }

    /// The next piece, if there is one, once the client has taken the last.
    ///
    /// # Errors
    ///
    /// If the client has not taken it in time. The server then ends the connection.
    pub(super) async fn next(&mut self, clock: &Clock) -> io::Result<Option<Bytes>> {
        if let (Some(taken), Some(alarm)) = (self.taken.take(), clock.alarm(PATIENCE))
            && Timeout::new(taken, alarm).await.is_none()
        {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let text = self.rest.split_to(self.rest.len().min(PIECE));
        let (sender, receiver) = channel();
        self.taken = Some(receiver);
        Ok(Some(Bytes::from_owner(Piece { text, _taken: sender })))
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}
