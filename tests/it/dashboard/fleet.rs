//! The fleet as JSON, and commands to all of its processes.

use breaker_runtime::integrations::axum::Dashboard;
use breaker_runtime::{
    BreakerError, Config, ConfigBuilder, ConfigLayer, ConfigSection, Registry, Sharing, State,
    circuit_breaker, testing,
};
use breaker_tests::fleet_processes::FleetProcesses;
use reqwest::Method;
use serde_json::{Value, json};

use super::server::{HttpResponse, Server, TOKEN};

fn shared() -> ConfigBuilder {
    Config::builder().shared(Sharing::Quorum).consecutive_failures(1)
}

fn is_array_of(value: &Value, length: usize) -> bool {
    value.as_array().is_some_and(|values| values.len() == length)
}

#[tokio::test]
async fn without_a_fleet_there_is_no_json_of_one_and_no_command_to_it() {
    let server = Server::with_token();
    let shared = server.register("shared", shared());
    server.register("local", Config::builder());
    assert_eq!(server.get("/fleet").await.error().status, 404);
    assert_eq!(server.get("/circuits/shared").await.json()["fleet"], Value::Null);
    for (path, status, text) in [
        ("/circuits/shared/force-open?scope=fleet", 409, "belong to no fleet"),
        ("/circuits/local/force-open?scope=fleet", 409, "is not shared"),
        ("/circuits/none/force-open?scope=fleet", 404, "unknown circuit"),
        ("/circuits/shared/force-open?scope=world", 400, "must be process or fleet"),
        ("/circuits/shared/force-open?scope=", 400, "must be process or fleet"),
        ("/circuits/shared/reset?scope=fleet", 400, "use force-close"),
        ("/circuits/shared/force-open?why=maintenance", 400, "only accepted with scope=fleet"),
        ("/circuits/shared/force-open?scope=fleet&why=a%0Ab", 400, "at most 255 bytes"),
        ("/circuits/shared/force-open?scope=fleet&key=eu", 400, "parameter \"key\""),
        ("/circuits/force-open?scope=fleet", 400, "unknown parameter \"scope\""),
    ] {
        let error = HttpResponse::of(server.command(path)).await.error();
        assert_eq!(error.status, status, "{path}: {error:?}");
        assert!(error.text.contains(text), "{path}: {error:?}");
    }
    assert_eq!(shared.state(), State::Closed);
    let response = HttpResponse::of(server.command("/circuits/shared/force-open?scope=process")).await;
    assert_eq!((response.status, shared.state()), (200, State::ForcedOpen));
}

#[tokio::test]
async fn the_fleet_and_its_circuits_are_json() {
    let Some(processes) = FleetProcesses::start(3) else { return };
    let payment = processes.register("payment", &shared());
    processes.register("local", &Config::builder());
    let server = Server::for_registry(&processes.registries[2]);

    let fleet = server.get("/circuits/payment").await.json()["fleet"].take();
    assert_eq!((&fleet["open"], &fleet["processes"]), (&json!(false), &json!(3)));
    assert_eq!(server.get("/circuits/local").await.json()["fleet"], Value::Null);

    processes.open(&payment[..2], &payment);
    let fleet = server.get("/circuits/payment").await.json()["fleet"].take();
    let expected = json!({"key": null, "open": true, "open_in": 3, "processes": 3, "failed_rounds": 0,
        "lease_holder": null, "command": null, "dissents": []});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&fleet[field], value, "{field}: {fleet}");
    }
    assert!(fleet["reason"].as_str().unwrap().contains("in a row"), "{fleet}");
    assert!(is_array_of(&fleet["votes"], 2) && fleet["due_in"].as_f64() > Some(0.0), "{fleet}");

    let all = server.get("/fleet").await.json();
    assert_eq!(
        (&all["namespace"], &all["connected"], &all["processes"]),
        (&json!("shop"), &json!(true), &json!(3))
    );
    assert!(all["instance"].as_str().unwrap().starts_with("node-2"), "{all}");
    assert_eq!((&all["last_error"], &all["errors"]["timeout"]), (&Value::Null, &json!(0)));
    assert_eq!(&all["reports"]["lease_requests"], &json!(0), "{all}");
    assert_eq!((&all["reports"]["votes"], &all["circuits"][0]["name"]), (&json!(0), &json!("payment")));
    assert_eq!(all["circuits"][0]["open_in"], 3, "{all}");
}

