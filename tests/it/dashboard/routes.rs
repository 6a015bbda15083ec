//! Addresses, headers, and what is asked for in vain.

use axum::Router;
use reqwest::Method;

use super::server::{Answer, Server, encoded};
use crate::support::settings;

#[tokio::test]
async fn every_name_has_an_address_and_comes_back_as_it_is() {
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
        let answer = server.get(&format!("/circuits/{}", encoded(name))).await;
        assert_eq!((answer.status, &answer.json()["name"]), (200, &name.into()));
    }
    let all = server.get("/circuits").await.json();
    let listed: Vec<_> =
        all["circuits"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_json() {
    let server = Server::start();
    server.register("payment", settings());
    let no_circuit = (404, "unknown circuit or key; GET /circuits lists all circuits".to_owned());
    for path in
        ["/circuits/payments", "/circuits/payment?key=eu", &format!("/circuits/{}", "n".repeat(10_000))]
    {
        assert_eq!(server.get(path).await.refusal(), no_circuit);
    }
    for path in ["/circuits/%FF", "/circuits/payment?key=a&key=b"] {
        assert_eq!(server.get(path).await.refusal().0, 400);
    }
    for (method, path, allow) in [
        (Method::POST, "/circuits", "GET,HEAD"),
        (Method::DELETE, "/circuits/payment", "GET,HEAD"),
        (Method::GET, "/circuits/payment/reset", "POST"),
        (Method::OPTIONS, "/circuits/payment/reset", "POST"),
        (Method::PUT, "/", "GET,HEAD"),
    ] {
        let answer = Answer::to(server.request(method, path)).await;
        assert_eq!((answer.refusal().0, answer.header("allow")), (405, allow));
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn nothing_is_kept_guessed_framed_or_fetched_from_elsewhere() {
    let server = Server::start();
    for path in ["/", "/circuits", "/circuits/none", "/health/circuits"] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-content-type-options")),
            ("no-store", "nosniff")
        );
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src '") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    }
}

#[tokio::test]
async fn prometheus_finds_its_page_here_too() {
    let server = Server::start();
    server.register("payment", settings()).force_open();
    let page = server.get("/metrics").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/plain; version=0.0.4"));
    assert!(page.text.contains("circuit_breaker_state{circuit=\"payment\"} 1\n"), "{}", page.text);
}

#[tokio::test]
async fn the_page_is_one_file_and_names_nothing_elsewhere() {
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
async fn the_router_goes_below_any_path_and_beside_other_routes() {
    let server = Server::with(|dashboard| {
        let shop = Router::new().route("/", axum::routing::get("shop")).fallback(async || "lost");
        shop.nest("/breakers", dashboard.router())
    });
    server.register("payment", settings());
    assert_eq!(server.get("/").await.text, "shop");
    assert_eq!(server.get("/breakers/circuits/payment").await.json()["name"], "payment");
    assert!(server.get("/breakers").await.text.starts_with("<!doctype html>"));
    assert_eq!(server.get("/elsewhere").await.text, "lost");
    assert_eq!(server.get("/").await.header("content-security-policy"), "");

    let merged = Server::with(|dashboard| dashboard.router().fallback(async || "lost"));
    assert_eq!((merged.get("/circuits").await.status, merged.get("/x").await.text.as_str()), (200, "lost"));
}
