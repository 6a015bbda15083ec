//! The store of a fleet on real Redis servers: how it connects, what it reports when a server misbehaves, and how it
//! recovers.
#![expect(clippy::expect_used, reason = "a test whose preconditions fail has failed")]

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::fleet::protocol::{
    InstanceId, Policy, Push, REQUEST_TIME, RecordState, Reply, Report, ReportKind, Request, SharedName,
};
use breaker_runtime::fleet::{ProbeError, StoreErrorKind, StoreProbe};
use breaker_tests::redis_server::{self, RedisServer};

/// How long a test waits for a server.
const PATIENCE: Duration = Duration::from_secs(120);

/// The commands that a limited user needs, without those that can be missing.
const NEEDED: &str = "+evalsha +eval +time +hget +hmget +hset +hdel +zadd +zcard +zcount +zscore +zrem \
                      +zremrangebyscore +zrangebyscore +zrevrangebyscore +publish";

fn request(cursor: u64, reports: Vec<Report>) -> Request {
    let patience = REQUEST_TIME;
    Request { instance: InstanceId::new("pod", 1), deadline: 0, patience, cursor, is_leaving: false, reports }
}

fn heartbeat() -> Request {
    request(0, Vec::new())
}

/// Opens the circuit of this name everywhere.
fn vote(name: &str) -> Request {
    let kind = ReportKind::Vote {
        open: Duration::from_secs(30),
        policy: Policy::First,
        reason: Arc::from("5 of 10 calls failed"),
        settings: Arc::from("the settings"),
    };
    request(0, vec![Report { name: SharedName::new(name, None), epoch: 0, kind }])
}

fn opened(reply: &Reply) -> Vec<String> {
    let open = reply.records.iter().filter(|(_, record)| record.state == RecordState::Open);
    open.map(|(name, _)| name.breaker()).collect()
}

fn store(url: &str) -> StoreProbe {
    StoreProbe::server(url, "shop {1}").expect("a valid URL")
}

#[track_caller]
fn refused(answer: Result<Reply, ProbeError>, kind: StoreErrorKind, text: &str) -> ProbeError {
    let error = answer.expect_err("an error");
    assert!(error.kind == kind && error.text.contains(text), "{error:?}");
    error
}

/// Repeats a check until it succeeds.
fn wait_until(mut check: impl FnMut() -> bool, what: &str) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < PATIENCE, "{what}");
    }
}

/// Performs exchanges until one succeeds.
async fn recover(store: &mut StoreProbe) -> Reply {
    let start = Instant::now();
    loop {
        match store.sync(&heartbeat()).await {
            Ok(reply) => return reply,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn processes_share_a_circuit_over_every_kind_of_address() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let [tcp, old] = ["", "/?protocol=resp2"].map(|end| server.url() + end);
    for (number, url) in [tcp, old.clone(), server.unix_url()].iter().enumerate() {
        let mut first = store(url);
        let mut messages = first.messages();
        first.sync(&heartbeat()).await.expect("the server runs");
        assert_eq!(first.has_push(), *url != old, "{url}");
        let name = format!("{url} {{x}}\n\u{e4} {number}");
        let reply = store(url).sync(&vote(&name)).await.expect("the server runs");
        assert!(!reply.is_new_server);
        assert!(opened(&reply).contains(&name), "{reply:?}");
        assert!(opened(&first.sync(&heartbeat()).await.expect("the server runs")).contains(&name));
        if first.has_push() {
            // Messages are 50 ms apart, and a change is published with the next exchange after that.
            let start = Instant::now();
            while !messages.try_recv().is_ok_and(|message| opened_by(message).contains(&name)) {
                first.sync(&heartbeat()).await.expect("the server runs");
                assert!(start.elapsed() < PATIENCE, "no message about {name}");
            }
        }
    }
}

fn opened_by(push: Push) -> Vec<String> {
    push.records.into_iter().map(|(name, _)| name.breaker()).collect()
}

#[tokio::test]
async fn a_suspended_server_costs_three_short_timeouts_and_then_the_connection() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut store = store(&server.url());
    store.sync(&heartbeat()).await.expect("the server runs");
    server.stop();
    let start = Instant::now();
    for _ in 0..3 {
        refused(store.sync(&heartbeat()).await, StoreErrorKind::TimedOut, "did not answer");
    }
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let clients = || server.cli(&["CLIENT", "LIST"]);
    server.cont();
    assert!(!recover(&mut store).await.is_new_server);
    // The new connection and redis-cli are left.
    wait_until(|| clients().lines().count() == 2, "the old connection is closed");
}

#[tokio::test]
async fn after_a_restart_the_reply_tells_that_the_server_is_new() {
    if !redis_server::is_available() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let mut store = store(&server.url());
    store.sync(&vote("pay")).await.expect("the server runs");
    server.kill();
    refused(store.sync(&heartbeat()).await, StoreErrorKind::Unreachable, "");
    server.restart();
    let reply = recover(&mut store).await;
    assert!(reply.is_new_server && reply.records.is_empty(), "{reply:?}");
    assert!(!store.sync(&heartbeat()).await.expect("the server runs").is_new_server);
}

#[tokio::test]
async fn a_server_that_forgets_the_scripts_gets_them_again() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut store = store(&server.url());
    for name in ["a", "b"] {
        store.sync(&vote(name)).await.expect("the server runs");
        assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    }
    assert_eq!(opened(&store.sync(&heartbeat()).await.expect("the server runs")), ["a", "b"]);
}

