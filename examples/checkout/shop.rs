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
use breaker_runtime::integrations::axum::router;
use tokio::net::TcpListener;

use crate::payment::{self, Gateway, Payment};
use crate::stock;

type Response = (StatusCode, String);

/// Starts the shop on a free loopback port, and returns its address.
pub(crate) async fn open(gateway: Gateway) -> io::Result<SocketAddr> {
    let routes = Router::new()
        .route("/checkout", get(checkout))
        .route("/unprotected", get(checkout_unprotected))
        .with_state(gateway)
        .merge(router(&Registry::global()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(address)
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
