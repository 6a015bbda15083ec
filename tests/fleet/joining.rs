//! How a process joins and leaves a fleet, and what it does with a server that it cannot use.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::fleet::{self, Fleet, FleetError, StoreErrorKind as Kind};
use breaker_runtime::{Registry, State};
use breaker_tests::redis_server::{RedisServer, free_port, is_available};

use super::fault_proxy::{FaultProxy, Flow};
use super::outages::{acts_alone, acts_together_with_traffic, survives};
use super::process::{self, NAMESPACE, Process, config, until, until_all_are};
use super::traffic::Traffic;

/// The URL of the server for a test that runs in a process of its own.
const URL: &str = "BREAKER_FLEET_URL";

#[test]
fn what_cannot_be_used_is_refused_at_once_with_advice() {
    let connect = |url: &str, namespace: &str| Fleet::builder(url, namespace).connect().map(drop);
    for url in ["", "redis", "http://127.0.0.1", "redis://", "redis://a:b:c", "redis://127.0.0.1:99999"] {
        let Err(FleetError::Address(text)) = connect(url, NAMESPACE) else { panic!("{url}") };
        assert!(text.contains("redis://"), "{text}");
    }
    let url = "redis://127.0.0.1:1";
    for namespace in ["", &"x".repeat(101)] {
        assert_eq!(connect(url, namespace), Err(FleetError::Namespace));
    }
    for tick in [Duration::ZERO, Duration::from_millis(99), Duration::from_millis(1501), Duration::MAX] {
        let tried = Fleet::builder(url, NAMESPACE).tick(tick).connect().map(drop);
        assert_eq!(tried, Err(FleetError::Tick));
    }
    let without = Fleet::builder(url, NAMESPACE).sentinels([], "main").connect().map(drop);
    assert!(matches!(without, Err(FleetError::Address(_))), "{without:?}");
    assert_eq!(connect(url, NAMESPACE), Err(FleetError::NoRuntime));
}

#[test]
fn a_registry_belongs_to_one_fleet_at_a_time() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut processes = process::fleet(&server.url(), 2, &config());
    let builder = || Fleet::builder(&server.url(), NAMESPACE);
    assert_eq!(processes[0].connect(builder()), Err(FleetError::AlreadyConnected));
    assert!(fleet::status(&processes[0].registry).is_some_and(|status| status.is_connected));
    assert!(fleet::status(&Registry::new()).is_none());
    processes[0].shut_down();
    assert!(fleet::status(&processes[0].registry).is_none());
    until(&processes[1..], "the others know at once", |process| process.status().processes == 1);
    processes[0].connect(builder()).expect("it has left");
    until(&processes, "all have joined", |process| process.status().processes == 2);
    drop(processes[0].take_handle());
    until(&processes[1..], "the others know", |process| process.status().processes == 1);
    let registry = processes[0].registry.clone();
    until(&processes[1..], "it has left", |_| fleet::status(&registry).is_none());
    processes[0].connect(builder()).expect("it has left");
    until(&processes, "all have joined", |process| process.status().processes == 2);
    processes[0].shut_down_without_runtime();
    processes[0].connect(builder()).expect("it has left");
    acts_together_with_traffic(&processes);
}

#[test]
fn a_circuit_that_is_open_for_the_fleet_recovers_alone_after_its_process_has_left() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut processes = process::fleet(&server.url(), 2, &config());
    processes.iter().for_each(Process::fail);
    until_all_are(&processes, State::Open);
    processes[0].shut_down();
    let Process { breaker, dependency, .. } = &processes[0];
    dependency.works();
    until(&processes[1..], "the other has recovered alone", |_| {
        dependency.call(breaker);
        breaker.state() == State::Closed
    });
    assert_eq!(processes[1].state(), State::Open);
}

#[test]
fn leaving_a_server_that_is_silent_takes_at_most_two_seconds() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut processes = process::fleet(&server.url(), 2, &config());
    server.stop();
    for process in &mut processes {
        let start = Instant::now();
        process.shut_down();
        // The task itself ends at most 2 seconds later; the rest is for a slow machine.
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    }
    server.cont();
    for process in &mut processes {
        let start = Instant::now();
        while let Err(error) = process.connect(Fleet::builder(&server.url(), NAMESPACE)) {
            assert_eq!(error, FleetError::AlreadyConnected);
            assert!(start.elapsed() < Duration::from_secs(60), "the task has ended");
            thread::yield_now();
        }
    }
    until(&processes, "all have joined again", |process| process.status().processes == 2);
}

