//! Other programs that write to the namespace: damaged data, other settings, other types.

use std::time::Duration;

use breaker_runtime::fleet::StoreErrorKind as Kind;
use breaker_runtime::{Adopt, Sharing, State};
use breaker_tests::redis_server::{RedisServer, is_available};
use breaker_tests::waiting;

use super::outages::{acts_together, survives};
use super::process::{self, CIRCUIT, Process, config, until, until_all_are};
use super::traffic::Traffic;

const RECORDS: &str = "cb1:{shop}:c";
const LOG: &str = "cb1:{shop}:log";
const META: &str = "cb1:{shop}:meta";
const MEMBERS: &str = "cb1:{shop}:m";
const SETTINGS: &str = "cb1:{shop}:cfg";
const CHANNEL: &str = "cb1:{shop}:ch";

/// Writes records of circuits, which all processes read next.
fn forge(server: &RedisServer, records: &[(&str, &str)]) {
    // Later than what the processes have seen: versions are milliseconds of the server's clock.
    let version = server.cli(&["TIME"]).lines().next().map_or_else(String::new, |now| format!("{now}999"));
    for (name, record) in records {
        server.cli(&["HSET", RECORDS, name, record]);
        server.cli(&["ZADD", LOG, &version, name]);
    }
    server.cli(&["HSET", META, "ver", &version]);
}

#[test]
fn records_that_cannot_be_read_are_ignored_and_counted() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let long = "x".repeat(100_000);
    let hostile = [
        ("broken", "1 c"),
        ("a/b/c", "1 c 0 0 0 0 0 - 0 - 0 - - - - -"),
        ("huge", "1 o 18446744073709551615 0 0 0 0 - 0 - 0 - - - - -"),
        ("other", "2 o 1 1 1 1 1 - 0 - 0 - - - - -"),
        ("\u{fffd}\n\u{1b}[31m", "%"),
        ("long", &*long),
        (&*long, "1 c 0 0 0 0 0 - 0 - 0 - - - - -"),
        (CIRCUIT, "1 o x"),
    ];
    forge(&server, &hostile);
    until(&processes, "all have read them", |process| process.status().unreadable_records > 0);
    // The damaged record of the circuit is replaced by the votes.
    let traffic = Traffic::start(&processes);
    acts_together(&processes);
    traffic.end();
    for process in &processes {
        assert_eq!(process.refusals(), 0, "{:?}", process.status());
    }
}

#[test]
fn a_record_with_the_largest_numbers_follows_a_command_and_closes() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config().adopt(Adopt::Always));
    let largest = (1_u64 << 52) - 1;
    let name = "x".repeat(100_000);
    let record = format!("1 o {largest} 9 9 2147483647 {largest} - 0 open 0 {name} - - - -");
    forge(&server, &[(CIRCUIT, &record)]);
    until_all_are(&processes, State::ForcedOpen);
    let initiator = processes[0].breaker.snapshot().last_transition.and_then(|last| last.initiator.clone());
    assert!(initiator.is_some_and(|initiator| initiator.len() < 300), "the name is cut");
    processes[0].execute(async |operator| operator.force_close(CIRCUIT).await);
    until_all_are(&processes, State::Closed);
}

#[test]
fn damaged_administrative_data_is_repaired() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let traffic = Traffic::start(&processes);
    for damage in [
        &["HSET", META, "inc", "x", "ver", "-1", "pub_at", "nan", "pub_ver", "1e99"][..],
        &["HSET", META, "inc", "inf"],
        &["DEL", META],
        &["DEL", LOG],
        &["DEL", MEMBERS],
        &["ZADD", MEMBERS, "inf", "eternal", "-inf", "x", "12", "\n"],
        &["ZADD", LOG, "inf", "x", "-inf", "y"],
        &["HSET", SETTINGS, CIRCUIT, "\n%%"],
    ] {
        server.cli(damage);
        acts_together(&processes);
    }
    traffic.end();
    for process in &processes {
        assert_eq!(process.refusals(), 0, "{:?}", process.status());
    }
}

