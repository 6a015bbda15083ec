//! Commands of operators to all processes.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use breaker_runtime::fleet::{self, Fleet, FleetError, StoreErrorKind};
use breaker_runtime::{Event, Sharing, State};
use breaker_tests::redis_server::{RedisServer, is_available};

use super::fault_proxy::{FaultProxy, Flow};
use super::outages::acts_together_with_traffic;
use super::process::{self, CIRCUIT, NAMESPACE, Process, config, until, until_all_are};
use super::traffic::Traffic;

#[test]
fn every_command_is_followed_by_all_processes_and_says_who_gave_it() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let operator = &processes[0];
    operator.execute(async |operator| operator.force_open(CIRCUIT).await);
    until_all_are(&processes, State::ForcedOpen);
    until(&processes, "all know who", |process| {
        let command = process.shared().and_then(|circuit| circuit.command);
        command.is_some_and(|command| &*command.by == "ada" && &*command.why == "a test" && command.is_open)
    });
    let last = processes[2].breaker.snapshot().last_transition.expect("it has changed");
    assert_eq!(last.initiator.as_deref(), Some("ada (fleet): a test"));
    operator.execute(async |operator| operator.disable(CIRCUIT).await);
    until_all_are(&processes, State::Disabled);
    operator.execute(async |operator| operator.release(CIRCUIT).await);
    until_all_are(&processes, State::Closed);
    until(&processes, "no command is left", |process| process.shared().is_none());
    processes[1].fail();
    processes[2].fail();
    until_all_are(&processes, State::Open);
    operator.execute(async |operator| operator.force_close(CIRCUIT).await);
    until_all_are(&processes, State::Closed);
    acts_together_with_traffic(&processes);
}

#[test]
fn a_command_wins_over_what_the_processes_observe() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let traffic = Traffic::start(&processes);
    for process in &processes {
        process.dependency.breaks();
    }
    until_all_are(&processes, State::Open);
    processes[0].execute(async |operator| operator.disable(CIRCUIT).await);
    until_all_are(&processes, State::Disabled);
    let calls = |process: &Process| process.breaker.snapshot().totals.failures;
    let before: Vec<_> = processes.iter().map(calls).collect();
    until(&processes, "many calls fail", |process| calls(process) > before[0] + before[1] + before[2] + 100);
    until_all_are(&processes, State::Disabled);
    traffic.end();
}

#[test]
fn a_command_that_lasts_ends_by_itself_also_without_redis() {
    if !is_available() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let lasting = Duration::from_millis(500);
    let command = async |operator: breaker_runtime::fleet::FleetOperator<'_>| {
        operator.lasting(lasting).force_open(CIRCUIT).await
    };
    processes[0].execute(command);
    until_all_are(&processes, State::ForcedOpen);
    until_all_are(&processes, State::Closed);
    processes[0].execute(command);
    until_all_are(&processes, State::ForcedOpen);
    server.kill();
    until_all_are(&processes, State::Closed);
}

#[test]
fn an_operator_of_one_process_overrules_the_command_there() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    processes[0].execute(async |operator| operator.force_open(CIRCUIT).await);
    until_all_are(&processes, State::ForcedOpen);
    processes[1].breaker.operator("eve").release();
    processes[0].execute(async |operator| operator.force_open("another circuit").await);
    until(&processes, "all have exchanged", |process| process.status().circuits.len() == 2);
    let states: Vec<_> = processes.iter().map(Process::state).collect();
    assert_eq!(states, [State::ForcedOpen, State::Closed, State::ForcedOpen]);
    processes[2].execute(async |operator| operator.disable(CIRCUIT).await);
    until_all_are(&processes, State::Disabled);
}

