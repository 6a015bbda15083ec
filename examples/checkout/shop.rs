//! The shop: the service whose checkout needs the payment provider, and a page to watch it.
//!
//! | path | |
//! |---|---|
//! | `/checkout?sku=tea` | buys; 200 paid, 202 by the fallback, 502 failed |
//! | `/unprotected?sku=tea` | the same without the circuit breaker, to compare |
//! | `/circuits` | all circuits as JSON |
//! | `/` | a page that shows them |

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use breaker_runtime::{Registry, Snapshot};
use tokio::net::TcpListener;

use crate::payment::{self, Gateway, Payment};

type Answer = (StatusCode, String);

/// Opens the shop on a free port of the loopback.
pub(crate) async fn open(gateway: Gateway) -> io::Result<SocketAddr> {
    let routes = Router::new()
        .route("/", get(Html(include_str!("page.html"))))
        .route("/checkout", get(checkout))
        .route("/unprotected", get(checkout_unprotected))
        .route("/circuits", get(circuits))
        .with_state(gateway);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(address)
}

async fn checkout(State(gateway): State<Gateway>, Query(order): Query<HashMap<String, String>>) -> Answer {
    match order.get("sku") {
        Some(sku) => answer(payment::charge(&gateway, sku).await),
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

async fn circuits() -> impl IntoResponse {
    let circuits: Vec<_> = Registry::global().snapshots().iter().map(to_json).collect();
    ([(CONTENT_TYPE, "application/json")], format!("[{}]\n", circuits.join(",")))
}

/// By hand: every text in it is a plain word, so nothing needs an escape.
fn to_json(circuit: &Snapshot) -> String {
    let totals = circuit.totals;
    let last_transition = circuit.last_transition.as_ref().map_or("null".to_owned(), |last| {
        format!(r#"{{"from":"{:?}","to":"{:?}","cause":"{:?}"}}"#, last.from, last.to, last.cause)
    });
    let fields = [
        format!(r#""name":"{}""#, circuit.name()),
        format!(r#""state":"{:?}""#, circuit.state),
        format!(r#""time_in_state_ms":{}"#, circuit.time_in_state.as_millis()),
        format!(r#""retry_after_ms":{}"#, millis_or_null(circuit.retry_after)),
        format!(r#""generation":{}"#, circuit.generation),
        format!(r#""consecutive_failures":{}"#, circuit.consecutive_failures),
        format!(r#""trials_in_flight":{}"#, circuit.trials_in_flight),
        format!(r#""successes":{}"#, totals.successes),
        format!(r#""failures":{}"#, totals.failures),
        format!(r#""ignored":{}"#, totals.ignored),
        format!(r#""rejected":{}"#, totals.rejected),
        format!(r#""last_transition":{last_transition}"#),
    ];
    format!("{{{}}}", fields.join(","))
}

fn millis_or_null(time: Option<Duration>) -> String {
    time.map_or("null".to_owned(), |time| time.as_millis().to_string())
}