#[test]
fn a_heartbeat_of_the_far_future_does_not_count_as_a_process() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config());
    // One minute of the server's clock is more than any process may be silent.
    let now: u64 = server.cli(&["TIME"]).lines().next().expect("a time").parse().expect("a number");
    let soon = ((now + 60) * 1000).to_string();
    server.cli(&["ZADD", MEMBERS, "inf", "eternal", &soon, "early", "1e300", "large"]);
    let members = || server.cli(&["ZRANGE", MEMBERS, "0", "-1"]);
    waiting::until("the forged members are removed", members, || members().lines().count() == 2);
    until(&processes, "only the processes count", |process| process.status().processes == 2);
}

#[test]
fn hostile_messages_change_nothing_for_long() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let incarnation = server.cli(&["HGET", META, "inc"]);
    let max = u64::MAX;
    let messages = [
        String::new(),
        "\n\n\n".to_owned(),
        "1 1 1 1 1 1".to_owned(),
        format!("1 {incarnation} {max} {max} {max} {}", u32::MAX),
        format!("1 {incarnation} 0 {max} {max} 0\n{CIRCUIT} 1 o {max} 0 0 0 0 - 0 - 0 - - - - -"),
        format!("1 {incarnation} 0 1 0 1\n\n\u{1f980}\n{}", "x ".repeat(50_000)),
    ];
    let traffic = Traffic::start(&processes);
    for message in messages {
        assert_eq!(server.cli(&["PUBLISH", CHANNEL, &message]), "3");
        acts_together(&processes);
    }
    traffic.end();
}

#[test]
fn keys_of_another_type_make_the_processes_act_alone() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let begin = || {
        server.cli(&["DEL", RECORDS]);
        server.cli(&["SET", META, "x"]);
    };
    survives(&server.url(), Kind::Malformed, begin, || _ = server.cli(&["DEL", META]));
}

#[test]
fn two_applications_with_one_namespace_and_other_settings_are_reported() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let long = config().recovery_timeout(Duration::from_secs(60));
    let processes = [
        Process::start(&server.url(), &long),
        Process::start(&server.url(), &long.clone().half_open_max_calls(7)),
    ];
    until(&processes, "all have joined", |process| process.status().processes == 2);
    processes.iter().for_each(Process::fail);
    until_all_are(&processes, State::Open);
    // Both have voted, and the second vote shows the difference.
    until(&processes[..1], "a conflict is reported", |_| {
        processes.iter().any(|process| process.status().settings_conflicts > 0)
    });
    let conflicts: Vec<_> = processes.iter().map(|process| process.status().settings_conflicts).collect();
    assert!(conflicts.iter().all(|count| *count <= 1), "{conflicts:?}");
}

#[test]
fn a_process_that_gets_other_settings_has_no_conflict_with_itself() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().shared(Sharing::First).recovery_timeout(Duration::from_secs(60));
    let processes = process::fleet(&server.url(), 1, &config);
    processes[0].fail();
    until(&processes, "the first settings are known", Process::sees_open);
    processes[0].execute(async |operator| operator.force_close(CIRCUIT).await);
    until_all_are(&processes, State::Closed);
    let other = config.recovery_timeout(Duration::from_secs(70));
    processes[0].breaker.set_config(other.build().expect("valid"));
    processes[0].fail();
    until(&processes, "the other settings are known", Process::sees_open);
    processes[0].execute(async |operator| operator.force_open("another circuit").await);
    assert_eq!(processes[0].status().settings_conflicts, 0);
}

#[test]
fn settings_of_processes_that_have_left_are_no_conflict() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    for open_time in [300, 400] {
        let config = config().recovery_timeout(Duration::from_millis(open_time));
        let mut processes = process::fleet(&server.url(), 2, &config);
        processes.iter().for_each(Process::fail);
        until_all_are(&processes, State::Open);
        for process in &processes {
            process.dependency.works();
        }
        until(&processes, "all have closed", |process| {
            process.call();
            process.state() == State::Closed
        });
        for process in &mut processes {
            assert_eq!(process.status().settings_conflicts, 0);
            process.shut_down();
        }
    }
}

#[test]
fn a_record_that_is_no_utf_8_is_replaced() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(60));
    let processes = process::fleet(&server.url(), 3, &config);
    server.cli(&["HSET", "cb1:{shop}:c", CIRCUIT, "1 o 5 5 0 0 0 - 0 - 0 - - %FF - -"]);
    processes[..2].iter().for_each(Process::fail);
    until_all_are(&processes, State::Open);
}
