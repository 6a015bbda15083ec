//! What happens to the fleet, and what is measured.
#![expect(clippy::disallowed_methods, reason = "a measurement takes time")]

use std::time::{Duration, Instant};

use breaker_runtime::{Outcome, State};
use tokio::time::sleep;

use super::figures::{Figures, Round, Times};
use super::processes::{PATIENCE, Processes, Push, RECOVERY, Size};
use super::redis_server::RedisServer;
use super::server::Load;

/// How long the fleet is left alone while the load of the server is measured.
const STEADY: Duration = Duration::from_secs(10);

/// How often a dependency fails, each time another one.
const OUTAGES: usize = 5;

/// The dependencies of the scenes after those outages.
const TRIED: usize = OUTAGES;
const FAILING_IN_ONE: usize = OUTAGES + 1;

/// The pause between two calls of a process while the fleet tries a dependency.
const PAUSE: Duration = Duration::from_millis(50);

/// More than two exchanges of a process, after which a change would have arrived everywhere.
const SETTLED: Duration = Duration::from_secs(3);

/// Runs all scenes in a fleet of this size.
pub(crate) async fn measure(size: Size) -> Figures {
    // The socket is not a part of what is measured, and cheaper than TCP.
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let processes = Processes::join(&server, "with push", size, Push::On).await;
    sleep(SETTLED).await;
    let load = Load::read(&server);
    sleep(STEADY).await;
    let steady = load.work_since(&server);
    let one_fails = outages(&processes).await;
    let (round, closed) = rounds(&processes).await;
    let others_open = fail_in_one(&processes).await;
    let load = Load::read(&server);
    let (all_fail, failing) = fail_at_once(&processes, size.breakers).await;
    let storm = load.work_since(&server);
    let errors = processes.errors();
    processes.leave().await;
    let processes =
        Processes::join(&server, "without push", Size { breakers: OUTAGES, ..size }, Push::Off).await;
    sleep(SETTLED).await;
    let without_push = outages(&processes).await;
    processes.leave().await;
    Figures {
        size,
        steady,
        one_fails,
        without_push,
        round,
        closed,
        others_open,
        all_fail,
        failing,
        storm,
        errors,
    }
}

/// Lets one dependency after the other fail in half of the processes.
async fn outages(processes: &Processes) -> Times {
    let mut times = Times::default();
    for dependency in 0..OUTAGES {
        let start = Instant::now();
        processes.fail_everywhere(dependency..dependency + 1);
        times.add(processes.views(dependency..dependency + 1, State::Open, start).await);
        sleep(RECOVERY / 5).await;
    }
    times
}

/// Lets a dependency fail, and all processes call it: a round of trial calls fails, and the next one succeeds. Returns
/// what the first round took, and the time from the first to the last circuit that closed.
async fn rounds(processes: &Processes) -> (Round, Times) {
    let start = Instant::now();
    processes.fail_everywhere(TRIED..TRIED + 1);
    processes.views(TRIED..TRIED + 1, State::Open, start).await;
    let before = processes.leases();
    let mut trial_calls = 0;
    // The first round ends with a call that fails, and the second is not due before the same time has passed again.
    let has_ended = |calls| start.elapsed() >= if calls == 0 { PATIENCE } else { RECOVERY + RECOVERY / 2 };
    while !has_ended(trial_calls) {
        trial_calls += processes.call(TRIED, Outcome::Failure);
        sleep(PAUSE).await;
    }
    let [asks, grants] = processes.leases();
    let round = Round { asks: asks - before[0], grants: grants - before[1], trial_calls };
    let start = Instant::now();
    while processes.count(TRIED, State::Closed) == 0 && start.elapsed() < PATIENCE {
        processes.call(TRIED, Outcome::Success);
        sleep(PAUSE / 10).await;
    }
    let mut times = Times::default();
    times.add(processes.views(TRIED..TRIED + 1, State::Closed, Instant::now()).await);
    (round, times)
}

/// Lets the network of one process fail. Returns the number of other processes whose circuit opens.
async fn fail_in_one(processes: &Processes) -> usize {
    processes.fail_in_one(FAILING_IN_ONE);
    sleep(SETTLED).await;
    processes.count(FAILING_IN_ONE, State::Open).saturating_sub(1)
}

/// Lets all other dependencies fail in half of the processes. Returns also the time that the failing calls took.
async fn fail_at_once(processes: &Processes, breakers: usize) -> (Times, Duration) {
    let failing = FAILING_IN_ONE + 1..breakers;
    let start = Instant::now();
    processes.fail_everywhere(failing.clone());
    let called = start.elapsed();
    let mut times = Times::default();
    times.add(processes.views(failing, State::Open, start).await);
    (times, called)
}
