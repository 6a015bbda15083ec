//! Commands over HTTP: their authorization and their effects.

use breaker_runtime::{Cause, Config, State};
use reqwest::Method;

use super::server::{HttpResponse, Server, TOKEN, encoded};
use crate::support::settings;

#[tokio::test]
async fn every_command_runs_and_records_its_operator() {
    let server = Server::with_token();
    let breaker = server.register("a/b <c>", settings());
    let path = format!("/circuits/{}", encoded("a/b <c>"));
    for (command, state, cause) in [
        ("force-open", State::ForcedOpen, Cause::ForcedOpen),
        ("release", State::Closed, Cause::Released),
        ("disable", State::Disabled, Cause::Disabled),
        ("force-close", State::Closed, Cause::ForcedClosed),
        ("reset", State::Closed, Cause::Reset),
    ] {
        let response = HttpResponse::of(server.command(&format!("{path}/{command}"))).await;
        let snapshot = breaker.snapshot();
        let last = snapshot.last_transition.unwrap();
        assert_eq!((response.status, snapshot.state, last.cause), (200, state, cause));
        assert_eq!(last.initiator.as_deref(), Some("alice"));
        assert_eq!(response.json()["transitions"][0]["initiator"], "alice");
    }
}

#[tokio::test]
async fn without_a_token_commands_are_disabled() {
    for server in [Server::start(), Server::with(|dashboard| dashboard.token(" ").router())] {
        let breaker = server.register("payment", settings());
        for request in [
            server.command("/circuits/payment/force-open"),
            server.request(Method::POST, "/circuits/payment/force-open"),
            server.command("/circuits/payment/force-open").bearer_auth(""),
        ] {
            assert_eq!(HttpResponse::of(request).await.error().status, 403);
        }
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[tokio::test]
async fn commands_require_the_token() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let path = "/circuits/payment/force-open";
    let named = || server.request(Method::POST, path).header("x-breaker-operator", "mallory");
    for request in [
        named(),
        named().bearer_auth(""),
        named().bearer_auth("correct hors"),
        named().bearer_auth("correct horse!"),
        named().bearer_auth("x".repeat(10_000)),
        named().basic_auth("alice", Some(TOKEN)),
        named().header("authorization", TOKEN),
        named().header("cookie", format!("token={TOKEN}")),
    ] {
        let response = HttpResponse::of(request).await;
        assert_eq!((response.error().status, response.header("www-authenticate")), (401, "Bearer"));
    }
    let without_headers = HttpResponse::of(server.request(Method::POST, path)).await.error();
    assert!(without_headers.text.contains("a valid token is required"), "{without_headers:?}");
    // Without a token, a command does not reveal which circuits exist.
    let unknown =
        server.request(Method::POST, "/circuits/none/reset").header("x-breaker-operator", "mallory");
    assert_eq!(HttpResponse::of(unknown).await.error().status, 401);
    assert_eq!(breaker.state(), State::Closed);
    let in_any_case = named().header("authorization", format!("bearer {TOKEN}"));
    assert_eq!((HttpResponse::of(in_any_case).await.status, breaker.state()), (200, State::ForcedOpen));
}

#[tokio::test]
async fn a_cross_site_form_cannot_run_a_command() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let form = server
        .request(Method::POST, "/circuits/payment/force-open")
        .header("origin", "http://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .bearer_auth(TOKEN)
        .body("order=force-open");
    assert_eq!(HttpResponse::of(form).await.error().status, 403);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn an_operator_name_is_one_line_of_bounded_length() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let command = |name: &str| {
        let request = server.request(Method::POST, "/circuits/payment/disable").bearer_auth(TOKEN);
        request.header("x-breaker-operator", name)
    };
    for name in ["", "a%0Ab", "%1B[31m", "%FF", &"n".repeat(256)] {
        assert_eq!(HttpResponse::of(command(name)).await.error().status, 400);
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(HttpResponse::of(command(&encoded("Zoë, \"#4711\""))).await.status, 200);
    let last = breaker.snapshot().last_transition.unwrap();
    assert_eq!(last.initiator.as_deref(), Some("Zoë, \"#4711\""));
}

#[tokio::test]
async fn unknown_circuits_keys_and_commands_are_not_found() {
    let server = Server::with_token();
    server.register("payment", settings());
    for path in ["/circuits/payment/explode", "/circuits/none/reset", "/circuits/payment/reset?key=eu"] {
        assert_eq!(HttpResponse::of(server.command(path)).await.error().status, 404);
    }
}

#[tokio::test]
async fn a_command_applies_to_one_key_or_to_all_circuits() {
    let server = Server::with_token();
    let shops = server.registry.register_keyed("shop", Config::default(), 10).unwrap();
    let state = |key: &str| shops.find(key).unwrap().state();
    for key in ["eu", "us"] {
        drop(shops.get(key));
    }
    assert_eq!(
        HttpResponse::of(server.command("/circuits/shop/force-open?key=eu")).await.json()["key"],
        "eu"
    );
    assert_eq!((state("eu"), state("us")), (State::ForcedOpen, State::Closed));
    assert_eq!(HttpResponse::of(server.command("/circuits/shop/force-open")).await.status, 200);
    assert_eq!((state("eu"), state("us")), (State::ForcedOpen, State::ForcedOpen));
    assert_eq!(HttpResponse::of(server.command("/circuits/shop/force-open?key=asia")).await.status, 404);
    assert!(shops.find("asia").is_none());
}
