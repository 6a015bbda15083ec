//! A payment provider: an HTTP server on loopback that can be down. It executes each order once.

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

/// A running provider. Clones share it.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) url: String,
    state: Arc<ProviderState>,
}

#[derive(Default)]
struct ProviderState {
    is_down: AtomicBool,
    captured: Mutex<Captured>,
}

/// The executed orders, and the order in which they arrived.
#[derive(Default)]
struct Captured {
    known: HashSet<u32>,
    sequence: Vec<u32>,
}

impl Provider {
    /// Starts a provider on a free port.
    pub(crate) async fn start() -> io::Result<Self> {
        let state = Arc::<ProviderState>::default();
        let routes = Router::new().route("/captures/{order}", post(capture)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { url, state })
    }

    pub(crate) fn fail(&self) {
        self.state.is_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn recover(&self) {
        self.state.is_down.store(false, Ordering::Relaxed);
    }

    /// Returns the orders in the sequence in which they were executed.
    pub(crate) fn captured(&self) -> Vec<u32> {
        self.state.captured.lock().unwrap_or_else(PoisonError::into_inner).sequence.clone()
    }
}

/// Executes an order. Status 409 means that it was executed before; status 422 that it cannot be executed.
async fn capture(
    State(state): State<Arc<ProviderState>>,
    Path(order): Path<u32>,
    cents: String,
) -> StatusCode {
    if state.is_down.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if !cents.parse().is_ok_and(|cents: u32| cents > 0) {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    let mut captured = state.captured.lock().unwrap_or_else(PoisonError::into_inner);
    if !captured.known.insert(order) {
        return StatusCode::CONFLICT;
    }
    captured.sequence.push(order);
    StatusCode::CREATED
}
