//! The shop: an HTTP service that takes orders and ships them, with a dashboard.
//!
//! | route | response |
//! |---|---|
//! | `POST /orders/{customer}` | 200 with the number of the order, 402 declined, 502, 503 or 504 failed |
//! | `POST /orders/{number}/shipment` | 200 captured, 202 captured later, 404 unknown |
//! | `GET /` | the dashboard with all circuits and queues |

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use breaker_runtime::Registry;
use breaker_runtime::fallback::MaybeStale;
use breaker_runtime::integrations::axum::Dashboard;
use tokio::net::TcpListener;

use crate::authorization::Authorization;
use crate::capture::{Capture, CaptureQueues};
use crate::fault::Fault;
use crate::providers::Providers;
use crate::risk::FraudCheck;

/// The highest risk of an order that is accepted.
const HIGHEST_RISK: u8 = 80;

/// The services that the shop calls, and its orders.
pub(crate) struct Shop {
    pub(crate) fraud_check: FraudCheck,
    pub(crate) providers: Providers,
    pub(crate) queues: CaptureQueues,
    pub(crate) orders: Orders,
}

/// The orders that have been authorized and not shipped.
#[derive(Default)]
pub(crate) struct Orders {
    last: AtomicU64,
    authorized: Mutex<BTreeMap<u64, Authorization>>,
}

/// Starts the shop on a free loopback port.
pub(crate) async fn open(shop: Arc<Shop>) -> io::Result<SocketAddr> {
    let routes = Router::new()
        .route("/orders/{customer}", post(order))
        .route("/orders/{number}/shipment", post(ship))
        .with_state(shop)
        .merge(Dashboard::new(&Registry::global()).router());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(address)
}

async fn order(State(shop): State<Arc<Shop>>, Path(customer): Path<String>) -> Result<String, Fault> {
    let risk = shop.fraud_check.score(&customer).await?;
    if *risk > HIGHEST_RISK {
        return Err(Fault::Declined(*risk));
    }
    let authorization = shop.providers.authorize(shop.orders.next()).await?;
    let text =
        format!("{}, authorized at {}, {}", authorization.number, authorization.provider, describe(&risk));
    shop.orders.add(authorization);
    Ok(text)
}

async fn ship(
    State(shop): State<Arc<Shop>>,
    Path(number): Path<u64>,
) -> Result<(StatusCode, &'static str), Fault> {
    let Some(authorization) = shop.orders.find(number) else {
        return Ok((StatusCode::NOT_FOUND, "unknown order"));
    };
    let capture = shop.providers.capture(&shop.queues, &authorization).await?;
    shop.orders.remove(number);
    Ok(match capture {
        Capture::Done => (StatusCode::OK, "captured"),
        Capture::Queued => (StatusCode::ACCEPTED, "capture queued"),
    })
}

fn describe(risk: &MaybeStale<u8>) -> String {
    match risk.age() {
        None => format!("risk {}", **risk),
        Some(age) => format!("risk {} of {:.1} s ago", **risk, age.as_secs_f64()),
    }
}

impl Orders {
    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn add(&self, authorization: Authorization) {
        self.lock().insert(authorization.number, authorization);
    }

    fn find(&self, number: u64) -> Option<Authorization> {
        self.lock().get(&number).cloned()
    }

    fn remove(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Authorization>> {
        self.authorized.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
