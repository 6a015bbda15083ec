//! The shop: a service whose checkout needs the payment provider, with a dashboard.
//!
//! | path | contents |
//! |---|---|
//! | `/checkout?sku=tea` | a purchase: 200 paid, 202 fallback, 404 out of stock, 502 failed |
//! | `/unprotected?sku=tea` | the same without the circuit breaker, for comparison |
//! | `/` | the dashboard with all circuits |
//! | `/circuits`, `/health/circuits` | the circuits as JSON, and a readiness probe |
//! | `/metrics` | the metrics for Prometheus; `examples/observability` has alerts and a Grafana dashboard |

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use breaker_runtime::Registry;
use breaker_runtime::integrations::axum::Dashboard;
use tokio::net::TcpListener;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;

use crate::payment::{self, Gateway, Payment};
use crate::{shutdown, stock};

type Response = (StatusCode, String);

/// The running shop.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

/// Starts the shop on a free loopback port. It closes at the signal `shutdown`, and an open dashboard does not delay
/// it.
pub(crate) async fn open(gateway: Gateway, shutdown: &Receiver<bool>) -> io::Result<Shop> {
    let dashboard = Dashboard::new(&Registry::global()).shutdown(shutdown::wait(shutdown.clone()));
    let routes = Router::new()
        .route("/checkout", get(checkout))
        .route("/unprotected", get(checkout_unprotected))
        .with_state(gateway)
        .merge(dashboard.router());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown::wait(shutdown.clone()));
    Ok(Shop { address, server: tokio::spawn(server.into_future()) })
}

impl Shop {
    /// Waits until the last customer has been served, after the signal.
    pub(crate) async fn closed(self) -> anyhow::Result<()> {
        Ok(self.server.await??)
    }
}

async fn checkout(State(gateway): State<Gateway>, Query(order): Query<HashMap<String, String>>) -> Response {
    match order.get("sku") {
        Some(sku) if stock::is_in_stock(sku) => respond(payment::charge(&gateway, sku).await),
        Some(_) => (StatusCode::NOT_FOUND, "out of stock; buy tea or coffee".to_owned()),
        None => missing_sku(),
    }
}

async fn checkout_unprotected(
    State(gateway): State<Gateway>,
    Query(order): Query<HashMap<String, String>>,
) -> Response {
    match order.get("sku") {
        Some(sku) => respond(gateway.charge(sku).await),
        None => missing_sku(),
    }
}

fn respond(payment: reqwest::Result<Payment>) -> Response {
    match payment {
        Ok(Payment::Charged(receipt)) => (StatusCode::OK, receipt),
        Ok(Payment::Postponed(note)) => (StatusCode::ACCEPTED, note),
        Err(error) => (StatusCode::BAD_GATEWAY, payment::explain(error)),
    }
}

fn missing_sku() -> Response {
    (StatusCode::BAD_REQUEST, "parameter sku is required: /checkout?sku=tea".to_owned())
}