#[tokio::test]
async fn reading_the_fleet_requires_the_read_token() {
    let registry = Registry::new();
    let router = Dashboard::new(&registry).read_token(TOKEN).router();
    let server = Server::serve(breaker_runtime::testing::Clock::new(), registry, router);
    assert_eq!(server.get("/fleet").await.error().status, 401);
    let request = server.request(Method::GET, "/fleet").bearer_auth(TOKEN);
    assert_eq!(HttpResponse::of(request).await.error().status, 404);
}

#[tokio::test]
async fn a_command_with_scope_fleet_applies_to_all_processes() {
    let Some(processes) = FleetProcesses::start(2) else { return };
    let payment = processes.register("payment", &shared());
    let server = Server::for_registry(&processes.registries[0]);
    for (command, state, shown) in [
        ("force-open", State::ForcedOpen, json!("forced_open")),
        ("disable", State::Disabled, json!("disabled")),
        ("release", State::Closed, Value::Null),
        ("force-open", State::ForcedOpen, json!("forced_open")),
        ("force-close", State::Closed, Value::Null),
    ] {
        let path = format!("/circuits/payment/{command}?scope=fleet&why=new+provider");
        let response = HttpResponse::of(server.command(&path)).await;
        assert_eq!(response.status, 200, "{command}: {}", response.text);
        processes.until_state(&payment, state);
        let json = server.get("/circuits/payment").await.json();
        assert_eq!(json["fleet"]["command"]["state"], shown, "{command}: {json}");
        if shown != Value::Null {
            let command = &json["fleet"]["command"];
            assert_eq!((&command["by"], &command["why"]), (&json!("alice"), &json!("new provider")));
            assert_eq!(command["ends_in"], Value::Null);
            let initiator = json["transitions"][0]["initiator"].as_str().unwrap();
            assert_eq!(initiator, "alice (fleet): new provider");
        }
    }
    // Without the scope, a command applies to this process.
    HttpResponse::of(server.command("/circuits/payment/force-open")).await;
    assert_eq!((payment[0].state(), payment[1].state()), (State::ForcedOpen, State::Closed));
}

#[tokio::test]
async fn a_command_with_scope_fleet_applies_to_one_key_even_if_this_process_does_not_use_it() {
    let Some(processes) = FleetProcesses::start(2) else { return };
    let register = |it: &Registry| it.register_keyed("host", shared().build().unwrap(), 9).unwrap();
    let hosts: Vec<_> = processes.registries.iter().map(register).collect();
    let [a, b] = ["a", "b"].map(|key| hosts[1].get(key));
    let server = Server::for_registry(&processes.registries[0]);
    let without_key = HttpResponse::of(server.command("/circuits/host/force-open?scope=fleet")).await.error();
    assert!(without_key.status == 400 && without_key.text.contains("parameter \"key\""), "{without_key:?}");
    let long = format!("/circuits/host/force-open?scope=fleet&key={}", "k".repeat(256));
    let too_long = HttpResponse::of(server.command(&long)).await.error();
    assert!(too_long.status == 400 && too_long.text.contains("a key at most 255"), "{too_long:?}");
    assert!(!too_long.text.contains("kk"), "the key is not repeated: {too_long:?}");
    let response = HttpResponse::of(server.command("/circuits/host/force-open?scope=fleet&key=a")).await;
    assert_eq!(response.status, 200, "{}", response.text);
    processes.until_state(std::slice::from_ref(&a), State::ForcedOpen);
    assert_eq!(b.state(), State::Closed);
    processes.until("the command is known", |status| status.circuits.len() == 1);
    let fleet = server.get("/circuits/host").await.json()["fleet"].take();
    assert_eq!((&fleet["key"], &fleet["command"]["state"]), (&json!("a"), &json!("forced_open")));
}