#[tokio::test]
async fn a_server_without_memory_is_still_read() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut store = store(&server.url());
    store.sync(&vote("pay")).await.expect("the server runs");
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = refused(store.sync(&vote("other")).await, StoreErrorKind::OutOfMemory, "raise its maxmemory");
    assert_eq!(opened(&error.partial.expect("records")), ["pay"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    store.sync(&heartbeat()).await.expect("the server has memory");
}

#[tokio::test]
async fn a_request_after_its_deadline_changes_nothing_and_tells_the_time() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut store = store(&server.url());
    let now = store.sync(&heartbeat()).await.expect("the server runs").now;
    let late = Request { deadline: now - 1, ..vote("pay") };
    let error = refused(store.sync(&late).await, StoreErrorKind::TimedOut, "after its deadline");
    let reply = error.partial.expect("the time");
    assert!(reply.now >= now && reply.records.is_empty(), "{reply:?}");
    let timely = Request { deadline: now + 60_000, ..vote("pay") };
    assert_eq!(opened(&store.sync(&timely).await.expect("the server runs")), ["pay"]);
}

#[tokio::test]
async fn a_replica_is_never_written_to() {
    if !redis_server::is_available() {
        return;
    }
    let master = RedisServer::start(&[]);
    let replica = RedisServer::start_replica(&master, &[]);
    refused(store(&replica.url()).sync(&heartbeat()).await, StoreErrorKind::ReadOnly, "Sentinel");
    // The master becomes a replica, and keeps the connection.
    let mut store = store(&master.url());
    store.sync(&heartbeat()).await.expect("the master runs");
    let port = replica.port().to_string();
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    master.cli(&["REPLICAOF", "127.0.0.1", &port]);
    refused(store.sync(&vote("pay")).await, StoreErrorKind::ReadOnly, "Sentinel");
    refused(store.sync(&vote("pay")).await, StoreErrorKind::ReadOnly, "Sentinel");
    master.cli(&["REPLICAOF", "NO", "ONE"]);
    store.sync(&heartbeat()).await.expect("it is a master again");
}

#[tokio::test]
async fn a_missing_wrong_or_changed_password_is_reported_as_such() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&["--requirepass", "old"]);
    let url = |password: &str| server.url().replace("redis://", &format!("redis://:{password}@"));
    for end in ["", "/?protocol=resp2"] {
        let kind = StoreErrorKind::Unauthenticated;
        refused(store(&(server.url() + end)).sync(&heartbeat()).await, kind, "password");
        refused(store(&(url("wrong") + end)).sync(&heartbeat()).await, kind, "correct the URL");
        store(&(url("old") + end)).sync(&heartbeat()).await.expect("the right password");
    }
    let mut store = store(&url("old"));
    store.sync(&heartbeat()).await.expect("the right password");
    let administer = |command: &[&str]| server.cli_as("default", "old", command);
    administer(&["CONFIG", "SET", "requirepass", "new"]);
    server.cli_as("default", "new", &["CLIENT", "KILL", "TYPE", "pubsub"]);
    let start = Instant::now();
    loop {
        let error = store.sync(&heartbeat()).await.expect_err("the connection is closed");
        if error.kind == StoreErrorKind::Unauthenticated {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{error:?}");
    }
}

