//! The HTTP service: its routes, its dashboard behind a token, its health without one, and its shutdown.
//!
//! | route | response |
//! |---|---|
//! | `POST /merchants/{merchant}/payments/{cents}` | 200 with the receipt, 402 declined, 502 failed, 503 rejected |
//! | `GET /payments/{number}` | the payment as text |
//! | `GET /health/circuits` | a readiness probe, which names the circuits that are not closed |
//! | `GET /breakers` | the dashboard, which asks for the token |

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use breaker_runtime::Registry;
use breaker_runtime::integrations::axum::{Dashboard, health_router};
use tokio::net::TcpListener;
use tokio::sync::watch::{self, Receiver, Sender};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::providers::Providers;

/// The running service.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    shutdown: Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

#[derive(Clone)]
struct App {
    providers: Providers,
    ledger: Arc<Ledger>,
}

impl Service {
    /// Starts the service on a free loopback port. An empty token permits no client to read the dashboard.
    pub(crate) async fn start(providers: Providers, read_token: &str) -> anyhow::Result<Self> {
        let registry = Registry::global();
        registry.check()?; // all functions of one circuit declare the same settings
        let (shutdown, signal) = watch::channel(false);
        let dashboard = Dashboard::new(&registry).read_token(read_token).shutdown(wait(signal.clone()));
        let routes = Router::new()
            .route("/merchants/{merchant}/payments/{cents}", post(pay))
            .route("/payments/{number}", get(show))
            .with_state(App { providers, ledger: Arc::default() })
            .merge(health_router(&registry))
            .nest("/breakers", dashboard.router());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = axum::serve(listener, routes).with_graceful_shutdown(wait(signal));
        Ok(Self { address, shutdown, server: tokio::spawn(server.into_future()) })
    }

    /// Answers the requests that have begun, and ends. An open dashboard does not delay it.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.send_replace(true);
        Ok(self.server.await??)
    }
}

/// Waits for the signal to shut down, which stays set.
async fn wait(mut signal: Receiver<bool>) {
    _ = signal.wait_for(|is_shutting_down| *is_shutting_down).await;
}

async fn pay(State(app): State<App>, Path((merchant, cents)): Path<(String, u64)>) -> Result<String, Fault> {
    let payer = merchant.clone();
    let number = app.query(move |ledger| ledger.insert(&payer, cents)).await?;
    let receipt = app.providers.reserve(&merchant, cents).await?;
    app.query(move |ledger| ledger.reserve(number)).await?;
    Ok(format!("payment {number}: {receipt}"))
}

async fn show(State(app): State<App>, Path(number): Path<u64>) -> Result<(StatusCode, String), Fault> {
    Ok(match app.query(move |ledger| ledger.find(number)).await? {
        Some(payment) => (StatusCode::OK, format!("{payment:?}")),
        None => (StatusCode::NOT_FOUND, format!("no payment {number}")),
    })
}

impl App {
    /// Queries the ledger, on a thread that may block.
    async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Ledger) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let ledger = Arc::clone(&self.ledger);
        spawn_blocking(move || query(&ledger)).await.map_err(io::Error::from)?
    }
}
