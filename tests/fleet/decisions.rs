//! What the processes of a fleet decide together while Redis works.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use breaker_runtime::fleet::Fleet;
use breaker_runtime::{Adopt, Cause, Mode, Outcome, Sharing, State};
use breaker_tests::redis_server::{RedisServer, is_available};

use super::fault_proxy::{FaultProxy, Flow};
use super::process::{self, CIRCUIT, Process, config, until, until_all_are};
use super::traffic::Traffic;

#[test]
fn two_of_three_processes_open_the_circuit_of_all() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(60));
    let processes = process::fleet(&server.url(), 3, &config);
    processes[0].fail();
    until(&processes, "the vote is known", |process| {
        process.shared().is_some_and(|circuit| circuit.votes.len() == 1)
    });
    assert_eq!(processes[1].state(), State::Closed, "one vote is not enough");
    processes[1].fail();
    until_all_are(&processes, State::Open);
    let opened = processes[2].breaker.snapshot().last_transition.expect("it has opened");
    assert_eq!(opened.cause, Cause::FleetOpened);
    assert_eq!(processes[2].breaker.snapshot().totals.failures, 0);
    assert_eq!(processes[0].status().reports.votes, 1);
    until(&processes, "all see who voted", |process| {
        process.shared().is_some_and(|circuit| circuit.is_open && circuit.votes.len() == 2)
    });
}

#[test]
fn one_process_opens_the_circuit_of_all_with_first() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().shared(Sharing::First).recovery_timeout(Duration::from_secs(60));
    let processes = process::fleet(&server.url(), 4, &config);
    processes[3].fail();
    until_all_are(&processes, State::Open);
}

#[test]
fn a_process_that_joins_adopts_the_open_circuit_and_never_resets_it() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(60));
    let mut processes = process::fleet(&server.url(), 2, &config);
    processes.iter().for_each(Process::fail);
    until(&processes, "the circuit is open", Process::sees_open);
    let epoch = server.cli(&["HGET", "cb1:{shop}:c", CIRCUIT]);
    processes.push(Process::start(&server.url(), &config));
    until_all_are(&processes, State::Open);
    until(&processes, "all know three", |process| process.status().processes == 3);
    assert_eq!(server.cli(&["HGET", "cb1:{shop}:c", CIRCUIT]), epoch, "the record is the same");
}

#[test]
fn one_bad_process_of_eight_opens_no_other() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 8, &config());
    processes[0].dependency.breaks();
    let traffic = Traffic::start(&processes);
    // Several rounds of trial calls of its own, all of which fail.
    until(&processes[..1], "it has opened four times", |process| {
        process.breaker.snapshot().changes.to(State::Open) >= 4
    });
    for process in &processes[1..] {
        assert_eq!(process.breaker.snapshot().generation, processes[7].breaker.snapshot().generation);
        assert_eq!(process.state(), State::Closed);
    }
    traffic.end();
}

#[test]
fn a_healthy_process_does_not_follow_unless_it_adopts_always() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(60));
    let mut processes = process::fleet(&server.url(), 4, &config);
    processes.push(Process::start(&server.url(), &config.clone().adopt(Adopt::Always)));
    until(&processes, "all have joined", |process| process.status().processes == 5);
    let traffic = Traffic::start(&processes[2..]);
    until(&processes[2..], "calls succeed", |process| process.breaker.snapshot().totals.successes > 100);
    processes[0].fail();
    processes[1].fail();
    until(&processes, "the circuit of the fleet is open", Process::sees_open);
    until_all_are(&processes[4..], State::Open);
    until(&processes, "the healthy ones dissent", |process| {
        process.shared().is_some_and(|circuit| circuit.dissents.len() == 2)
    });
    for process in &processes[2..4] {
        assert_eq!(process.state(), State::Closed, "its own calls succeed");
        assert_eq!(process.breaker.snapshot().last_transition, None, "it has never opened");
    }
    traffic.end();
}

#[test]
fn processes_for_which_the_dependency_works_close_the_circuit_of_all_once_it_is_due() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(1));
    let processes = process::fleet(&server.url(), 4, &config);
    let traffic = Traffic::start(&processes[2..]);
    until(&processes[2..], "calls succeed", |process| process.breaker.snapshot().totals.successes > 100);
    // These make no calls afterwards, so no one asks for a lease.
    processes[0].fail();
    processes[1].fail();
    until(&processes, "the circuit of the fleet is open", Process::sees_open);
    until(&processes, "it has closed", |process| {
        process.shared().is_none() && process.state() == State::Closed
    });
    traffic.end();
    for process in &processes {
        assert_eq!(process.status().reports.leases_granted, 0);
    }
    for process in &processes[2..] {
        assert_eq!(process.breaker.snapshot().last_transition, None, "it has never opened");
    }
}

