//! What a process must notice although no circuit changes its state: open circuits that become shared, callers that ask
//! before they call, and processes that are gone.

use std::time::Duration;

use breaker_runtime::fleet::Fleet;
use breaker_runtime::queue::{Delivery, RetryQueue};
use breaker_runtime::{CircuitBreaker, Config, KeyedBreaker, Outcome, Sharing, State};
use breaker_tests::redis_server::{RedisServer, is_available};

use super::process::{self, NAMESPACE, Process, config, until};

fn first() -> Config {
    config().shared(Sharing::First).recovery_timeout(Duration::from_secs(60)).build().expect("valid")
}

fn open(breaker: &CircuitBreaker) {
    for _ in 0..3 {
        breaker.try_acquire().expect("it is closed").settle(Outcome::Failure);
    }
}

fn opened_hosts(process: &Process, config: Config) -> KeyedBreaker {
    let hosts = process.registry.register_keyed("hosts", config, 10).expect("it is new");
    open(&hosts.get("eu"));
    _ = hosts.get("us");
    hosts
}

fn open_for_the_fleet(process: &Process) -> Vec<String> {
    let circuits = process.status().circuits.into_iter().filter(|circuit| circuit.is_open);
    circuits.map(|circuit| circuit.key.unwrap_or(circuit.name)).collect()
}

#[test]
fn circuits_that_opened_before_their_process_connected_open_for_the_fleet() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut processes = process::fleet(&server.url(), 1, &config());
    processes[0].shut_down();
    processes[0].breaker.set_config(first());
    open(&processes[0].breaker);
    let _hosts = opened_hosts(&processes[0], first());
    processes[0].connect(Fleet::builder(&server.url(), NAMESPACE)).expect("it has left");
    until(&processes, "both are open", |process| open_for_the_fleet(process) == ["eu", process::CIRCUIT]);
}

#[test]
fn open_circuits_of_keys_that_new_settings_share_open_for_the_fleet() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 1, &config());
    let hosts = opened_hosts(&processes[0], config().shared(Sharing::Local).build().expect("valid"));
    // A later change has arrived, so that of the host has as well.
    processes[0].fail();
    until(&processes, "it is open", Process::sees_open);
    hosts.set_config(first());
    until(&processes, "both are open", |process| open_for_the_fleet(process) == ["eu", process::CIRCUIT]);
}

#[test]
fn a_circuit_whose_callers_ask_whether_it_would_admit_them_closes_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 1, &config().shared(Sharing::First));
    processes[0].fail();
    until(&processes, "it is open", Process::sees_open);
    processes[0].dependency.works();
    until(&processes, "it closes", |process| {
        let asks_first = process.breaker.would_admit() && process.call();
        asks_first && process.state() == State::Closed
    });
    assert_eq!(processes[0].breaker.snapshot().totals.rejected, 0);
}

#[test]
fn a_circuit_that_only_the_drain_of_a_queue_calls_closes_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config().shared(Sharing::First));
    processes[0].fail();
    until(&processes, "it is open", Process::sees_open);

    let queue = RetryQueue::in_memory(&processes[0].breaker, 10);
    for order in 0..3 {
        queue.push_blocking(order).expect("it has space");
    }
    processes[0].spawn(queue.drain(async |_| Delivery::Done).run());
    until(&processes, "it closes", |process| process.state() == State::Closed && !process.sees_open());
    until(&processes[..1], "all are delivered", |process| {
        process.breaker.snapshot().queue.is_some_and(|queue| queue.delivered == 3)
    });
}

#[test]
fn the_vote_of_a_process_that_is_gone_is_no_longer_listed() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(60));
    let mut processes = process::fleet(&server.url(), 3, &config);
    let votes = |process: &Process| process.shared().map_or(0, |circuit| circuit.votes.len());
    processes[0].fail();
    until(&processes, "the vote is listed", |process| votes(process) == 1);
    processes[0].shut_down();
    until(&processes[1..], "it has left", |process| votes(process) == 0);
    processes[1].fail();
    until(&processes[1..], "the vote is listed", |process| votes(process) == 1);
    processes[1].die();
    until(&processes[2..], "it is dead", |process| votes(process) == 0);
}
