//! Processes of one fleet, each of them a registry of this process, on a Redis server of their own.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test fails here if its set-up does")]

use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::fleet::{Fleet, FleetStatus};
use breaker_runtime::{CircuitBreaker, ConfigBuilder, Outcome, Registry, State};
use tokio::runtime::{Builder, Runtime};

use crate::redis_server::{RedisServer, is_available};
use crate::waiting::until;

/// The processes. All of them end when this value is dropped.
pub struct FleetProcesses {
    /// The server.
    pub server: RedisServer,
    /// The registry of each process.
    pub registries: Vec<Registry>,
    fleets: Vec<Fleet>,
    runtime: Option<Runtime>,
}

impl FleetProcesses {
    /// Starts processes, and waits until they know each other. Returns `None` if Redis is not installed.
    ///
    /// # Panics
    ///
    /// Panics if the processes do not find each other, as all functions here do if something fails.
    #[must_use]
    pub fn start(count: u32) -> Option<Self> {
        is_available().then(|| {
            let server = RedisServer::start(&[]);
            let runtime =
                Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
            let entered = runtime.enter();
            let registries: Vec<_> = (0..count).map(|_| Registry::new()).collect();
            let join = |(index, registry): (usize, &Registry)| {
                let builder = Fleet::builder(&server.url(), "shop").tick(Duration::from_millis(100));
                builder
                    .instance(&format!("node-{index}"))
                    .registry(registry)
                    .connect()
                    .expect("connects later")
            };
            let fleets: Vec<_> = registries.iter().enumerate().map(join).collect();
            drop(entered);
            let processes = Self { server, registries, fleets, runtime: Some(runtime) };
            processes
                .until("all processes are known", |status| status.is_connected && status.processes == count);
            processes
        })
    }

    /// Registers a circuit in every process.
    pub fn register(&self, name: &str, settings: &ConfigBuilder) -> Vec<CircuitBreaker> {
        let name: Arc<str> = Arc::from(name);
        let register = |registry: &Registry| {
            let config = settings.clone().build().expect("valid settings");
            registry.register(name.to_string(), config).expect("a new name")
        };
        self.registries.iter().map(register).collect()
    }

    /// Returns what a process knows about the fleet.
    #[must_use]
    pub fn status(&self, index: usize) -> FleetStatus {
        self.fleets.get(index).expect("a process").status()
    }

    /// Waits until all processes know something.
    pub fn until(&self, what: &str, condition: impl Fn(&FleetStatus) -> bool) {
        let describe = || format!("{:?}", self.status(0));
        until(what, describe, || self.fleets.iter().all(|fleet| condition(&fleet.status())));
    }

    /// Makes circuits fail until they open, and waits until all processes have opened theirs.
    pub fn open(&self, failing: &[CircuitBreaker], all: &[CircuitBreaker]) {
        for breaker in failing {
            while let Ok(permit) = breaker.try_acquire() {
                permit.settle(Outcome::Failure);
            }
        }
        self.until_state(all, State::Open);
    }

    /// Waits until all circuits have a state.
    pub fn until_state(&self, circuits: &[CircuitBreaker], state: State) {
        let describe = || format!("{:?}", self.status(0));
        until(&format!("all are {state}"), describe, || {
            circuits.iter().all(|circuit| circuit.state() == state)
        });
    }
}

impl Drop for FleetProcesses {
    fn drop(&mut self) {
        self.fleets.clear();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