#[test]
fn namespaces_do_not_see_each_other() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().recovery_timeout(Duration::from_secs(60));
    let processes = process::fleet(&server.url(), 2, &config);
    let start = |namespace| Process::start_with(Fleet::builder(&server.url(), namespace), CIRCUIT, &config);
    let others = ["shop2", "Shop", "shop}:c", "%73hop"].map(start);
    until(&others, "all have joined", Process::is_connected);
    processes.iter().for_each(Process::fail);
    until(&processes, "the circuit is open", Process::sees_open);
    // Each has exchanged with the server since.
    for process in &others {
        process.execute(async |operator| operator.release("x").await);
        assert_eq!((process.state(), process.status().processes), (State::Closed, 1));
        assert_eq!(process.shared(), None);
    }
}

#[test]
fn a_vote_is_withdrawn_when_the_circuit_of_the_process_has_recovered() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config());
    processes[0].fail();
    until(&processes, "the vote is known", |process| process.shared().is_some());
    processes[0].dependency.works();
    until(&processes[..1], "its own trial call succeeds", |process| {
        process.call();
        process.state() == State::Closed
    });
    until(&processes, "the vote is withdrawn", |process| process.shared().is_none());
    processes[1].fail();
    until(&processes, "the vote is known", |process| process.shared().is_some());
    assert_eq!(processes[2].state(), State::Closed, "two votes that are not there at once");
}

#[test]
fn one_round_of_trial_calls_is_that_of_the_whole_fleet() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().half_open_max_calls(3).success_threshold(3);
    let processes = process::fleet(&server.url(), 4, &config);
    for process in &processes {
        process.dependency.breaks();
    }
    let traffic = Traffic::start(&processes);
    until_all_are(&processes, State::Open);
    for process in &processes {
        process.dependency.works();
    }
    until_all_are(&processes, State::Closed);
    traffic.end();
    let trials: u64 = processes.iter().map(|process| process.dependency.trials()).sum();
    let reports = processes.iter().map(|process| process.status().reports);
    let (granted, failed) = reports
        .fold((0, 0), |(granted, failed), each| (granted + each.leases_granted, failed + each.leases_failed));
    // The last round succeeded with three calls. Rounds before it may have ended by one failure.
    assert_eq!(granted, failed + 1, "each round is that of one process");
    assert_eq!(trials, 3 + failed);
}

#[test]
fn each_failed_round_makes_the_fleet_wait_longer() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let first = Duration::from_millis(500);
    let config = config().recovery_timeout(first).backoff(2.0).max_recovery_timeout(Duration::from_secs(60));
    let processes = process::fleet(&server.url(), 3, &config);
    for process in &processes {
        process.dependency.breaks();
    }
    let traffic = Traffic::start(&processes);
    until(&processes, "three rounds have failed", |process| {
        process.shared().is_some_and(|circuit| {
            // The second round waits for at most 2 seconds.
            assert!(circuit.due_in <= first * 2_u32.pow(circuit.failed_rounds), "{circuit:?}");
            circuit.failed_rounds == 3 && circuit.due_in > Duration::from_secs(2)
        })
    });
    let trials: u64 = processes.iter().map(|process| process.dependency.trials()).sum();
    assert_eq!(trials, 3, "one trial call in each round");
    for process in &processes {
        process.dependency.works();
    }
    until_all_are(&processes, State::Closed);
    traffic.end();
}

#[test]
fn a_lease_whose_holder_dies_goes_to_the_next_process() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().half_open_timeout(Duration::from_secs(2));
    let mut processes = process::fleet(&server.url(), 3, &config);
    processes[0].fail();
    processes[1].fail();
    until_all_are(&processes, State::Open);
    // Only this one has calls to try.
    until(&processes[..1], "it gets the lease", |process| {
        if process.status().reports.leases_granted == 0 {
            process.breaker.try_acquire().err();
        }
        process.status().reports.leases_granted == 1
    });
    until(&processes, "all see the holder", |process| {
        process.shared().is_some_and(|circuit| circuit.lease_holder.is_some())
    });
    let holder = processes[0].status().instance;
    processes[0].die();
    for process in &processes[1..] {
        process.dependency.works();
        assert_eq!(process.shared().expect("open").lease_holder.as_ref(), Some(&holder));
    }
    let traffic = Traffic::start(&processes[1..]);
    until_all_are(&processes[1..], State::Closed);
    traffic.end();
    let trials: u64 = processes[1..].iter().map(|process| process.dependency.trials()).sum();
    assert_eq!(trials, 1);
}

