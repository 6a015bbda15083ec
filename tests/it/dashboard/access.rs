//! The token for reading, and the health without a token.

use axum::Router;
use breaker_runtime::State;
use breaker_runtime::integrations::axum::health_router;
use reqwest::{Method, RequestBuilder};

use super::server::{HttpResponse, Server, TOKEN};
use crate::support::settings;

const READ_TOKEN: &str = "battery staple";
const SECRET: &str = "connection to db.internal refused";

/// Every route whose response depends on the circuits.
const DATA: [&str; 9] = [
    "/circuits",
    "/circuits/payment",
    "/circuits/none",
    "/circuits/payment?kye=x",
    "/circuits/stream",
    "/fleet",
    "/metrics",
    "/health/circuits",
    "/health/circuits?all",
];

/// Starts a server with a token for reading and one for commands, and an open circuit.
fn restricted() -> Server {
    let server = Server::with(|dashboard| dashboard.token(TOKEN).read_token(READ_TOKEN).router());
    open_payment(&server);
    server
}

fn open_payment(server: &Server) {
    let payment = server.register("payment", settings().failure_threshold(1));
    payment.try_acquire().unwrap().fail(SECRET);
}

/// Returns requests that carry no valid token for reading.
fn unauthorized(server: &Server, method: &Method, path: &str) -> [RequestBuilder; 9] {
    let request = || server.request(method.clone(), path);
    [
        request(),
        request().bearer_auth(""),
        request().bearer_auth("battery stapl"),
        request().bearer_auth("battery staple!"),
        request().bearer_auth("x".repeat(10_000)),
        request().basic_auth("alice", Some(READ_TOKEN)),
        request().header("authorization", READ_TOKEN),
        request().header("cookie", format!("token={READ_TOKEN}")),
        request().bearer_auth(READ_TOKEN).bearer_auth(READ_TOKEN),
    ]
}

#[tokio::test]
async fn every_route_with_data_requires_the_read_token() {
    let server = restricted();
    for path in DATA {
        for method in [Method::GET, Method::HEAD] {
            for request in unauthorized(&server, &method, path) {
                let response = HttpResponse::of(request).await;
                assert_eq!((response.status, response.header("www-authenticate")), (401, "Bearer"), "{path}");
                if method == Method::GET {
                    let text = r#"{"error":"a valid token is required: `Authorization: Bearer <token>`"}"#;
                    assert_eq!(response.text, text, "{path}");
                }
            }
        }
    }
    // The page is the same for every registry, and asks for the token.
    let page = server.get("/").await;
    assert!(page.status == 200 && !page.text.contains("payment"));
}

#[tokio::test]
async fn the_read_token_and_the_command_token_permit_reading() {
    let server = restricted();
    for token in [READ_TOKEN, TOKEN] {
        for (path, status) in [
            ("/circuits", 200),
            ("/circuits/payment", 200),
            ("/circuits/none", 404),
            ("/circuits/payment?kye=x", 400),
            ("/fleet", 404),
            ("/metrics", 200),
            ("/health/circuits", 200),
            ("/health/circuits?all", 503),
        ] {
            let response = HttpResponse::of(server.request(Method::GET, path).bearer_auth(token)).await;
            assert_eq!(response.status, status, "{path}");
        }
        let stream = server.request(Method::GET, "/circuits/stream").bearer_auth(token).send().await.unwrap();
        assert_eq!(stream.status(), 200);
    }
}

#[tokio::test]
async fn the_read_token_permits_no_command() {
    let server = restricted();
    let command = |path: &str| server.request(Method::POST, path).header("x-breaker-operator", "mallory");
    let payment = server.registry.get("payment").unwrap();
    for path in ["/circuits/payment/reset", "/circuits/reset"] {
        payment.force_open();
        let response = HttpResponse::of(command(path).bearer_auth(READ_TOKEN)).await;
        assert_eq!((response.error().status, response.header("www-authenticate")), (401, "Bearer"), "{path}");
        assert_eq!(payment.state(), State::ForcedOpen);
        assert_eq!(HttpResponse::of(command(path).bearer_auth(TOKEN)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_empty_read_token_permits_no_client() {
    for token in ["", " "] {
        let server = Server::with(|dashboard| dashboard.token(TOKEN).read_token(token).router());
        open_payment(&server);
        for path in DATA {
            let requests =
                [server.request(Method::GET, path), server.request(Method::GET, path).bearer_auth("")];
            for request in requests {
                let error = HttpResponse::of(request).await.error();
                assert_eq!(error.status, 403, "{path}");
                assert_eq!(error.text, "reading is disabled: the configured read token is empty");
            }
        }
    }
}

#[tokio::test]
async fn the_health_router_needs_no_token_and_contains_no_error_texts_and_keys() {
    let server = Server::with(|_| Router::new());
    let registry = server.registry.clone();
    let router = Router::new()
        .merge(health_router(&registry))
        .nest("/breakers", super::server::dashboard(&registry).read_token(READ_TOKEN).router());
    let server = Server::serve(server.clock.clone(), registry, router);
    open_payment(&server);
    let tenants = settings().failure_threshold(1).build().unwrap();
    let tenants = server.registry.register_keyed("tenant", tenants, 10).unwrap();
    tenants.get("alice@example.com").try_acquire().unwrap().fail(SECRET);
    server.registry.get("payment").unwrap().operator("bob").force_open();

    let health = server.get("/health/circuits").await;
    let expected = concat!(
        r#"{"status":"degraded","circuits":{"#,
        r#""payment":{"state":"forced_open","error_rate":1.0,"total_calls":1,"rejected_calls":0,"#,
        r#""retry_after":null,"critical":false},"#,
        r#""tenant":{"state":"open","error_rate":1.0,"total_calls":1,"rejected_calls":0,"#,
        r#""retry_after":30.0,"critical":false}}}"#,
    );
    assert_eq!((health.status, health.text.as_str()), (200, expected));
    assert_eq!(health.header("cache-control"), "no-store");
    assert_eq!(server.get("/health/circuits?all").await.status, 503);
    assert_eq!(server.get("/health/circuits?al").await.error().status, 400);
    assert_eq!(server.get("/health/circuits/").await.error().status, 404);
    let post = HttpResponse::of(server.request(Method::POST, "/health/circuits")).await;
    assert_eq!(post.error().status, 405);
    assert_eq!(server.get("/breakers/health/circuits").await.status, 401);
    let permitted = server.request(Method::GET, "/breakers/health/circuits").bearer_auth(READ_TOKEN);
    assert_eq!(HttpResponse::of(permitted).await.text, expected);
}

#[tokio::test]
async fn without_a_read_token_an_authorization_header_is_ignored() {
    let server = Server::with_token();
    open_payment(&server);
    for path in ["/circuits", "/metrics", "/health/circuits"] {
        let request = server.request(Method::GET, path).bearer_auth("wrong");
        assert_eq!(HttpResponse::of(request).await.status, 200, "{path}");
    }
}
