//! The processes of the fleet: registries of one program, each with a connection of its own.
#![expect(clippy::disallowed_methods, reason = "a measurement takes time")]

use std::time::{Duration, Instant};

use breaker_runtime::fleet::{Fleet, FleetReports};
use breaker_runtime::{CircuitBreaker, Config, Outcome, Registry, Sharing, State};

use super::redis_server::RedisServer;

/// How long an open circuit stays open before the fleet tries the dependency.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often the circuits are looked at.
const LOOK: Duration = Duration::from_millis(1);

/// Calls that fail before a circuit opens.
const FAILURES: u32 = 5;

#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) processes: usize,
    /// Number of circuit breakers in each process.
    pub(crate) breakers: usize,
}

/// Whether the server sends changes to the processes, or they learn of them by their next exchange.
#[derive(Clone, Copy)]
pub(crate) enum Push {
    On,
    Off,
}

/// The processes of a fleet. The first half of them calls the dependencies. The circuits of the others change only
/// because of the fleet.
pub(crate) struct Processes(Vec<Process>);

pub(crate) struct Process {
    fleet: Fleet,
    breakers: Vec<CircuitBreaker>,
}

/// When the circuits of a change were seen to have changed.
pub(crate) struct Views {
    /// In order.
    pub(crate) times: Vec<Duration>,
    /// Number of circuits that had not changed when the patience ended.
    pub(crate) missing: usize,
}

impl Size {
    /// Reads a size such as `200x50`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (processes, breakers) = text.split_once('x')?;
        Some(Self { processes: processes.parse().ok()?, breakers: breakers.parse().ok()? })
    }
}

impl Processes {
    /// Starts the processes, and waits until each knows all others.
    pub(crate) async fn join(server: &RedisServer, namespace: &str, size: Size, push: Push) -> Self {
        let url = match push {
            Push::On => server.unix_url(),
            Push::Off => format!("{}?protocol=resp2", server.unix_url()),
        };
        let config = Config::builder()
            .shared(Sharing::Quorum)
            .failure_threshold(FAILURES)
            .recovery_timeout(RECOVERY)
            .half_open_max_calls(1)
            .success_threshold(1)
            .build()
            .expect("the settings are valid");
        let names: Vec<String> = (0..size.breakers).map(|number| format!("dependency {number}")).collect();
        let start = |number: usize| {
            let registry = Registry::new();
            let register = |name: &String| {
                registry.register(name.clone(), config.clone()).expect("the name is not taken")
            };
            let breakers = names.iter().map(register).collect();
            let builder = Fleet::builder(&url, namespace).registry(&registry).instance(&format!("p{number}"));
            Process { fleet: builder.connect().expect("the URL is valid"), breakers }
        };
        let processes = Self((0..size.processes).map(start).collect());
        let begin = Instant::now();
        while processes.0.iter().any(|process| process.fleet.status().processes as usize != size.processes) {
            assert!(begin.elapsed() < PATIENCE, "the processes do not join: {}", processes.statuses());
            tokio::time::sleep(100 * LOOK).await;
        }
        processes
    }

    pub(crate) async fn leave(self) {
        let tasks: Vec<_> =
            self.0.into_iter().map(|process| tokio::spawn(process.fleet.shutdown())).collect();
        for task in tasks {
            task.await.expect("leaving does not panic");
        }
    }

    /// Makes calls of these dependencies fail in one process, until their circuits open.
    pub(crate) fn fail_in_one(&self, dependency: usize) {
        self.calling().first().expect("there are processes").fail(dependency);
    }

    /// Makes calls of these dependencies fail in half of the processes, until their circuits open.
    pub(crate) fn fail_everywhere(&self, dependencies: std::ops::Range<usize>) {
        for dependency in dependencies {
            self.calling().iter().for_each(|process| process.fail(dependency));
        }
    }

    /// Waits until the circuits of these dependencies have this state in the processes that call nothing, but not longer
    /// than anything may take. Returns the time of each of these views since `start`, in order.
    pub(crate) async fn views(
        &self,
        dependencies: std::ops::Range<usize>,
        wanted: State,
        start: Instant,
    ) -> Views {
        let idle = self.0.iter().skip(self.calling().len());
        let mut pending: Vec<&CircuitBreaker> = idle
            .flat_map(|process| process.breakers.iter().skip(dependencies.start).take(dependencies.len()))
            .collect();
        let mut times = Vec::with_capacity(pending.len());
        loop {
            let (before, begin) = (pending.len(), start.elapsed());
            pending.retain(|breaker| breaker.state() != wanted);
            let now = start.elapsed();
            times.extend(std::iter::repeat_n(now, before - pending.len()));
            if pending.is_empty() || now > PATIENCE {
                return Views { times, missing: pending.len() };
            }
            // Looking at many circuits takes time that the processes and the server need.
            tokio::time::sleep(LOOK.max(9 * now.saturating_sub(begin))).await;
        }
    }

    /// Returns the number of processes in which the circuit of a dependency is in this state.
    pub(crate) fn count(&self, dependency: usize, state: State) -> usize {
        self.0.iter().filter(|process| process.breaker(dependency).state() == state).count()
    }

    /// Calls a dependency once in each process. Returns the number of calls that were admitted.
    pub(crate) fn call(&self, dependency: usize, outcome: Outcome) -> u32 {
        let mut admitted = 0;
        for process in &self.0 {
            if let Ok(permit) = process.breaker(dependency).try_acquire() {
                permit.settle(outcome);
                admitted += 1;
            }
        }
        admitted
    }

    /// Returns the requests for leases, and the leases that were granted so far.
    pub(crate) fn leases(&self) -> [u64; 2] {
        let mut sums = [0; 2];
        for process in &self.0 {
            let FleetReports { lease_requests, leases_granted, .. } = process.fleet.status().reports;
            sums = [sums[0] + lease_requests, sums[1] + leases_granted];
        }
        sums
    }

    /// Returns the failed exchanges of all processes so far.
    pub(crate) fn errors(&self) -> u64 {
        self.0.iter().map(|process| process.fleet.status().errors.total()).sum()
    }

    fn calling(&self) -> &[Process] {
        self.0.split_at(self.0.len().div_ceil(2)).0
    }

    fn statuses(&self) -> String {
        let [first, last] = [self.0.first(), self.0.last()]
            .map(|process| process.map(|process| process.fleet.status().to_string()).unwrap_or_default());
        format!("{first}; {last}")
    }
}

impl Process {
    fn breaker(&self, dependency: usize) -> &CircuitBreaker {
        self.breakers.get(dependency).expect("there is a breaker for each dependency")
    }

    fn fail(&self, dependency: usize) {
        let breaker = self.breaker(dependency);
        for _ in 0..FAILURES {
            if let Ok(permit) = breaker.try_acquire() {
                permit.settle(Outcome::Failure);
            }
        }
    }
}
