//! Drills over HTTP.

use breaker_runtime::{ErrorKind, Fault, Outcome, State};
use reqwest::Method;

use super::server::{HttpResponse, Server};
use crate::support::{seconds, settings};

#[tokio::test]
async fn a_drill_starts_is_shown_and_stops() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let path = "/circuits/payment/drill?fail=1&delay=0s&for=60s&seed=3";
    let response = HttpResponse::of(server.command(path)).await;
    assert_eq!(response.status, 200, "{}", response.text);
    let drill = &response.json()["drill"];
    assert_eq!(
        (&drill["fail"], &drill["remaining"], &drill["initiator"]),
        (&1.0.into(), &60.0.into(), &"alice".into())
    );
    assert_eq!(breaker.try_acquire().unwrap_err().kind(), ErrorKind::Injected);
    let json = server.get("/circuits/payment").await.json();
    assert_eq!(json["totals"]["injected"], 1);
    let response = HttpResponse::of(server.command("/circuits/payment/stop-drill")).await;
    assert_eq!((response.status, response.json()["drill"].is_null()), (200, true));
    breaker.try_acquire().unwrap().settle(Outcome::Success);
}

#[tokio::test]
async fn a_drill_of_a_key_spares_the_others_and_the_page_gets_no_change_while_only_its_time_passes() {
    let server = Server::with_token();
    let hosts = server.registry.register_keyed("hosts", settings().build().unwrap(), 9).unwrap();
    let (one, other) = (hosts.get("a"), hosts.get("b"));
    let path = "/circuits/hosts/drill?key=a&delay=2s&delay_share=0.5&for=90s";
    let response = HttpResponse::of(server.command(path)).await;
    assert_eq!(response.status, 200, "{}", response.text);
    let drill = one.snapshot().drill.unwrap();
    assert_eq!((drill.fault, drill.remaining), (Fault::slow(seconds(2)).delay_share(0.5), seconds(90)));
    assert_eq!(other.snapshot().drill, None);
    server.clock.advance(seconds(30));
    let json = server.get("/circuits/hosts?key=a").await.json();
    assert_eq!(json["drill"]["remaining"], 60.0);
}

#[tokio::test]
async fn a_drill_requires_the_token_and_an_operator() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    let path = "/circuits/payment/drill?fail=1&for=60s";
    let anonymous = server.request(Method::POST, path);
    assert_eq!(HttpResponse::of(anonymous).await.error().status, 401);
    let unnamed = server.request(Method::POST, path).bearer_auth(super::server::TOKEN);
    assert_eq!(HttpResponse::of(unnamed).await.error().status, 403);
    let disabled = Server::start();
    disabled.register("payment", settings());
    assert_eq!(HttpResponse::of(disabled.command(path)).await.error().status, 403);
    let stop = server.request(Method::POST, "/circuits/payment/stop-drill");
    assert_eq!(HttpResponse::of(stop).await.error().status, 401);
    assert_eq!((breaker.snapshot().drill, breaker.state()), (None, State::Closed));
}

#[tokio::test]
async fn bad_drills_are_refused_with_what_is_accepted() {
    let server = Server::with_token();
    let breaker = server.register("payment", settings());
    for (path, status, text) in [
        (
            "payment/drill?fail=1",
            400,
            "a drill must end: for must be between 1ms and 24h; accepted parameters: key, ",
        ),
        (
            "payment/drill?fail=2&for=60s",
            400,
            "fail must be between 0 and 1; accepted parameters: key, fail, ",
        ),
        ("payment/drill?fail=1&for=25h", 400, "a drill must end"),
        (
            "payment/drill?fail=1&for=60s&speed=3",
            400,
            "unknown parameter \"speed\"; accepted parameters: key, fail, ",
        ),
        ("payment/drill?fail=1&fail=1&for=60s", 400, "parameter \"fail\" must be sent only once"),
        ("payment/stop-drill?for=60s", 400, "unknown parameter \"for\""),
        ("payments/drill?fail=1&for=60s", 404, "unknown circuit"),
        ("payment/drill?key=a&fail=1&for=60s", 404, "unknown circuit"),
        ("none/stop-drill", 404, "unknown circuit"),
    ] {
        let error = HttpResponse::of(server.command(&format!("/circuits/{path}"))).await.error();
        assert_eq!(error.status, status, "{path}: {error:?}");
        assert!(error.text.starts_with(text), "{path}: {error:?}");
    }
    let other_method = server.get("/circuits/payment/drill").await;
    assert_eq!(other_method.error().status, 405);
    assert_eq!(breaker.snapshot().drill, None);
}