#[test]
fn a_password_that_is_rotated() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let rotate = |password: &str| {
        server.cli(&[
            "ACL",
            "SETUSER",
            "shop",
            "reset",
            "on",
            &format!(">{password}"),
            "~cb1:*",
            "&cb1:*",
            "+@all",
        ]);
        // A changed password ends no connection.
        server.cli(&["CLIENT", "KILL", "USER", "shop"]);
    };
    rotate("old");
    let url = |password: &str| format!("redis://shop:{password}@127.0.0.1:{}", server.port());
    survives(&url("old"), Kind::Unauthenticated, || rotate("new"), || rotate("old"));
    rotate("new");
    acts_together_with_traffic(&process::fleet(&url("new"), 2, &config()));
}

#[test]
fn a_user_who_is_limited_to_the_keys_and_the_channel_is_enough() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    server.cli(&["ACL", "SETUSER", "shop", "on", ">secret", "~cb1:*", "&cb1:*", "+@all"]);
    let url = format!("redis://shop:secret@127.0.0.1:{}", server.port());
    let processes = process::fleet(&url, 3, &config());
    assert_eq!(server.cli(&["PUBSUB", "NUMSUB", "cb1:{shop}:ch"]), "cb1:{shop}:ch\n3");
    acts_together_with_traffic(&processes);
    for process in &processes {
        assert_eq!(process.status().errors.total(), 0, "{:?}", process.status());
    }
}

#[test]
fn a_user_who_loses_the_keys_makes_the_processes_act_alone() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let allow = |keys: &str| {
        server.cli(&["ACL", "SETUSER", "shop", "reset", "on", ">secret", keys, "&cb1:*", "+@all"]);
    };
    allow("~cb1:*");
    let url = format!("redis://shop:secret@127.0.0.1:{}", server.port());
    survives(&url, Kind::Forbidden, || allow("~other:*"), || allow("~cb1:*"));
}

#[test]
fn a_wrong_password_is_said_and_the_circuit_works_alone() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&["--requirepass", "right"]);
    let port = server.port();
    let processes = [format!("redis://:wrong@127.0.0.1:{port}"), format!("redis://127.0.0.1:{port}")]
        .map(|url| Process::start(&url, &config()));
    until(&processes, "it is refused", |process| {
        process.errors(Kind::Unauthenticated) > 0 && process.status().last_error.is_some()
    });
    for process in &processes {
        let text = process.status().last_error.expect("an error");
        assert!(text.contains("password") && !text.contains("wrong"), "{text}");
    }
    let traffic = Traffic::start(&processes);
    acts_alone(&processes);
    traffic.end();
}

#[test]
fn a_server_that_is_too_old_is_said_and_the_circuit_works_alone() {
    let url = serve(|command| match command {
        "INFO" => "$47\r\nredis_version:5.0.14\r\nrun_id:0123456789abcdef\r\n\r\n",
        "ROLE" => "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",
        "CLIENT" | "SELECT" => "+OK\r\n",
        _ => "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n",
    });
    refuses(&url, Kind::Unsupported, "5.0.14");
}

#[test]
fn a_server_that_is_no_redis_is_said_and_the_circuit_works_alone() {
    let url = serve(|_| "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    refuses(&url, Kind::Malformed, "is the address right?");
}

#[test]
fn a_server_that_never_answers_is_said_and_the_circuit_works_alone() {
    let url = serve(|_| "");
    refuses(&url, Kind::TimedOut, "did not answer in time");
}

#[test]
fn a_lost_server_is_reported_on_one_line() {
    if let Ok(url) = std::env::var(URL) {
        return lose_a_server(&url);
    }
    let url = format!("redis://127.0.0.1:{}", free_port());
    let text = run_again("a_lost_server_is_reported_on_one_line", &url);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    let expected = "warning: fleet shop: Redis is away (unreachable: ";
    assert!(lines[0].starts_with(expected) && lines[0].contains("act in this process only"), "{text}");
}

fn lose_a_server(url: &str) {
    let process = Process::start(url, &config());
    until([&process], "it has tried three times", |process| process.errors(Kind::Unreachable) >= 3);
}

#[test]
fn the_return_of_a_server_is_reported_on_one_line() {
    if let Ok(url) = std::env::var(URL) {
        return lose_a_server_for_a_while(&url);
    }
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let text = run_again("the_return_of_a_server_is_reported_on_one_line", &server.url());
    let notes: Vec<_> = text.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes, ["note: fleet shop: Redis is back; shared circuits follow the fleet again"], "{text}");
}

