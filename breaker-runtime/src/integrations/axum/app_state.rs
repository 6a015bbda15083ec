//! The state that all routes share, and the query that several of them take.

use serde::Deserialize;

use super::broadcast::Broadcast;
use super::clients::Clients;
use super::token::CommandToken;
use super::view::Circuits;
use crate::registry::Registry;

#[derive(Debug)]
pub(super) struct AppState {
    pub(super) circuits: Circuits,
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
            circuits: Circuits::new(registry),
            broadcast: Broadcast::new(token.as_ref()),
            token,
            clients: Clients::default(),
        }
    }
}
