//! The state that all routes share.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;

use super::broadcast::Broadcast;
use super::cache::{Cached, Reader};
use super::clients::Clients;
use super::error::HttpError;
use super::health::HealthReport;
use super::token::CommandToken;
use super::view::RegistryView;
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

#[derive(Debug)]
pub(super) struct AppState {
    pub(super) registry_view: Arc<RegistryView>,
    /// The token for commands; `None` disables them.
    pub(super) token: Option<CommandToken>,
    pub(super) broadcast: Broadcast,
    pub(super) clients: Clients,
    pub(super) reader: Arc<Reader>,
    /// Reads for `/health/circuits` only, so that readiness never waits for another route.
    health_reader: Arc<Reader>,
    health: Cached<HealthReport>,
    pub(super) circuits: Cached<Bytes>,
    pub(super) metrics: Cached<Bytes>,
    /// The JSON of each breaker whose circuits are expensive to read, by its name. A registry never removes a
    /// breaker, so there are at most as many as breakers.
    large_breakers: Mutex<HashMap<String, Arc<Cached<Bytes>>>>,
}

impl AppState {
    pub(super) fn new(registry: &Registry, token: Option<CommandToken>) -> Self {
        let registry_view = Arc::new(RegistryView::new(registry));
        Self {
            broadcast: Broadcast::new(token.as_ref()),
            token,
            clients: Clients::default(),
            reader: Arc::new(Reader::new(registry)),
            health_reader: Arc::new(Reader::new(registry)),
            health: Cached::default(),
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

    /// Reads the health of all circuits, or returns a recent result. Waits for no other route.
    pub(super) async fn read_health(&self) -> Result<HealthReport, HttpError> {
        let view = Arc::clone(&self.registry_view);
        self.health.get(&self.health_reader, view.cost(), move || HealthReport::read(&view)).await
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

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use tokio::runtime::Builder;
    use tokio::task::spawn;

    use super::super::query::Criticality;
    use super::AppState;
    use crate::config::Config;
    use crate::registry::Registry;

    #[test]
    fn health_does_not_wait_for_the_readings_of_other_routes() {
        let registry = Registry::new();
        let hosts = registry.register_keyed("host", Config::default(), 1_000).unwrap();
        (0..1_000).for_each(|key| drop(hosts.get(&key.to_string())));
        let app = Arc::new(AppState::new(&registry, None));
        Builder::new_current_thread().build().unwrap().block_on(async {
            let ((started, mut has_started), (done, is_done)) =
                (tokio::sync::mpsc::unbounded_channel(), channel::<()>());
            let other = Arc::clone(&app);
            let reading = spawn(async move {
                let read = move || {
                    started.send(()).unwrap();
                    _ = is_done.recv();
                };
                other.reader.run(1_000, read).await.is_ok()
            });
            has_started.recv().await.unwrap();
            assert!(app.read_health().await.unwrap().is_ready(Criticality::AllCircuits));
            drop(done);
            assert!(reading.await.unwrap());
        });
    }
}