#[test]
fn a_command_without_redis_fails_soon_and_is_not_executed_later() {
    if !is_available() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config());
    server.stop();
    let start = Instant::now();
    let failed = processes[0].command(async |operator| operator.force_open(CIRCUIT).await);
    let Err(FleetError::NotExecuted { kind, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(kind, StoreErrorKind::TimedOut);
    until(&processes, "it is away", |process| !process.is_connected());
    let failed = processes[0].command(async |operator| operator.force_open(CIRCUIT).await);
    assert!(matches!(failed, Err(FleetError::NotExecuted { .. })), "{failed:?}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    server.kill();
    server.restart();
    acts_together_with_traffic(&processes);
    for process in &processes {
        assert_eq!(process.breaker.snapshot().changes.to(State::ForcedOpen), 0);
    }
}

#[test]
fn a_command_ends_in_a_process_that_leaves_or_whose_runtime_ends() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let mut processes = process::fleet(&server.url(), 3, &config());
    processes[0].command(async |operator| operator.force_open(CIRCUIT).await).expect("executed");
    until_all_are(&processes, State::ForcedOpen);
    let (sender, changes) = channel();
    let listener = move |event: &Event| {
        if let Event::StateChanged(change) = event {
            // The test may have ended.
            _ = sender.send((change.transition().from, change.transition().to));
        }
    };
    let _subscription = processes[2].registry.listen(listener);
    processes[1].shut_down();
    assert_eq!(processes[1].state(), State::Closed);
    processes[2].end_runtime();
    assert_eq!(processes[2].state(), State::Closed);
    assert_eq!(changes.try_iter().last(), Some((State::ForcedOpen, State::Closed)), "listeners know it");
    assert_eq!(processes[0].state(), State::ForcedOpen);
}

#[test]
fn a_command_ends_in_a_circuit_that_is_no_longer_shared() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config());
    processes[0].command(async |operator| operator.disable(CIRCUIT).await).expect("executed");
    until_all_are(&processes, State::Disabled);
    let set = |sharing| processes[1].breaker.set_config(config().shared(sharing).build().expect("valid"));
    set(Sharing::Local);
    until_all_are(&processes[1..], State::Closed);
    set(Sharing::Quorum);
    until_all_are(&processes, State::Disabled);
}

#[test]
fn the_fleet_does_not_release_a_later_command_of_one_process() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config());
    processes[0].command(async |operator| operator.force_open(CIRCUIT).await).expect("executed");
    until_all_are(&processes, State::ForcedOpen);
    let eve = processes[1].breaker.operator("eve");
    eve.release();
    eve.force_open();
    processes[0].command(async |operator| operator.release(CIRCUIT).await).expect("executed");
    until_all_are(&processes[..1], State::Closed);
    until(&processes, "all know", |process| process.shared().is_none());
    processes[0].command(async |operator| operator.force_open("another circuit").await).expect("executed");
    until(&processes, "all have exchanged", |process| process.status().circuits.len() == 1);
    assert_eq!(processes[1].state(), State::ForcedOpen);
}

/// Returns the cause and the initiator of the last state change.
fn last_change(process: &Process) -> String {
    let last = process.breaker.snapshot().last_transition.expect("it has changed");
    format!("{:?} {}", last.cause, last.initiator.as_deref().unwrap_or("-"))
}

#[test]
fn a_release_without_a_command_changes_nothing() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config().recovery_timeout(Duration::from_secs(60)));
    processes[0].fail();
    until(&processes, "the vote is known", |process| {
        process.shared().is_some_and(|circuit| circuit.votes.len() == 1)
    });
    let record = || server.cli(&["HGET", "cb1:{shop}:c", CIRCUIT]);
    let before = record();
    processes[1].execute(async |operator| operator.release(CIRCUIT).await);
    processes[1].execute(async |operator| operator.force_open("another circuit").await);
    until(&processes, "all have exchanged", |process| process.status().circuits.len() == 2);
    assert_eq!((record(), processes[0].state()), (before, State::Open));
}

#[test]
fn a_command_that_ended_before_a_process_saw_it_does_not_close_what_it_opened() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let open = config().recovery_timeout(Duration::from_secs(60));
    let proxy = FaultProxy::start(server.port());
    let away = Process::start(&proxy.url(), &open);
    let near = Process::start(&server.url(), &open);
    until([&away, &near], "both have joined", |process| process.status().processes == 2);
    away.fail();
    until([&away, &near], "the vote is known", |process| {
        process.shared().is_some_and(|circuit| circuit.votes.len() == 1)
    });
    proxy.both(Flow::Hold);
    near.execute(async |operator| operator.disable(CIRCUIT).await);
    near.execute(async |operator| operator.release(CIRCUIT).await);
    near.execute(async |operator| operator.force_open("another circuit").await);
    until([&away], "it is away", |process| !process.is_connected());
    proxy.both(Flow::Pass);
    until([&away], "it has exchanged", |process| process.status().circuits.len() == 2);
    assert_eq!(away.state(), State::Open);
}

