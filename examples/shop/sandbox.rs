//! Stand-ins for the payment providers and the fraud check: HTTP servers on loopback whose health the story sets. They
//! do not know about circuit breakers.
//!
//! | route | response of a healthy server |
//! |---|---|
//! | `POST /authorizations` | 200 with a receipt |
//! | `POST /captures` | 200 with a receipt, once for each number |
//! | `GET /scores/{customer}` | 200 with the risk from 0 to 100 |

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The way in which a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Healthy,
    /// Every request gets status 503.
    Failing,
    /// No request gets a response.
    Hanging,
}

/// A running server.
pub(crate) struct Sandbox {
    pub(crate) url: String,
    state: Arc<SandboxState>,
}

struct SandboxState {
    health: watch::Sender<Health>,
    captured: Mutex<BTreeSet<String>>,
}

impl Sandbox {
    /// Starts a healthy server on a free port.
    pub(crate) async fn start() -> io::Result<Self> {
        let state = Arc::new(SandboxState {
            health: watch::Sender::new(Health::Healthy),
            captured: Mutex::default(),
        });
        let routes = Router::new()
            .route("/authorizations", post(authorize))
            .route("/captures", post(capture))
            .route("/scores/{customer}", get(score))
            .layer(from_fn_with_state(Arc::clone(&state), fail))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { url: format!("http://{address}"), state })
    }

    /// Sets how the server answers from now on. Requests without a response end with status 503.
    pub(crate) fn set_health(&self, health: Health) {
        self.state.health.send_replace(health);
    }

    /// Returns the number of authorizations that have been captured.
    pub(crate) fn captures(&self) -> usize {
        self.state.captured.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

async fn fail(State(state): State<Arc<SandboxState>>, request: Request, next: Next) -> Response {
    let mut health = state.health.subscribe();
    let now = *health.borrow();
    match now {
        Health::Healthy => return next.run(request).await,
        Health::Failing => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Health::Hanging => {}
    }
    _ = health.wait_for(|health| *health != Health::Hanging).await;
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

async fn authorize(order: String) -> String {
    format!("{order} authorized")
}

/// Captures an authorization. A second request for the same number changes nothing, so a capture can be repeated.
async fn capture(State(state): State<Arc<SandboxState>>, number: String) -> String {
    let mut captured = state.captured.lock().unwrap_or_else(PoisonError::into_inner);
    let receipt = format!("{number} captured");
    captured.insert(number);
    receipt
}

async fn score(Path(customer): Path<String>) -> String {
    let risk = if customer == "mallory" { 95 } else { 7 };
    risk.to_string()
}
