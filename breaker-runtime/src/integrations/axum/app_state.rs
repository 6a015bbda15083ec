//! The state that all routes share, and the query string of several routes.

use serde::Deserialize;

use super::broadcast::Broadcast;
use super::clients::Clients;
use super::token::CommandToken;
use super::view::RegistryView;
use crate::registry::Registry;

#[derive(Debug)]
pub(super) struct AppState {
    pub(super) registry_view: RegistryView,
    /// The token for commands; `None` disables them.
    pub(super) token: Option<CommandToken>,
    pub(super) broadcast: Broadcast,
    pub(super) clients: Clients,
}

/// The query string that selects the circuit of one key.
#[derive(Deserialize)]
pub(super) struct KeyQuery {
    pub(super) key: Option<String>,
}

impl AppState {
    pub(super) fn new(registry: &Registry, token: Option<CommandToken>) -> Self {
        Self {
            registry_view: RegistryView::new(registry),
            broadcast: Broadcast::new(token.as_ref()),
            token,
            clients: Clients::default(),
        }
    }
}