fn lose_a_server_for_a_while(url: &str) {
    let (_, port) = url.rsplit_once(':').expect("a port");
    let proxy = FaultProxy::start(port.parse().expect("a port"));
    let process = Process::start(&proxy.url(), &config());
    until([&process], "it is connected", Process::is_connected);
    proxy.both(Flow::Hold);
    until([&process], "it has noticed", |process| !process.is_connected());
    proxy.both(Flow::Pass);
    until([&process], "it is connected again", Process::is_connected);
}

#[test]
fn a_server_that_may_delete_the_circuits_is_reported_once() {
    if let Ok(url) = std::env::var(URL) {
        return connect_twice(&url);
    }
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let text = run_again("a_server_that_may_delete_the_circuits_is_reported_once", &server.url());
    assert_eq!(text.matches("set its maxmemory-policy to noeviction").count(), 1, "{text}");
}

fn connect_twice(url: &str) {
    let proxy = FaultProxy::start(url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port"));
    let process = Process::start(&proxy.url(), &config());
    until([&process], "it is connected", Process::is_connected);
    proxy.both(Flow::Cut);
    until([&process], "it is away", |process| !process.is_connected());
    proxy.both(Flow::Pass);
    until([&process], "it is connected", Process::is_connected);
}

#[test]
fn a_fleet_whose_runtime_ends_is_not_shown_as_connected() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut process = Process::start(&server.url(), &config());
    until([&process], "it is connected", Process::is_connected);
    process.fail();
    until_all_are([&process], State::Open);
    process.end_runtime();
    assert!(!process.is_connected());
    assert_eq!(process.status().circuits, []);
    // The circuit goes on alone.
    process.dependency.works();
    until([&process], "it has recovered", |process| {
        process.call();
        process.state() == State::Closed
    });
}

#[test]
fn a_registry_joins_again_although_the_runtime_of_its_fleet_has_ended() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut process = Process::start(&server.url(), &config());
    until([&process], "it is connected", Process::is_connected);
    process.end_runtime();
    assert!(process.status().has_left);
    assert_eq!(process.status().to_string(), "fleet shop: 1 process, membership has ended, 0 circuits open");
    assert!(fleet::status(&process.registry).is_none());
    assert!(fleet::commander(&process.registry).is_none());
    let old = process.take_handle();
    process.start_runtime();
    process.connect(Fleet::builder(&server.url(), NAMESPACE)).expect("the membership has ended");
    until([&process], "it is connected again", Process::is_connected);
    drop(old);
    assert!(fleet::status(&process.registry).is_some());
}

/// Runs a test again in a process of its own, with the URL of a server, and returns what it writes to stderr.
fn run_again(test: &str, url: &str) -> String {
    let program = std::env::current_exe().expect("the test has a path");
    let test = format!("joining::{test}");
    let arguments = ["--exact", &*test, "--nocapture"];
    let output = Command::new(program).args(arguments).env(URL, url).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Checks that a server is refused with an error of this kind and text, and that the circuits act alone.
fn refuses(url: &str, kind: Kind, text: &str) {
    let processes = [Process::start(url, &config()), Process::start(url, &config())];
    until(&processes, "it is refused", |process| {
        process.errors(kind) > 0 && process.status().last_error.is_some()
    });
    for process in &processes {
        let error = process.status().last_error.expect("an error");
        assert!(error.contains(text), "{error}");
        assert!(!process.is_connected());
    }
    let traffic = Traffic::start(&processes);
    acts_alone(&processes);
    traffic.end();
}

/// Starts a server that answers each command by its name, and returns its URL. It ends with the test program.
fn serve(answer: fn(&str) -> &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("redis://{}", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                // *<number of arguments>, and then two lines for each argument.
                while let Some(length) = lines.next() {
                    let count = length.trim_start_matches('*').parse::<usize>().unwrap_or_default();
                    let arguments: Vec<_> = lines.by_ref().take(2 * count).skip(1).step_by(2).collect();
                    let command = arguments.first().map_or("", String::as_str);
                    if (&stream).write_all(answer(command).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}
