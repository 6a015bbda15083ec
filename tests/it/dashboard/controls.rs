//! Commands: who may give them, and what becomes of them.

use breaker_runtime::{Cause, Config, State};
use reqwest::Method;

use super::server::{Answer, Server, TOKEN, encoded};
use crate::support::settings;

#[tokio::test]
async fn every_command_is_obeyed_and_says_who_gave_it() {
    let server = Server::with_token();
    let breaker = server.register("a/b <c>", settings());
    let path = format!("/circuits/{}", encoded("a/b <c>"));
    for (order, state, cause) in [
        ("force-open", State::ForcedOpen, Cause::ForcedOpen),
        ("release", State::Closed, Cause::Released),
        ("disable", State::Disabled, Cause::Disabled),
        ("force-close", State::Closed, Cause::ForcedClosed),
        ("reset", State::Closed, Cause::Reset),
    ] {
        let answer = Answer::to(server.order(&format!("{path}/{order}"))).await;
        let snapshot = breaker.snapshot();
        let last = snapshot.last_transition.unwrap();
        assert_eq!((answer.status, snapshot.state, last.cause), (200, state, cause));
        assert_eq!(last.initiator.as_deref(), Some("alice"));
        assert_eq!(answer.json()["transitions"][0]["initiator"], "alice");
    }
}

#[tokio::test]
async fn without_a_token_nobody_is_obeyed() {
    for server in [Server::start(), Server::with(|dashboard| dashboard.token(" ").router())] {
        let breaker = server.register("payment", settings());
        for request in [
            server.order("/circuits/payment/force-open"),
            server.request(Method::POST, "/circuits/payment/force-open"),
            server.order("/circuits/payment/force-open").bearer_auth(""),
        ] {
            assert_eq!(Answer::to(request).await.refusal().0, 403);
        }
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[tokio::test]
async fn only_the_token_opens() {
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
        let answer = Answer::to(request).await;
        assert_eq!((answer.refusal().0, answer.header("www-authenticate")), (401, "Bearer"));
    }
    // Not even whether a circuit is there does a stranger learn from a command.
    let unknown =
        server.request(Method::POST, "/circuits/none/reset").header("x-breaker-operator", "mallory");
    assert_eq!(Answer::to(unknown).await.refusal().0, 401);
    assert_eq!(breaker.state(), State::Closed);
    let in_any_case = named().header("authorization", format!("bearer {TOKEN}"));
    assert_eq!((Answer::to(in_any_case).await.status, breaker.state()), (200, State::ForcedOpen));
}

#[tokio::test]
async fn a_form_of_another_site_commands_nothing() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let form = server
        .request(Method::POST, "/circuits/payment/force-open")
        .header("origin", "http://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .bearer_auth(TOKEN)
        .body("order=force-open");
    assert_eq!(Answer::to(form).await.refusal().0, 403);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn an_operator_is_a_name_of_bounded_length_in_one_line() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let order = |name: &str| {
        let request = server.request(Method::POST, "/circuits/payment/disable").bearer_auth(TOKEN);
        request.header("x-breaker-operator", name)
    };
    for name in ["", "a%0Ab", "%1B[31m", "%FF", &"n".repeat(256)] {
        assert_eq!(Answer::to(order(name)).await.refusal().0, 400);
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(Answer::to(order(&encoded("Zoë, \"#4711\""))).await.status, 200);
    let last = breaker.snapshot().last_transition.unwrap();
    assert_eq!(last.initiator.as_deref(), Some("Zoë, \"#4711\""));
}

#[tokio::test]
async fn what_is_not_there_is_not_commanded() {
    let server = Server::with_token();
    server.register("payment", settings());
    for path in ["/circuits/payment/explode", "/circuits/none/reset", "/circuits/payment/reset?key=eu"] {
        assert_eq!(Answer::to(server.order(path)).await.refusal().0, 404);
    }
}

#[tokio::test]
async fn a_key_or_all_of_them_are_commanded() {
    let server = Server::with_token();
    let shops = server.registry.register_keyed("shop", Config::default(), 10).unwrap();
    let state = |key: &str| shops.find(key).unwrap().state();
    for key in ["eu", "us"] {
        drop(shops.get(key));
    }
    assert_eq!(Answer::to(server.order("/circuits/shop/force-open?key=eu")).await.json()["key"], "eu");
    assert_eq!((state("eu"), state("us")), (State::ForcedOpen, State::Closed));
    assert_eq!(Answer::to(server.order("/circuits/shop/force-open")).await.status, 200);
    assert_eq!((state("eu"), state("us")), (State::ForcedOpen, State::ForcedOpen));
    assert_eq!(Answer::to(server.order("/circuits/shop/force-open?key=asia")).await.status, 404);
    assert!(shops.find("asia").is_none());
}
