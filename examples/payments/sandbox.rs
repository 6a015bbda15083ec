//! Stand-ins for the payment providers: HTTP servers on loopback. As in the test systems of real providers, the amount
//! selects the answer: 402 cents are declined with status 402, and 503 cents cause status 503.

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use reqwest::Url;
use tokio::net::TcpListener;

/// Starts a provider on a free port, and returns its URL.
pub(crate) async fn start(provider: &'static str) -> anyhow::Result<Url> {
    let routes =
        Router::new().route("/merchants/{merchant}/reservations", post(reserve)).with_state(provider);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(format!("http://{address}").parse()?)
}

async fn reserve(
    State(provider): State<&'static str>,
    Path(merchant): Path<String>,
    cents: String,
) -> Result<String, StatusCode> {
    match StatusCode::from_bytes(cents.as_bytes()) {
        Ok(status) if status.is_client_error() || status.is_server_error() => Err(status),
        Ok(_) | Err(_) => Ok(format!("{cents} cents for {merchant} reserved at the {provider} provider")),
    }
}
