//! Servers that lose data, refuse to write, change their role, or are busy.

use std::time::Duration;

use breaker_runtime::State;
use breaker_runtime::fleet::{Fleet, StoreErrorKind as Kind};
use breaker_tests::redis_server::{RedisServer, is_available};
use breaker_tests::waiting;

use super::outages::{acts_together_with_traffic, survives};
use super::process::{self, CIRCUIT, NAMESPACE, Process, config, until, until_all_are};
use super::traffic::Traffic;

const LONG: Duration = Duration::from_secs(600);

#[test]
fn scripts_that_are_flushed_are_sent_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    acts_together_with_traffic(&processes);
    server.cli(&["SCRIPT", "FLUSH"]);
    acts_together_with_traffic(&processes);
    for process in &processes {
        assert_eq!(process.refusals(), 0, "{:?}", process.status());
    }
}

#[test]
fn flushed_data_is_restored_by_the_processes() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(LONG);
    let mut processes = process::fleet(&server.url(), 3, &config);
    let traffic = Traffic::start(&processes);
    open(&processes);
    let before = processes[0].shared().expect("open");
    server.cli(&["FLUSHALL"]);
    until_restored(&server);
    processes.push(Process::start(&server.url(), &config));
    until(&processes, "all see the same circuit", |process| {
        process.shared().is_some_and(|circuit| circuit.is_open && circuit.reason == before.reason)
    });
    until_all_are(&processes, State::Open);
    for process in &processes[..3] {
        assert_eq!(process.breaker.snapshot().generation, 1, "it has stayed open");
        assert_eq!(process.status().errors.total(), 0);
    }
    traffic.end();
}

#[test]
fn a_flushed_command_is_restored_by_the_processes() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut processes = process::fleet(&server.url(), 2, &config());
    processes[0].execute(async |operator| operator.disable(CIRCUIT).await);
    until_all_are(&processes, State::Disabled);
    server.cli(&["FLUSHALL"]);
    until_restored(&server);
    processes.push(Process::start(&server.url(), &config()));
    until_all_are(&processes, State::Disabled);
    let command = processes[2].shared().and_then(|circuit| circuit.command).expect("a command");
    assert_eq!((&*command.by, &*command.why, command.is_open), ("ada", "a test", false));
}

#[test]
fn a_server_without_memory_is_followed_and_gets_no_reports() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(LONG);
    let processes = process::fleet(&server.url(), 3, &config);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    until(&processes, "all have noticed", |process| process.errors(Kind::OutOfMemory) > 1);
    processes[0].fail();
    processes[1].fail();
    until(&processes, "time passes", |process| process.errors(Kind::OutOfMemory) > 5);
    assert_eq!(processes[2].state(), State::Closed, "votes cannot be written");
    for process in &processes {
        assert!(process.is_connected(), "it is still read: {:?}", process.status());
        assert_eq!(process.status().errors.total(), process.errors(Kind::OutOfMemory));
    }
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    until(&processes, "the votes are written", Process::sees_open);
    until_all_are(&processes, State::Open);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = processes[0].command(async |operator| operator.force_close(CIRCUIT).await);
    assert!(refused.is_err(), "{refused:?}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    until(&processes, "all write again", |process| process.status().last_error.is_none());
    processes[0].execute(async |operator| operator.force_close(CIRCUIT).await);
    until_all_are(&processes, State::Closed);
}

#[test]
fn a_server_that_becomes_a_replica_and_keeps_its_connections() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let other = RedisServer::start(&[]);
    let port = other.port().to_string();
    let begin = || _ = server.cli(&["REPLICAOF", "127.0.0.1", &port]);
    survives(&server.url(), Kind::ReadOnly, begin, || _ = server.cli(&["REPLICAOF", "NO", "ONE"]));
}

