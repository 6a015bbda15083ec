//! The shop: the service whose checkout needs the payment provider, and a page to watch it.
//!
//! | path | |
//! |---|---|
//! | `/checkout?sku=tea` | buys; 200 paid, 202 by the fallback, 404 out of stock, 502 failed |
//! | `/unprotected?sku=tea` | the same without the circuit breaker, to compare |
//! | `/` | the dashboard: all circuits as they are now |
//! | `/circuits`, `/health/circuits` | the same as JSON, and for a readiness probe |
//! | `/metrics` | the same for Prometheus; alerts and a dashboard for Grafana are in `examples/observability` |

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

type Answer = (StatusCode, String);

/// Opens the shop on a free port of the loopback.
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

async fn checkout(State(gateway): State<Gateway>, Query(order): Query<HashMap<String, String>>) -> Answer {
    match order.get("sku") {
        Some(sku) if stock::has(sku) => answer(payment::charge(&gateway, sku).await),
        Some(_) => (StatusCode::NOT_FOUND, "out of stock; there is tea and coffee".to_owned()),
        None => ask_for_sku(),
    }
}

async fn checkout_unprotected(
    State(gateway): State<Gateway>,
    Query(order): Query<HashMap<String, String>>,
) -> Answer {
    match order.get("sku") {
        Some(sku) => answer(gateway.charge(sku).await),
        None => ask_for_sku(),
    }
}

fn answer(payment: reqwest::Result<Payment>) -> Answer {
    match payment {
        Ok(Payment::Charged(receipt)) => (StatusCode::OK, receipt),
        Ok(Payment::Postponed(note)) => (StatusCode::ACCEPTED, note),
        Err(error) => (StatusCode::BAD_GATEWAY, payment::explain(error)),
    }
}

fn ask_for_sku() -> Answer {
    (StatusCode::BAD_REQUEST, "say what to buy: /checkout?sku=tea".to_owned())
}
