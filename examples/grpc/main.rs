//! A channel of tonic behind the layer for tower: the status of each call decides, and a rejected call has the code
//! `Unavailable`.
//!
//! ```text
//! cargo run -p breaker-examples --example grpc
//! ```
//!
//! The messages are text, whose codec is in `text.rs`, so that the example needs no generated code. A generated client
//! is created from the protected channel in the same way: `StockClient::new(channel)`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod text;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use breaker_runtime::integrations::tower::BreakerLayer;
use breaker_runtime::{Config, Registry, State};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::http;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tower::{BoxError, ServiceBuilder, service_fn};

use crate::text::Text;

/// The time for which the circuit stays open.
const RECOVERY: Duration = Duration::from_millis(500);

/// Starts a server that knows the stock of tea, and fails while `is_down` is set. Returns its address.
async fn serve(is_down: Arc<AtomicBool>) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let stock = service_fn(move |request: Request<String>| {
        let is_down = is_down.load(Ordering::SeqCst);
        async move {
            match request.get_ref().as_str() {
                _ if is_down => Err(Status::unavailable("the database is down")),
                "tea" => Ok(Response::new("7 in stock".to_owned())),
                _ => Err(Status::not_found("no such product")),
            }
        }
    });
    let service = service_fn(move |request: http::Request<Body>| {
        let stock = stock.clone();
        async move { Ok::<_, Infallible>(tonic::server::Grpc::new(Text).unary(stock, request).await) }
    });
    tokio::spawn(Server::builder().serve_with_incoming(service, TcpIncoming::from(listener)));
    Ok(address)
}

/// Asks for the stock of a product, and prints the answer.
async fn stock<T>(channel: &T, product: &str) -> Code
where
    T: GrpcService<Body, Error: Into<BoxError>, ResponseBody: Send + 'static> + Clone,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<BoxError>,
{
    let mut client = tonic::client::Grpc::new(channel.clone());
    let path = http::uri::PathAndQuery::from_static("/stock/get");
    let result = match client.ready().await {
        Ok(()) => client.unary(Request::new(product.to_owned()), path, Text).await,
        Err(error) => Err(Status::from_error(error.into())),
    };
    match result {
        Ok(response) => {
            println!("{product}: {}", response.get_ref());
            Code::Ok
        }
        Err(status) => {
            println!("{product}: {:?}, {}", status.code(), status.message());
            status.code()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = Config::builder().failure_threshold(3).success_threshold(1);
    let settings = settings.recovery_timeout(RECOVERY).build()?;
    let breaker = Registry::global().register("stock", settings)?;

    let is_down = Arc::new(AtomicBool::new(false));
    let channel = ServiceBuilder::new()
        .map_err(Status::from)
        .layer(BreakerLayer::new(&breaker).classify_grpc())
        .service(Endpoint::from_shared(serve(Arc::clone(&is_down)).await?)?.connect_lazy());

    ensure!(stock(&channel, "tea").await == Code::Ok, "expected the service to work");
    for _ in 0..5 {
        ensure!(stock(&channel, "unicorn").await == Code::NotFound, "expected no such product");
    }
    ensure!(breaker.state() == State::Closed, "expected the code NotFound not to open the circuit");

    is_down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        ensure!(stock(&channel, "tea").await == Code::Unavailable, "expected the error of the database");
    }
    ensure!(breaker.state() == State::Open, "expected three failures to open the circuit");
    ensure!(stock(&channel, "tea").await == Code::Unavailable, "expected a rejection");
    ensure!(breaker.snapshot().totals.rejected == 1, "expected one rejection");

    is_down.store(false, Ordering::SeqCst);
    sleep(RECOVERY).await;
    ensure!(stock(&channel, "tea").await == Code::Ok, "expected the trial call to succeed");
    ensure!(breaker.state() == State::Closed, "expected the trial call to close the circuit");
    Ok(())
}
