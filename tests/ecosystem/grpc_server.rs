//! A server of tonic on loopback whose messages are text, without generated code, and a client for it.

use std::convert::Infallible;
use std::net::SocketAddr;

use futures_util::stream;
use http::uri::PathAndQuery;
use http_body::Body as HttpBody;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use tower::{BoxError, Layer, Service, service_fn};

use crate::text_codec::Text;

/// Returns the answer to a message. The message `down` fails with a pushback of 90 seconds.
fn answer(message: &str) -> Result<String, Status> {
    match message {
        "missing" => Err(Status::not_found(message)),
        "cancelled" => Err(Status::cancelled(message)),
        "down" => {
            let mut status = Status::unavailable(message);
            status.metadata_mut().insert("grpc-retry-pushback-ms", 90_000.into());
            Err(status)
        }
        _ => Ok(message.to_uppercase()),
    }
}

/// Returns the answer to a call without streams. The message `hang` gets none.
async fn unary(message: &str) -> Result<String, Status> {
    if message == "hang" {
        std::future::pending::<()>().await;
    }
    answer(message)
}

async fn respond(request: http::Request<Body>) -> Result<http::Response<Body>, Infallible> {
    let mut grpc = tonic::server::Grpc::new(Text);
    if request.uri().path() == "/text/stream" {
        let service = service_fn(|request: Request<String>| async move {
            let last = answer(request.get_ref());
            Ok::<_, Status>(Response::new(stream::iter([Ok("first".to_owned()), last])))
        });
        return Ok(grpc.server_streaming(service, request).await);
    }
    let service =
        service_fn(
            |request: Request<String>| async move { unary(request.get_ref()).await.map(Response::new) },
        );
    Ok(grpc.unary(service, request).await)
}

/// Starts the server with a layer around it, and returns its address.
pub(crate) async fn serve<L, S, B>(layer: L) -> SocketAddr
where
    L: Layer<Handler, Service = S> + Clone + Send + Sync + 'static,
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError> + Send + 'static,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().layer(layer);
    tokio::spawn(server.serve_with_incoming(Handler, TcpIncoming::from(listener)));
    address
}

/// The service of the server.
#[derive(Clone, Copy)]
pub(crate) struct Handler;

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

impl Service<http::Request<Body>> for Handler {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(respond(request))
    }
}

/// Sends a message through a channel.
pub(crate) async fn send<T>(channel: &T, message: &str) -> Result<String, Status>
where
    T: GrpcService<Body> + Clone,
    T::ResponseBody: HttpBody + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<BoxError>,
{
    let path = PathAndQuery::from_static("/text/unary");
    let request = Request::new(message.to_owned());
    ready(channel).await?.unary(request, path, Text).await.map(Response::into_inner)
}

/// Sends a message through a channel, and returns the stream of answers.
pub(crate) async fn send_for_stream<T>(channel: &T, message: &str) -> Result<Streaming<String>, Status>
where
    T: GrpcService<Body> + Clone,
    T::ResponseBody: HttpBody + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<BoxError>,
{
    let path = PathAndQuery::from_static("/text/stream");
    let request = Request::new(message.to_owned());
    ready(channel).await?.server_streaming(request, path, Text).await.map(Response::into_inner)
}

/// Returns a client that can send a request.
async fn ready<T: GrpcService<Body> + Clone>(channel: &T) -> Result<tonic::client::Grpc<T>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    Ok(client)
}
