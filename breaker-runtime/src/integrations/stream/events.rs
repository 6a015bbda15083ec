//! [`Events`] as a [`Stream`], for the adapters of the `futures` and `tokio-stream` crates.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::event::{Event, Events, Lagged};

/// Ends once the registry and all its breakers are dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use breaker_runtime::{Config, Event, Registry};
/// use futures_util::StreamExt as _;
///
/// let registry = Registry::new();
/// let events = registry.subscribe();
/// registry.register("search", Config::default())?.force_open();
/// drop(registry);
///
/// let lines: Vec<String> = events
///     .map(|item| match item {
///         Ok(event) => event.to_string(),
///         Err(lagged) => lagged.to_string(),
///     })
///     .collect()
///     .await;
/// assert_eq!(lines.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Stream for Events {
    type Item = Result<Event, Lagged>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Events::poll_next(self.get_mut(), context)
    }
}