#[test]
fn an_operator_who_closes_the_circuit_begins_no_ramp_and_ends_one() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().shared(Sharing::First).ramp(Duration::from_secs(600));
    let processes = process::fleet(&server.url(), 2, &config);
    let is_ramping = |process: &Process| process.breaker.snapshot().ramp.is_some();
    for operator in &processes {
        processes[1].fail();
        until_all_are(&processes, State::Open);
        for process in &processes {
            process.dependency.works();
        }
        until(&processes, "trial calls have closed it", |process| {
            process.call();
            process.state() == State::Closed
        });
        assert!(processes.iter().all(is_ramping), "trial calls begin a ramp");
        operator.execute(async |operator| operator.force_close(CIRCUIT).await);
        until(&processes, "the ramp has ended", |process| !is_ramping(process));
    }
    processes[0].fail();
    until_all_are(&processes, State::Open);
    processes[0].execute(async |operator| operator.force_close(CIRCUIT).await);
    until_all_are(&processes, State::Closed);
    for process in &processes {
        assert_eq!(last_change(process), "ForcedClosed ada (fleet): a test");
        assert!(!is_ramping(process), "an operator closes it wholly");
    }
}

#[test]
fn a_process_that_joins_is_not_closed_by_an_earlier_command() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().ramp(Duration::from_secs(600));
    let mut processes = process::fleet(&server.url(), 2, &config);
    processes[0].execute(async |operator| operator.force_close(CIRCUIT).await);
    processes[1].shut_down();
    let alone = &processes[1];
    alone.fail();
    alone.dependency.works();
    until([alone], "it has recovered alone", |process| {
        process.call();
        process.state() == State::Closed
    });
    let before = last_change(alone);
    processes[1].connect(Fleet::builder(&server.url(), NAMESPACE)).expect("it has left");
    processes[0].execute(async |operator| operator.force_open("another circuit").await);
    until(&processes, "all have exchanged", |process| process.status().circuits.len() == 1);
    assert!(processes[1].breaker.snapshot().ramp.is_some());
    assert_eq!(last_change(&processes[1]), before);
}

#[test]
fn every_process_shows_who_ended_a_command_and_why() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    let commander = fleet::commander(&processes[1].registry).expect("it belongs to a fleet");
    let bob = commander.operator("bob", "it is over");
    for closes in [false, true] {
        processes[0].execute(async |operator| operator.force_open(CIRCUIT).await);
        until_all_are(&processes, State::ForcedOpen);
        processes[1].execute(async |_| {
            if closes { bob.force_close(CIRCUIT).await } else { bob.release(CIRCUIT).await }
        });
        until_all_are(&processes, State::Closed);
        for process in &processes {
            assert_eq!(last_change(process), "Released bob (fleet): it is over");
        }
    }
    let lasting = Duration::from_millis(500);
    processes[0].execute(async |operator| operator.lasting(lasting).disable(CIRCUIT).await);
    until(&processes, "the command has ended", |process| {
        process.state() == State::Closed && last_change(process) == "Released ada (fleet): a test"
    });
}

#[test]
fn a_command_that_has_ended_by_itself_is_not_listed() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 2, &config());
    let lasting = Duration::from_millis(1500);
    for name in [CIRCUIT, "another circuit"] {
        processes[0].execute(async |operator| operator.lasting(lasting).force_open(name).await);
        until(&processes, "the command is listed", |process| {
            process.status().circuits.iter().any(|circuit| circuit.name == name)
        });
    }
    until(&processes, "no command is listed", |process| process.status().circuits.is_empty());
    until_all_are(&processes, State::Closed);
}