#[test]
fn a_failover_by_sentinel_is_followed() {
    if !is_available() {
        return;
    }
    let mut master = RedisServer::start(&[]);
    let replica = RedisServer::start_replica(&master, &[]);
    waiting::until("the replica has the data", String::new, || {
        replica.cli(&["INFO", "replication"]).contains("master_link_status:up")
    });
    let sentinel = RedisServer::start_sentinel("main", &master);
    waiting::until("the sentinel knows the replica", String::new, || {
        sentinel.cli(&["SENTINEL", "REPLICAS", "main"]).contains("127.0.0.1")
    });
    let config = config().recovery_timeout(LONG);
    let start = || {
        let builder = Fleet::builder(&sentinel.url(), NAMESPACE).sentinels([&*sentinel.url()], "main");
        Process::start_with(builder, CIRCUIT, &config)
    };
    let mut processes: Vec<_> = (0..3).map(|_| start()).collect();
    until(&processes, "all have joined", |process| process.status().processes == 3);
    let traffic = Traffic::start(&processes);
    open(&processes);
    master.kill();
    until(&processes, "the master is away", |process| process.status().last_error.is_some());
    until(&processes, "the new master is connected", |process| {
        process.is_connected() && process.status().last_error.is_none()
    });
    processes.push(start());
    until(&processes, "all see the same circuit", Process::sees_open);
    until_all_are(&processes, State::Open);
    for process in &processes[..3] {
        assert_eq!(process.breaker.snapshot().generation, 1, "it has stayed open");
    }
    assert!(replica.cli(&["HGET", "cb1:{shop}:c", CIRCUIT]).starts_with("1 o "));
    traffic.end();
}

#[test]
fn a_server_that_starts_with_older_data_gets_the_newer_state() {
    if !is_available() {
        return;
    }
    let mut server = RedisServer::start(&["--save", "3600 1000000"]);
    let config = config().recovery_timeout(LONG);
    let mut processes = process::fleet(&server.url(), 3, &config);
    let traffic = Traffic::start(&processes);
    // The saved record is that of a closed circuit.
    processes[0].execute(async |operator| operator.force_close(CIRCUIT).await);
    server.cli(&["SAVE"]);
    open(&processes);
    server.restart();
    assert!(server.cli(&["HGET", "cb1:{shop}:c", CIRCUIT]).starts_with("1 "), "it has older data");
    until_restored(&server);
    processes.push(Process::start(&server.url(), &config));
    until_all_are(&processes, State::Open);
    until(&processes, "all see the same circuit", Process::sees_open);
    for process in &processes[..3] {
        assert_eq!(process.breaker.snapshot().generation, 1, "it has stayed open");
    }
    traffic.end();
}

#[test]
fn a_server_that_a_script_blocks() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&["--busy-reply-threshold", "1"]);
    let port = server.port().to_string();
    let script = ["-p", &*port, "EVAL", "while true do end", "0"];
    let begin = || {
        let mut command = std::process::Command::new("redis-cli");
        command.args(script).stdout(std::process::Stdio::null()).spawn().expect("redis-cli runs")
    };
    let mut blocking = None;
    survives(
        &server.url(),
        Kind::Loading,
        || blocking = Some(begin()),
        || _ = server.cli(&["SCRIPT", "KILL"]),
    );
    blocking.expect("it has begun").wait().expect("it ends");
}

#[test]
fn a_server_that_loads_its_data() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&["--enable-debug-command", "local"]);
    server.cli(&["DEBUG", "POPULATE", "20000"]);
    server.cli(&["CONFIG", "SET", "loading-process-events-interval-bytes", "1024"]);
    let processes = process::fleet(&server.url(), 3, &config());
    server.cli(&["CONFIG", "SET", "key-load-delay", "200"]);
    std::thread::scope(|scope| {
        scope.spawn(|| server.cli(&["DEBUG", "RELOAD"]));
        until(&processes, "all have noticed", |process| process.errors(Kind::Loading) > 0);
    });
    acts_together_with_traffic(&processes);
}

#[test]
fn a_subscriber_that_the_server_drops_subscribes_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    for _ in 0..3 {
        server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        waiting::until("all have subscribed again", String::new, || {
            server.cli(&["PUBSUB", "NUMSUB", "cb1:{shop}:ch"]).ends_with("\n3")
        });
        acts_together_with_traffic(&processes);
    }
}

#[test]
fn without_messages_the_ticks_alone_are_enough() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let url = format!("{}?protocol=resp2", server.url());
    let processes = process::fleet(&url, 3, &config().recovery_timeout(LONG));
    assert!(server.cli(&["PUBSUB", "CHANNELS"]).is_empty());
    processes[0].fail();
    processes[1].fail();
    until_all_are(&processes, State::Open);
}

/// Opens the circuit of the whole fleet, and waits until the server and all processes know.
fn open(processes: &[Process]) {
    for process in processes {
        process.dependency.breaks();
        process.fail();
    }
    until(processes, "the fleet has opened", Process::sees_open);
    until_all_are(processes, State::Open);
}

/// Waits until the server has the record of an open or commanded circuit again.
fn until_restored(server: &RedisServer) {
    let record = || server.cli(&["HGET", "cb1:{shop}:c", CIRCUIT]);
    waiting::until("the record is restored", record, || {
        let record = record();
        record.starts_with("1 o ") || record.contains(" disabled ")
    });
}