#[tokio::test]
async fn a_command_with_scope_fleet_requires_that_the_circuit_of_the_key_is_shared() {
    let Some(processes) = FleetProcesses::start(2) else { return };
    let register = |it: &Registry| {
        let hosts = it.register_keyed("hosts", Config::default(), 9).unwrap();
        it.register_keyed("tenants", shared().build().unwrap(), 9).unwrap();
        let local = Config::builder().shared(Sharing::Local);
        let sections = [("hosts", Config::builder().shared(Sharing::Quorum)), ("tenants", local)];
        let of_eu = sections.map(|(name, settings)| ConfigSection::new(name, settings).for_key("eu"));
        it.apply_layer(ConfigLayer::File, of_eu).unwrap();
        hosts
    };
    let hosts: Vec<_> = processes.registries.iter().map(register).collect();
    let eu = hosts[1].get("eu");
    let server = Server::for_registry(&processes.registries[0]);
    for circuit in ["hosts/force-open?scope=fleet&key=us", "tenants/force-open?scope=fleet&key=eu"] {
        let error = HttpResponse::of(server.command(&format!("/circuits/{circuit}"))).await.error();
        assert!(error.status == 409 && error.text.contains("is not shared"), "{circuit}: {error:?}");
    }
    let response = HttpResponse::of(server.command("/circuits/hosts/force-open?scope=fleet&key=eu")).await;
    assert_eq!(response.status, 200, "{}", response.text);
    processes.until_state(std::slice::from_ref(&eu), State::ForcedOpen);
    processes.until("the command is known", |status| status.circuits.len() == 1);
    let fleet = server.get("/circuits/hosts").await.json()["fleet"].take();
    assert_eq!((&fleet["key"], &fleet["command"]["state"]), (&json!("eu"), &json!("forced_open")));
}

#[circuit_breaker(name = "fleet: uncalled keys", key = key)]
fn never_called(key: &str) -> Result<usize, BreakerError> {
    Ok(key.len())
}

#[test]
fn a_command_with_scope_fleet_for_a_function_that_was_never_called_requires_that_the_key_is_shared() {
    testing::scope(|scope| {
        let of_eu = ConfigSection::new("fleet: uncalled keys", shared()).for_key("eu");
        scope.registry().apply_section(ConfigLayer::File, of_eu).unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let server = Server::for_registry(scope.registry());
            for (key, text) in [("eu", "belong to no fleet"), ("us", "is not shared")] {
                let path = format!("/circuits/fleet:%20uncalled%20keys/force-open?scope=fleet&key={key}");
                let error = HttpResponse::of(server.command(&path)).await.error();
                assert!(error.status == 409 && error.text.contains(text), "{key}: {error:?}");
            }
        });
        assert_eq!(never_called("eu").ok(), Some(2));
    });
}

#[tokio::test]
async fn a_command_that_redis_did_not_confirm_is_an_error() {
    let Some(mut processes) = FleetProcesses::start(1) else { return };
    processes.register("payment", &shared());
    let server = Server::for_registry(&processes.registries[0]);
    processes.server.kill();
    let error = HttpResponse::of(server.command("/circuits/payment/force-open?scope=fleet")).await.error();
    assert_eq!(error.status, 502);
    assert!(error.text.contains("may not have reached the fleet"), "{error:?}");
    let away = |json: &Value| json["connected"] == json!(false) && json["last_error"].is_string();
    processes.until("the process has noticed", |status| !status.is_connected);
    assert!(away(&server.get("/fleet").await.json()));
}
