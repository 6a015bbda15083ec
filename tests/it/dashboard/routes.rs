//! Paths, headers and errors.

use axum::Router;
use breaker_runtime::State;
use breaker_runtime::integrations::axum::Dashboard;
use reqwest::Method;

use super::server::{ErrorResponse, HttpResponse, Server, TOKEN, encoded};
use crate::support::settings;

#[tokio::test]
async fn every_name_has_a_path_and_is_returned_unchanged() {
    let server = Server::start();
    let names = [
        "a/b",
        "shop::price",
        "/",
        "\"quoted\"",
        "it's",
        "new\nline\0",
        "<script>alert(1)</script>",
        "50%",
        "%2F",
        "\u{202e}ünï\u{1f980}",
        "stream",
        "a?b#c",
        "a+b c",
        "health",
    ];
    for name in names {
        server.register(name, settings());
        let response = server.get(&format!("/circuits/{}", encoded(name))).await;
        assert_eq!((response.status, &response.json()["name"]), (200, &name.into()));
    }
    let all = server.get("/circuits").await.json();
    let listed: Vec<_> =
        all["circuits"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
}

#[tokio::test]
async fn errors_are_json() {
    let server = Server::start();
    server.register("payment", settings());
    let text = "unknown circuit or key; GET /circuits lists all circuits".to_owned();
    let not_found = ErrorResponse { status: 404, text };
    for path in
        ["/circuits/payments", "/circuits/payment?key=eu", &format!("/circuits/{}", "n".repeat(10_000))]
    {
        assert_eq!(server.get(path).await.error(), not_found);
    }
    let text = "unknown path; paths have no trailing slash".to_owned();
    let unknown_path = ErrorResponse { status: 404, text };
    for path in [
        "/health/circuits/",
        "/metrics/",
        "/circuits/",
        "/circuits/payment/",
        "/circuits/payment/reset/",
        "/circuits/payment/reset/now",
    ] {
        assert_eq!(server.get(path).await.error(), unknown_path, "{path}");
    }
    for path in ["/circuits/%FF", "/circuits/payment?key=a&key=b"] {
        assert_eq!(server.get(path).await.error().status, 400);
    }
    for (method, path, allow) in [
        (Method::POST, "/circuits", "GET,HEAD"),
        (Method::DELETE, "/circuits/payment", "GET,HEAD,POST"),
        (Method::GET, "/circuits/payment/reset", "POST"),
        (Method::OPTIONS, "/circuits/payment/reset", "POST"),
        (Method::PUT, "/", "GET,HEAD"),
    ] {
        let response = HttpResponse::of(server.request(method, path)).await;
        assert_eq!((response.error().status, response.header("allow")), (405, allow));
        assert_eq!(response.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn responses_forbid_caching_sniffing_framing_and_foreign_content() {
    let server = Server::start();
    for path in ["/", "/circuits", "/circuits/none", "/health/circuits"] {
        let response = server.get(path).await;
        assert_eq!(
            (response.header("cache-control"), response.header("x-content-type-options")),
            ("no-store", "nosniff")
        );
        let policy = response.header("content-security-policy");
        assert!(policy.starts_with("default-src '") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    }
}

#[tokio::test]
async fn metrics_are_served_for_prometheus() {
    let server = Server::start();
    server.register("payment", settings()).force_open();
    let page = server.get("/metrics").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/plain; version=0.0.4"));
    assert!(page.text.contains("circuit_breaker_state{circuit=\"payment\"} 1\n"), "{}", page.text);
}

#[tokio::test]
async fn the_page_is_one_file_and_loads_nothing_from_elsewhere() {
    let server = Server::start();
    let page = server.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.text.matches("<script>").count(), 1);
    for word in
        ["src=\"", "@import", "url(", "http://", "https://", "innerHTML", "/* script */", "/* style */"]
    {
        assert!(!page.text.contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_router_can_be_nested_and_merged() {
    let server = Server::with(|dashboard| {
        let shop = Router::new().route("/", axum::routing::get("shop")).fallback(async || "not found");
        shop.nest("/breakers", dashboard.router())
    });
    server.register("payment", settings());
    assert_eq!(server.get("/").await.text, "shop");
    assert_eq!(server.get("/breakers/circuits/payment").await.json()["name"], "payment");
    assert!(server.get("/breakers").await.text.starts_with("<!doctype html>"));
    for path in ["/breakers/", "/elsewhere"] {
        assert_eq!(server.get(path).await.text, "not found");
    }
    assert_eq!(server.get("/").await.header("content-security-policy"), "");

    let merged = Server::with(|dashboard| dashboard.router().fallback(async || "not found"));
    assert_eq!(
        (merged.get("/circuits").await.status, merged.get("/x").await.text.as_str()),
        (200, "not found")
    );
}

#[tokio::test]
async fn the_router_can_be_nested_below_path_parameters() {
    for base in ["/{version}/breakers", "/{name}/breakers", "/{name}/{command}"] {
        let router = |dashboard: Dashboard| dashboard.token(TOKEN).router();
        let server = Server::with(|dashboard| Router::new().nest(base, router(dashboard)));
        let (payment, other) =
            (server.register("pay/ment", settings()), server.register("stock", settings()));
        let base = "/v1/breakers";
        let circuit = format!("{base}/circuits/{}", encoded("pay/ment"));
        assert_eq!(server.get(&circuit).await.json()["name"], "pay/ment");
        assert_eq!(server.get(&format!("{base}/circuits")).await.status, 200);
        assert_eq!(server.get(&format!("{base}/circuits/unknown")).await.status, 404);

        let forced = HttpResponse::of(server.command(&format!("{circuit}/force-open"))).await;
        assert_eq!((forced.status, payment.state(), other.state()), (200, State::ForcedOpen, State::Closed));
        let all = HttpResponse::of(server.command(&format!("{base}/circuits/force-open"))).await;
        assert_eq!((all.status, other.state()), (200, State::ForcedOpen));
        assert_eq!(HttpResponse::of(server.command(&format!("{circuit}/explode"))).await.status, 404);
    }
}
