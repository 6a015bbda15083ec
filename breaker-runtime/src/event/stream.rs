//! Events for async code, on tokio's broadcast channel, which runs under any executor.

use std::fmt;

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use super::Event;

/// The events of a registry from when it was subscribed to. Blocks nobody: a reader who is more than 1,024
/// events behind loses the oldest, and is told how many.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use breaker_runtime::{Config, Event, Registry, State};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// registry.register("search", Config::default())?.force_open();
///
/// let Some(Ok(Event::StateChanged(change))) = events.next().await else { panic!("it changed") };
/// assert_eq!(change.transition().to, State::ForcedOpen);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

/// So many events came and went before they were read.
///
/// ```
/// use breaker_runtime::{Config, Lagged, Registry};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// let breaker = registry.register("search", Config::default())?;
/// for _ in 0..1030 {
///     breaker.reset(); // and nobody reads
/// }
/// assert!(matches!(events.try_next(), Some(Err(Lagged(6)))));
/// assert!(matches!(events.try_next(), Some(Ok(_)))); // the oldest that is left
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged(pub u64);

impl Events {
    pub(super) const fn new(receiver: broadcast::Receiver<Event>) -> Self {
        Self { receiver }
    }

    /// The next event, when it happens; none when the registry and all its breakers are gone. May be cancelled:
    /// nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Event, Lagged>> {
        match self.receiver.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(RecvError::Lagged(count)) => Some(Err(Lagged(count))),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next event, if it has happened already.
    pub fn try_next(&mut self) -> Option<Result<Event, Lagged>> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(TryRecvError::Lagged(count)) => Some(Err(Lagged(count))),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

impl fmt::Display for Lagged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} events were lost because they were not read in time", self.0)
    }
}

impl std::error::Error for Lagged {}
