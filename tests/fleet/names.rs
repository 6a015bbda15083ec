//! Circuits, keys and namespaces with strange names.

use std::time::Duration;

use breaker_runtime::fleet::Fleet;
use breaker_runtime::{CircuitBreaker, Outcome, State};
use breaker_tests::redis_server::{RedisServer, is_available};
use breaker_tests::waiting;

use super::process::{self, CIRCUIT, Process, config, until};

const NAMES: [&str; 9] = [
    "a {b}c",
    "{",
    "line\nbreak\r\n",
    "n\u{e4}me \u{1f980}",
    "-",
    "%2D/#",
    "quote\"'\\ $(x)",
    "\0\u{1b}[31m",
    "1 c 0 0 0 0 0 - 0 - 0 - - - - -",
];

fn fail(breaker: &CircuitBreaker) {
    for _ in 0..3 {
        breaker.try_acquire().expect("closed").settle(Outcome::Failure);
    }
}

#[test]
fn circuits_keys_and_namespaces_may_have_any_name() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let namespace = "my {shop}\n\u{e4}:*";
    let start = || Process::start_with(Fleet::builder(&server.url(), namespace), CIRCUIT, &config());
    let processes = [start(), start(), start()];
    let config = config().build().expect("valid");
    let long = "\u{1f980}".repeat(63);
    let names: Vec<_> = NAMES.into_iter().chain([&*long]).collect();
    let circuits: Vec<Vec<_>> = processes
        .iter()
        .map(|process| {
            let single = names.iter().map(|name| {
                process.registry.register((*name).to_owned(), config.clone()).expect("it is new")
            });
            let single: Vec<_> = single.collect();
            let keyed = process.registry.register_keyed("key {}", config.clone(), 100).expect("it is new");
            let keyed = names.iter().chain(&[""]).map(|key| keyed.get(key));
            single.into_iter().chain(keyed).collect()
        })
        .collect();
    until(&processes, "all have joined", |process| process.status().processes == 3);
    circuits[0].iter().for_each(fail);
    circuits[1].iter().for_each(fail);
    let open = |circuits: &[CircuitBreaker]| {
        circuits.iter().filter(|circuit| circuit.state() == State::Open).count()
    };
    let states = || format!("{:?}", circuits[2].iter().map(CircuitBreaker::state).collect::<Vec<_>>());
    waiting::until("all circuits are open", states, || open(&circuits[2]) == circuits[2].len());
    let listed = processes[2].status().circuits;
    for circuit in &circuits[2] {
        let is_listed = listed.iter().any(|listed| {
            listed.is_open && listed.name == circuit.name() && listed.key.as_deref() == circuit.key()
        });
        assert!(is_listed, "{:?} {:?}: {listed:#?}", circuit.name(), circuit.key());
    }
    assert_eq!(processes[2].status().unreadable_records, 0);
    processes[0].execute(async |operator| {
        for name in &names {
            operator.force_close(name).await?;
            operator.clone().key(*name).force_close("key {}").await?;
        }
        operator.key("").force_close("key {}").await
    });
    for circuits in &circuits {
        waiting::until("all circuits are closed", states, || {
            circuits.iter().all(|circuit| circuit.state() == State::Closed)
        });
    }
}

#[test]
fn a_key_that_a_process_gets_later_adopts_the_open_circuit() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let start = || Process::start(&server.url(), &config());
    let processes = [start(), start(), start()];
    let config = config().recovery_timeout(std::time::Duration::from_secs(60)).build().expect("valid");
    let keyed = processes
        .each_ref()
        .map(|process| process.registry.register_keyed("host", config.clone(), 10).expect("it is new"));
    until(&processes, "all have joined", |process| process.status().processes == 3);
    fail(&keyed[0].get("eu"));
    fail(&keyed[1].get("eu"));
    until(&processes, "the circuit is open", |process| {
        process.status().circuits.iter().any(|circuit| circuit.is_open)
    });
    assert!(keyed[2].find("eu").is_none(), "the fleet creates no circuit");
    let late = keyed[2].get("eu");
    waiting::until("it adopts", || format!("{:?}", late.snapshot()), || late.state() == State::Open);
    assert_eq!(keyed[2].get("us").state(), State::Closed);
}

#[test]
fn a_key_that_is_removed_and_used_again_at_once_follows_the_fleet() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config());
    let config = config().recovery_timeout(Duration::from_secs(60)).build().expect("valid");
    let hosts: Vec<_> = processes
        .iter()
        .map(|process| process.registry.register_keyed("host", config.clone(), 10).expect("it is new"))
        .collect();
    for host in &hosts {
        _ = (host.get("forced"), host.get("open"));
    }
    let all_are = |key, state| hosts.iter().all(|host| host.get(key).state() == state);
    let follow = || all_are("forced", State::ForcedOpen) && all_are("open", State::Open);
    processes[0].command(async |operator| operator.key("forced").force_open("host").await).expect("executed");
    for host in &hosts {
        fail(&host.get("open"));
    }
    until(&processes, "both follow", |_| follow());
    until(&processes, "the fleet has opened", |process| {
        process.status().circuits.iter().any(|one| one.key.as_deref() == Some("open") && one.is_open)
    });
    for key in ["forced", "open"] {
        hosts[1].remove(key).expect("it exists");
        _ = hosts[1].get(key);
    }
    until(&processes, "both follow again", |_| follow());
}
