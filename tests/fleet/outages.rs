//! Servers that are away, silent or slow: each process goes on alone, and no call waits or fails because of it.

use std::time::{Duration, Instant};

use breaker_runtime::fleet::StoreErrorKind as Kind;
use breaker_runtime::{Cause, State};
use breaker_tests::redis_server::{RedisServer, is_available};
use breaker_tests::waiting;

use super::fault_proxy::{FaultProxy, Flow};
use super::process::{self, Process, config, until, until_all_are};
use super::traffic::Traffic;

/// The time after a fault in which all processes must agree again: two ticks, up to 5 seconds of random waiting before
/// they connect again, 1 second for the connection, and the rest for a slow machine.
const HEALING: Duration = Duration::from_secs(60);

/// Checks that a fleet of three goes on through a fault: the processes act alone while it lasts, and together before and
/// after it.
pub(crate) fn survives(url: &str, kind: Kind, begin: impl FnOnce(), end: impl FnOnce()) {
    let processes = process::fleet(url, 3, &config());
    let traffic = Traffic::start(&processes);
    acts_together(&processes);
    begin();
    until(&processes, "all have noticed", |process| !process.is_connected());
    for process in &processes {
        assert!(process.errors(kind) > 0, "{kind:?}: {:?}", process.status());
        assert!(process.status().last_error.is_some());
    }
    acts_alone(&processes);
    end();
    let start = Instant::now();
    acts_together(&processes);
    assert!(start.elapsed() < HEALING, "{:?}", start.elapsed());
    traffic.end();
}

/// Checks that two processes open the circuit of all, and that one trial call closes it for all. Their calls go on.
pub(crate) fn acts_together(processes: &[Process]) {
    let [first, second, rest @ ..] = processes else { panic!("more processes are needed") };
    until(processes, "all are connected and closed", |process| {
        process.is_connected() && process.state() == State::Closed && process.shared().is_none()
    });
    // The others do not call meanwhile, so that they do not dissent.
    first.dependency.breaks();
    second.dependency.breaks();
    for process in rest {
        process.dependency.breaks();
    }
    until(processes, "the fleet has opened", Process::sees_open);
    until_all_are(processes, State::Open);
    for process in processes {
        process.dependency.works();
    }
    until(processes, "the fleet has closed", |process| {
        process.state() == State::Closed && process.shared().is_none()
    });
}

/// Checks that a fleet without other calls acts together.
pub(crate) fn acts_together_with_traffic(processes: &[Process]) {
    let traffic = Traffic::start(processes);
    acts_together(processes);
    traffic.end();
}

/// Checks that each process opens and closes by itself, and follows no other.
pub(crate) fn acts_alone(processes: &[Process]) {
    let [first, others @ ..] = processes else { panic!("more processes are needed") };
    // They may have followed the fleet until now.
    until_all_are(processes, State::Closed);
    let generations: Vec<_> = others.iter().map(|process| process.breaker.snapshot().generation).collect();
    first.dependency.breaks();
    until_all_are([first], State::Open);
    first.dependency.works();
    until_all_are([first], State::Closed);
    let last = first.breaker.snapshot().last_transition.expect("it has closed");
    assert_eq!(last.cause, Cause::TrialsPassed);
    for (process, generation) in others.iter().zip(generations) {
        assert_eq!(process.breaker.snapshot().generation, generation, "it has not changed");
    }
}

#[test]
fn a_server_that_is_killed_and_started_again() {
    if !is_available() {
        return;
    }
    let server = std::cell::RefCell::new(RedisServer::start(&[]));
    let url = server.borrow().url();
    survives(&url, Kind::Unreachable, || server.borrow_mut().kill(), || server.borrow_mut().restart());
}

#[test]
fn a_server_that_is_not_there_at_the_start() {
    if !is_available() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    server.kill();
    let processes: Vec<_> = (0..3).map(|_| Process::start(&server.url(), &config())).collect();
    let traffic = Traffic::start(&processes);
    until(&processes, "all have tried", |process| process.errors(Kind::Unreachable) > 0);
    acts_alone(&processes);
    server.restart();
    acts_together(&processes);
    traffic.end();
}

#[test]
fn a_server_that_is_suspended() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    survives(&server.url(), Kind::TimedOut, || server.stop(), || server.cont());
}

#[test]
fn a_network_that_swallows_everything() {
    behind_proxy(Kind::TimedOut, |proxy| proxy.both(Flow::Hold), |proxy| proxy.both(Flow::Pass));
}

#[test]
fn a_network_that_swallows_what_the_processes_send() {
    behind_proxy(Kind::TimedOut, |proxy| proxy.to_server(Flow::Hold), |proxy| proxy.to_server(Flow::Pass));
}

#[test]
fn a_network_that_swallows_what_the_server_sends() {
    behind_proxy(Kind::TimedOut, |proxy| proxy.to_client(Flow::Hold), |proxy| proxy.to_client(Flow::Pass));
}

#[test]
fn a_network_that_takes_a_second() {
    let slow = Flow::Delay(Duration::from_secs(1));
    behind_proxy(Kind::TimedOut, |proxy| proxy.to_client(slow), |proxy| proxy.to_client(Flow::Pass));
}

#[test]
fn connections_that_are_cut_within_a_reply() {
    behind_proxy(Kind::Unreachable, |proxy| proxy.to_client(Flow::Cut), |proxy| proxy.to_client(Flow::Pass));
}

fn behind_proxy(kind: Kind, begin: impl FnOnce(&FaultProxy), end: impl FnOnce(&FaultProxy)) {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.port());
    survives(&proxy.url(), kind, || begin(&proxy), || end(&proxy));
}

#[test]
fn connections_that_are_reset_are_opened_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.port());
    let processes = process::fleet(&proxy.url(), 3, &config());
    let traffic = Traffic::start(&processes);
    for _ in 0..3 {
        let before = subscribers(&server);
        proxy.reset();
        waiting::until("all have connected again", String::new, || {
            let now = subscribers(&server);
            now.len() == 3 && now.iter().all(|id| !before.contains(id))
        });
        acts_together(&processes);
    }
    traffic.end();
}

/// Returns the numbers of the connections that receive messages.
fn subscribers(server: &RedisServer) -> Vec<String> {
    let clients = server.cli(&["CLIENT", "LIST"]);
    let subscribers = clients.lines().filter(|client| client.contains(" sub=1 "));
    subscribers.filter_map(|client| client.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn an_open_circuit_recovers_alone_when_the_server_is_away_for_longer_than_the_open_time() {
    if !is_available() {
        return;
    }
    let mut server = RedisServer::start(&["--save", "3600 1000000"]);
    let config = config().recovery_timeout(Duration::from_secs(1));
    let processes = process::fleet(&server.url(), 3, &config);
    for process in &processes {
        process.dependency.breaks();
    }
    let traffic = Traffic::start(&processes);
    until_all_are(&processes, State::Open);
    server.cli(&["SAVE"]);
    server.kill();
    for process in &processes {
        process.dependency.works();
    }
    until(&processes, "all have recovered by trial calls of their own", |process| {
        let last = process.breaker.snapshot().last_transition;
        process.state() == State::Closed && last.is_some_and(|last| last.cause == Cause::TrialsPassed)
    });
    // The record that the server has saved is open, and all processes know better.
    server.restart();
    until(&processes, "the fleet has closed", |process| process.is_connected() && process.shared().is_none());
    acts_together(&processes);
    traffic.end();
}
