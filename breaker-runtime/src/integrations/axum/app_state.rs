//! The state that all routes share, except the route for health.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;

use super::bearer::Tokens;
use super::broadcast::Broadcast;
use super::cache::{Cached, Reader};
use super::clients::Clients;
use super::error::HttpError;
use super::registry_commands::RegistryCommands;
use super::shutdown::Shutdown;
use super::view::RegistryView;
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

#[derive(Debug)]
pub(super) struct AppState {
    pub(super) registry_view: Arc<RegistryView>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) shutdown: Shutdown,
    pub(super) broadcast: Broadcast,
    pub(super) clients: Clients,
    pub(super) reader: Arc<Reader>,
    pub(super) commands: Arc<RegistryCommands>,
    pub(super) circuits: Cached<Bytes>,
    pub(super) metrics: Cached<Bytes>,
    /// The JSON of each breaker whose circuits are expensive to read, by its name. A registry never removes a
    /// breaker, so there are at most as many as breakers.
    large_breakers: Mutex<HashMap<String, Arc<Cached<Bytes>>>>,
}

impl AppState {
    pub(super) fn new(registry: &Registry, tokens: Tokens, shutdown: Shutdown) -> Self {
        let registry_view = Arc::new(RegistryView::new(registry));
        Self {
            broadcast: Broadcast::new(&tokens),
            tokens: Arc::new(tokens),
            shutdown,
            clients: Clients::default(),
            reader: Arc::new(Reader::new(registry)),
            commands: RegistryCommands::of(registry),
            circuits: Cached::default(),
            metrics: Cached::default(),
            large_breakers: Mutex::default(),
            registry_view,
        }
    }

    /// Reads all circuits, or returns a recent result; see [`Cached::get`].
    pub(super) async fn read_all<T: Clone + Send + 'static>(
        &self,
        cached: &Cached<T>,
        read: impl FnOnce(&RegistryView) -> T + Send + 'static,
    ) -> Result<T, HttpError> {
        let view = Arc::clone(&self.registry_view);
        cached.get(&self.reader, view.cost(), move || read(&view)).await
    }

    /// Returns the cached JSON of the breaker of this name.
    pub(super) fn large_breaker(&self, name: &str) -> Arc<Cached<Bytes>> {
        let mut breakers = lock(&self.large_breakers);
        if let Some(cached) = breakers.get(name) {
            return Arc::clone(cached);
        }
        Arc::clone(breakers.entry(name.to_owned()).or_default())
    }
}
