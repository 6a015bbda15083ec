//! Commands over HTTP: their authorization and their effects.

use breaker_runtime::{BreakerError, Cause, Config, State, circuit_breaker, testing};
use reqwest::Method;

use super::server::{ErrorResponse, HttpResponse, Server, TOKEN, encoded};
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

#[tokio::test]
async fn a_command_without_a_name_applies_to_all_circuits() {
    let server = Server::with_token();
    let (payment, search) = (server.register("payment", settings()), server.register("search", settings()));
    let shops = server.registry.register_keyed("shop", Config::default(), 10).unwrap();
    drop(shops.get("eu"));
    for (command, state, cause) in [
        ("force-open", State::ForcedOpen, Cause::ForcedOpen),
        ("release", State::Closed, Cause::Released),
        ("disable", State::Disabled, Cause::Disabled),
        ("force-close", State::Closed, Cause::ForcedClosed),
        ("reset", State::Closed, Cause::Reset),
    ] {
        let response = HttpResponse::of(server.command(&format!("/circuits/{command}"))).await;
        assert_eq!(response.status, 200);
        for circuit in [&payment, &search, &shops.get("eu")] {
            let last = circuit.snapshot().last_transition.unwrap();
            assert_eq!((circuit.state(), last.cause), (state, cause));
            assert_eq!(last.initiator.as_deref(), Some("alice"));
        }
        let circuits = response.json()["circuits"].clone();
        let states: Vec<_> = circuits.as_array().unwrap().iter().map(|it| &it["state"]).collect();
        assert_eq!(states, [state.to_string().replace([' ', '-'], "_").as_str(); 3]);
    }
}

#[tokio::test]
async fn a_command_on_all_circuits_is_checked_like_any_other() {
    let server = Server::with_token();
    let payment = server.register("payment", settings());
    for (request, status) in [
        (server.request(Method::POST, "/circuits/force-open"), 401),
        (server.request(Method::POST, "/circuits/force-open").bearer_auth(TOKEN), 403),
        (server.request(Method::POST, "/circuits/force-open").header("x-breaker-operator", "mallory"), 401),
        (server.command("/circuits/payment"), 404),
        (server.command("/circuits/force-open?key=eu"), 400),
        (server.command("/circuits/force-open").body("x"), 400),
        (server.command("/circuits/force-open/"), 404),
    ] {
        assert_eq!(HttpResponse::of(request).await.error().status, status);
    }
    let disabled = Server::start();
    assert_eq!(HttpResponse::of(disabled.command("/circuits/force-open")).await.error().status, 403);
    assert_eq!((payment.state(), payment.snapshot().generation), (State::Closed, 0));
}

#[circuit_breaker(name = "commands: uncalled")]
fn uncalled() -> Result<(), BreakerError> {
    Ok(())
}

#[circuit_breaker(name = "commands: uncalled keys", key = key)]
fn uncalled_with_keys(key: &str) -> Result<usize, BreakerError> {
    Ok(key.len())
}

#[test]
fn a_function_that_was_never_called_can_be_commanded() {
    testing::scope(|scope| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let server = Server::for_registry(scope.registry());
            let path = "/circuits/commands:%20uncalled";
            assert_eq!(server.get(path).await.json()["state"], "uncalled");
            let response = HttpResponse::of(server.command(&format!("{path}/force-open"))).await;
            assert_eq!((response.status, &response.json()["state"]), (200, &"forced_open".into()));
            assert!(uncalled().is_err());
            assert_eq!(HttpResponse::of(server.command(&format!("{path}/release"))).await.status, 200);
            uncalled().unwrap();

            // There is no circuit that the command could apply to.
            let path = "/circuits/commands:%20uncalled%20keys";
            let command = async || HttpResponse::of(server.command(&format!("{path}/force-open"))).await;
            let text = "no key has been used yet, so there is no circuit; a circuit that is created later starts closed";
            assert_eq!(command().await.error(), ErrorResponse { status: 409, text: text.to_owned() });
            assert_eq!(server.get(path).await.json()["keys"]["count"], 0);
            uncalled_with_keys("eu").unwrap();
            assert_eq!(command().await.status, 200);
            assert!(uncalled_with_keys("eu").is_err());
        });
    });
}

#[test]
fn a_command_on_all_circuits_includes_functions_that_were_never_called() {
    testing::scope(|scope| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let server = Server::for_registry(scope.registry());
            let run = async |command: &str| HttpResponse::of(server.command(command)).await.status;
            assert_eq!(run("/circuits/reset").await, 200);
            assert_eq!(server.get("/circuits/commands:%20uncalled").await.json()["state"], "uncalled");
            assert_eq!(run("/circuits/force-open").await, 200);
            assert!(uncalled().is_err());
            assert_eq!(run("/circuits/release").await, 200);
            uncalled().unwrap();
        });
    });
}

#[test]
fn the_registry_commands_functions_that_were_never_called() {
    testing::scope(|scope| {
        scope.registry().force_open_all();
        assert!(uncalled().is_err());
        scope.registry().release_all();
        uncalled().unwrap();
    });
    testing::scope(|scope| {
        scope.registry().disable_all();
        assert_eq!(scope.registry().get("commands: uncalled").unwrap().state(), State::Disabled);
    });
}