#[test]
fn the_result_of_trial_calls_that_comes_too_late_is_refused() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.port());
    let config = config().half_open_timeout(Duration::from_secs(1));
    let urls = [proxy.url(), server.url(), server.url()];
    let processes = urls.map(|url| Process::start(&url, &config));
    until(&processes, "all have joined", |process| process.status().processes == 3);
    let [sleeper, others @ ..] = &processes;
    processes.iter().for_each(Process::fail);
    until_all_are(&processes, State::Open);
    until([sleeper], "it gets the lease", |process| {
        process.state() == State::HalfOpen || process.breaker.try_acquire().is_ok()
    });
    proxy.both(Flow::Hold);
    sleeper.dependency.works();
    until([sleeper], "its trial call succeeds", |process| {
        process.call();
        process.state() == State::Closed
    });
    // The dependency fails for the others, who get the next leases.
    let traffic = Traffic::start(others);
    until(others, "a round has failed", |process| {
        process.shared().is_some_and(|circuit| circuit.failed_rounds > 0)
    });
    proxy.both(Flow::Pass);
    until([sleeper], "it is connected again", Process::is_connected);
    until(&processes, "all see later rounds", |process| {
        process.shared().is_some_and(|circuit| circuit.is_open && circuit.failed_rounds > 1)
    });
    traffic.end();
    let reports = sleeper.status().reports;
    assert_eq!((reports.leases_granted, reports.leases_passed, reports.leases_expired), (1, 0, 1));
}

#[test]
fn calls_that_take_longer_than_the_lease_close_the_circuit_in_the_next_round() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().half_open_timeout(Duration::from_millis(200));
    let process = Process::start(&server.url(), &config);
    until([&process], "it has joined", Process::is_connected);
    process.fail();
    until_all_are([&process], State::Open);
    let mut rounds = 0;
    while process.state() != State::Closed {
        let permit = OnceCell::new();
        until([&process], "a trial call is admitted", |process| {
            process.breaker.try_acquire_owned().is_ok_and(|admitted| permit.set(admitted).is_ok())
        });
        let start = Instant::now();
        until([&process], "the call has run for a while", |_| start.elapsed() >= Duration::from_millis(250));
        permit.into_inner().expect("it was admitted").settle(Outcome::Success);
        rounds += 1;
        assert!(rounds <= 3, "{:?}", process.status());
    }
    assert!(rounds > 1, "the first call took longer than its lease");
    until([&process], "the fleet has closed it", |process| {
        process.shared().is_none_or(|circuit| !circuit.is_open)
    });
}

#[test]
fn shared_circuits_in_shadow_mode_close_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let processes = process::fleet(&server.url(), 3, &config().mode(Mode::Shadow));
    processes.iter().for_each(Process::fail);
    until_all_are(&processes, State::Open);
    for process in &processes {
        process.dependency.works();
    }
    until(&processes, "all have closed", |process| {
        assert!(process.call(), "shadow mode rejects no call");
        process.state() == State::Closed
    });
}

#[test]
fn a_process_that_leaves_gives_its_lease_back() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().half_open_timeout(Duration::MAX);
    let mut processes = process::fleet(&server.url(), 2, &config);
    processes.iter().for_each(Process::fail);
    until_all_are(&processes, State::Open);
    until(&processes[..1], "it has the lease", |process| {
        if process.state() == State::Open {
            process.call();
        }
        process.state() == State::HalfOpen
    });
    processes[0].shut_down();
    processes[1].dependency.works();
    until(&processes[1..], "the other has closed", |process| {
        process.call();
        process.state() == State::Closed
    });
}

#[test]
fn a_circuit_that_is_called_less_often_than_a_lease_lasts_closes_again() {
    if !is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let config = config().shared(Sharing::First).half_open_timeout(Duration::from_millis(300));
    let processes = process::fleet(&server.url(), 1, &config);
    processes[0].fail();
    until(&processes, "the fleet has opened", Process::sees_open);
    processes[0].dependency.works();
    until(&processes, "it has got a lease", |process| {
        // A permit that is dropped at once is no trial call.
        drop(process.breaker.try_acquire());
        process.status().reports.leases_granted > 0
    });
    until(&processes, "it has got another lease without a call", |process| {
        let reports = process.status().reports;
        reports.leases_expired > 0 && reports.leases_granted > 1
    });
    until(&processes, "it has closed", |process| {
        process.call();
        process.state() == State::Closed
    });
}
