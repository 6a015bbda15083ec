//! Candidates over HTTP: their comparison, and the command that promotes one.

use breaker_runtime::{Config, Outcome};
use reqwest::Method;
use serde_json::json;

use super::server::{HttpResponse, Server};
use crate::support::settings;

#[tokio::test]
async fn candidates_are_compared_over_http() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let path = "/circuits/payment/candidates";
    let empty = HttpResponse::of(server.request(Method::GET, path)).await;
    assert_eq!(empty.json(), json!({"candidates": []}));
    let strict = Config::builder().failure_threshold(1);
    let candidate = server.registry.shadow("payment", "strict", strict).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    let response = HttpResponse::of(server.request(Method::GET, path)).await.json();
    let shown = &response["candidates"][0];
    assert_eq!((&shown["candidate"], &shown["spared_failures"]), (&json!("strict"), &json!(1)));
    assert_eq!(shown["shadow"]["state"], "open");
    assert_eq!(shown["settings"][0]["setting"], "failure_threshold");
    assert_eq!(shown["settings"][0]["shadow"], 1);
    drop(candidate);
    let unknown = HttpResponse::of(server.request(Method::GET, "/circuits/other/candidates")).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_candidate_is_promoted_over_http_with_the_token_and_the_name_of_an_operator() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let strict = Config::builder().failure_threshold(1);
    server.registry.shadow("payment", "strict one", strict).unwrap().detach();
    let path = "/circuits/payment/promote?candidate=strict+one";
    assert_eq!(HttpResponse::of(server.request(Method::POST, path)).await.status, 401);
    for (path, status) in [
        ("/circuits/payment/promote", 400),
        ("/circuits/payment/promote?candidate=strict", 404),
        ("/circuits/other/promote?candidate=strict", 404),
        ("/circuits/payment/promote?candidat=strict", 400),
    ] {
        assert_eq!(HttpResponse::of(server.command(path)).await.status, status, "{path}");
    }
    assert_eq!(server.registry.candidates("payment").len(), 1);
    let response = HttpResponse::of(server.command(path)).await;
    assert_eq!(response.json()["sources"]["failure_threshold"]["at"], "operator alice");
    assert_eq!(breaker.config().failure_threshold(), Some(1));
    assert!(server.registry.candidates("payment").is_empty());
}

#[tokio::test]
async fn a_second_promotion_over_http_finds_no_candidate_and_changes_nothing() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let before = breaker.config().failure_threshold();
    let candidate =
        server.registry.shadow("payment", "strict", Config::builder().failure_threshold(1)).unwrap();
    let path = "/circuits/payment/promote?candidate=strict";
    for status in [200, 404] {
        assert_eq!(HttpResponse::of(server.command(path)).await.status, status);
        assert_eq!(breaker.config().failure_threshold(), Some(1));
    }
    let none = server.command("/circuits/payment/configure").body("{}");
    assert_eq!(HttpResponse::of(none).await.status, 200);
    assert_eq!(candidate.promote("bob").unwrap().changes().count(), 0);
    assert_eq!(breaker.config().failure_threshold(), before);
}