#[tokio::test]
async fn a_user_with_the_documented_permissions_can_use_the_store() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let add = |user: &str, permissions: &str| {
        let rule = format!("on >pass {permissions}");
        let rule: Vec<_> = ["ACL", "SETUSER", user].into_iter().chain(rule.split(' ')).collect();
        assert_eq!(server.cli(&rule), "OK");
        store(&server.url().replace("redis://", &format!("redis://{user}:pass@")))
    };
    let mut all = add("all", "resetkeys resetchannels ~cb1:* &cb1:* +@all");
    all.sync(&vote("a")).await.expect("all commands");
    assert!(all.has_push());
    let extra = format!("resetkeys resetchannels ~cb1:* &cb1:* {NEEDED} +hello +subscribe +role +info");
    let mut listed = add("listed", &extra);
    listed.sync(&vote("b")).await.expect("the listed commands");
    assert!(listed.has_push());
    let mut least = add("least", &format!("resetkeys resetchannels ~cb1:* &cb1:* {NEEDED}"));
    let reply = least.sync(&vote("c")).await.expect("the needed commands");
    assert!(!least.has_push());
    assert_eq!(opened(&reply), ["a", "b", "c"]);
    let mut silent = add("silent", &format!("resetkeys resetchannels ~cb1:* {NEEDED} +hello +subscribe"));
    silent.sync(&vote("d")).await.expect("the channel is not needed");
    assert!(!silent.has_push());
    for (user, permissions) in [
        ("no_keys", format!("resetkeys ~other:* &* {NEEDED}")),
        ("no_script", "resetkeys ~cb1:* &* +hello +ping".to_owned()),
        ("no_write", format!("resetkeys ~cb1:* &* {NEEDED} -hset")),
    ] {
        let answer = add(user, &permissions).sync(&vote("e")).await;
        refused(answer, StoreErrorKind::Forbidden, "lacks a permission");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_listed() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut store = store(&server.url());
    for name in ["good", "bad"] {
        store.sync(&vote(name)).await.expect("the server runs");
    }
    server.cli(&["HSET", "cb1:{shop%20%7B1%7D}:c", "bad", "1 o hostile"]);
    server.cli(&["ZADD", "cb1:{shop%20%7B1%7D}:log", "7", "a\nb"]);
    server.cli(&["HSET", "cb1:{shop%20%7B1%7D}:c", "a\nb", "junk"]);
    let reply = store.sync(&heartbeat()).await.expect("the server runs");
    assert_eq!((opened(&reply), reply.unreadable), (vec!["good".to_owned()], vec!["bad".to_owned()]));
    server.cli(&["SET", "cb1:{shop%20%7B1%7D}:c", "another type"]);
    refused(store.sync(&vote("pay")).await, StoreErrorKind::Malformed, "another namespace");
}

#[tokio::test]
async fn a_server_that_is_not_redis_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            // The client may have gone.
            _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let answer = store(&format!("redis://127.0.0.1:{port}")).sync(&heartbeat()).await;
    refused(answer, StoreErrorKind::Malformed, "is the address right?");
}

#[tokio::test]
async fn the_master_is_found_through_sentinel_and_again_after_a_failover() {
    if !redis_server::is_available() {
        return;
    }
    let mut master = RedisServer::start(&[]);
    let replica = RedisServer::start_replica(&master, &[]);
    wait_until(|| master.cli(&["INFO", "replication"]).contains("state=online"), "the replica is online");
    let sentinel = RedisServer::start_sentinel("shop", &master);
    let unreachable = format!("redis://127.0.0.1:{}", redis_server::free_port());
    let urls = [unreachable.as_str(), &sentinel.url()];
    let unknown = StoreProbe::sentinels(&urls, "other", "ns").expect("valid").sync(&heartbeat()).await;
    refused(unknown, StoreErrorKind::Unreachable, "knows no master named other");
    let mut store = StoreProbe::sentinels(&urls, "shop", "ns").expect("valid URLs");
    store.sync(&vote("pay")).await.expect("the master runs");
    let has_copy = || replica.cli(&["HLEN", "cb1:{ns}:c"]) == "1";
    wait_until(has_copy, "the replica has the record");
    wait_until(|| sentinel.cli(&["SENTINEL", "REPLICAS", "shop"]).contains("slave"), "the replica is known");
    master.kill();
    let reply = recover(&mut store).await;
    assert!(reply.is_new_server, "{reply:?}");
    assert_eq!(opened(&reply), ["pay"]);
    assert!(replica.cli(&["ROLE"]).starts_with("master"));
}

#[tokio::test]
async fn sentinels_that_know_an_earlier_master_are_passed_over() {
    if !redis_server::is_available() {
        return;
    }
    let mut gone = RedisServer::start(&[]);
    let master = RedisServer::start(&[]);
    let replica = RedisServer::start_replica(&master, &[]);
    let sentinels = [&gone, &replica, &master].map(|known| RedisServer::start_sentinel("shop", known));
    gone.kill();
    let urls = sentinels.each_ref().map(RedisServer::url);
    let mut store = StoreProbe::sentinels(&urls.each_ref().map(|url| &**url), "shop", "ns").expect("valid");
    let reply = store.sync(&vote("pay")).await.expect("the last sentinel knows the master");
    assert_eq!(opened(&reply), ["pay"]);
    // Without any good one, the error is that of a master, and not that of a sentinel.
    let unreachable = format!("redis://127.0.0.1:{}", redis_server::free_port());
    let urls = [&*urls[1], &*unreachable];
    let refusal = StoreProbe::sentinels(&urls, "shop", "ns").expect("valid").sync(&heartbeat()).await;
    refused(refusal, StoreErrorKind::ReadOnly, "replica");
}
