//! Processes of a fleet. Each is a registry with a runtime of its own, so that it can also die.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use breaker_runtime::fleet::{
    Fleet, FleetBuilder, FleetError, FleetOperator, FleetStatus, SharedCircuit, StoreErrorKind,
};
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, Registry, Sharing, State};
use breaker_tests::waiting;
use tokio::runtime::{Builder, Runtime};

/// The namespace of all tests. Each has a server of its own.
pub(crate) const NAMESPACE: &str = "shop";

/// The shared circuit of all processes.
pub(crate) const CIRCUIT: &str = "payment";

/// The interval between two exchanges.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// The settings of the shared circuit: three failures in a row open it for 300 ms.
pub(crate) fn config() -> ConfigBuilder {
    Config::builder()
        .shared(Sharing::Quorum)
        .consecutive_failures(3)
        .recovery_timeout(Duration::from_millis(300))
        .jitter(0.0)
        .half_open_max_calls(1)
        .success_threshold(1)
}

/// A process that shares a circuit.
pub(crate) struct Process {
    pub(crate) registry: Registry,
    pub(crate) breaker: CircuitBreaker,
    pub(crate) dependency: Arc<Dependency>,
    fleet: Option<Fleet>,
    runtime: Option<Runtime>,
}

/// What the circuit protects, as one process sees it. It works at first.
#[derive(Debug, Default)]
pub(crate) struct Dependency {
    is_broken: AtomicBool,
    trials: AtomicU64,
}

impl Dependency {
    pub(crate) fn breaks(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    pub(crate) fn works(&self) {
        self.is_broken.store(false, Ordering::Relaxed);
    }

    /// Returns the number of trial calls so far.
    pub(crate) fn trials(&self) -> u64 {
        self.trials.load(Ordering::Relaxed)
    }

    /// Makes one call through a circuit. Returns `false` if it was rejected.
    pub(crate) fn call(&self, breaker: &CircuitBreaker) -> bool {
        let Ok(permit) = breaker.try_acquire() else { return false };
        self.trials.fetch_add(permit.is_trial().into(), Ordering::Relaxed);
        let is_broken = self.is_broken.load(Ordering::Relaxed);
        permit.settle(if is_broken { Outcome::Failure } else { Outcome::Success });
        true
    }
}

impl Process {
    /// Starts a process that shares the circuit on the server with this URL.
    pub(crate) fn start(url: &str, config: &ConfigBuilder) -> Self {
        Self::start_with(Fleet::builder(url, NAMESPACE), CIRCUIT, config)
    }

    /// Starts a process with a connection and a circuit of its own.
    pub(crate) fn start_with(builder: FleetBuilder, circuit: &str, config: &ConfigBuilder) -> Self {
        let runtime = new_runtime();
        let registry = Registry::new();
        let breaker =
            registry.register(circuit.to_owned(), config.clone().build().expect("valid")).expect("it is new");
        let guard = runtime.enter();
        let fleet = builder.registry(&registry).tick(TICK).connect().expect("connects later");
        drop(guard);
        Self { registry, breaker, dependency: Arc::default(), fleet: Some(fleet), runtime: Some(runtime) }
    }

    pub(crate) fn state(&self) -> State {
        self.breaker.state()
    }

    pub(crate) fn status(&self) -> FleetStatus {
        self.fleet.as_ref().expect("it runs").status()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.status().is_connected
    }

    /// Returns the number of failed exchanges of a kind.
    pub(crate) fn errors(&self, kind: StoreErrorKind) -> u64 {
        self.status().errors.count(kind)
    }

    /// Returns the number of failed exchanges, without those that Redis did not answer in time on a busy machine.
    pub(crate) fn refusals(&self) -> u64 {
        let errors = self.status().errors;
        errors.total() - errors.count(StoreErrorKind::TimedOut)
    }

    /// Returns the circuit of the fleet, as far as the process knows it; `None` if it is simply closed.
    pub(crate) fn shared(&self) -> Option<SharedCircuit> {
        let name = self.breaker.name().to_owned();
        self.status().circuits.into_iter().find(|circuit| circuit.name == name)
    }

    /// Returns `true` if this process knows that the circuit of the fleet is open.
    pub(crate) fn sees_open(&self) -> bool {
        self.shared().is_some_and(|circuit| circuit.is_open)
    }

    /// Makes one call. Returns `false` if it was rejected.
    pub(crate) fn call(&self) -> bool {
        self.dependency.call(&self.breaker)
    }

    /// Makes calls that fail until the circuit of this process is open.
    pub(crate) fn fail(&self) {
        self.dependency.breaks();
        for _ in 0..3 {
            self.call();
        }
        assert_ne!(self.state(), State::Closed, "three failures open the circuit");
    }

    /// Runs a future in this process.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.as_ref().expect("it runs").spawn(future);
    }

    /// Gives a command of an operator to all processes.
    pub(crate) fn command<T>(&self, command: impl AsyncFnOnce(FleetOperator<'_>) -> T) -> T {
        let fleet = self.fleet.as_ref().expect("it runs");
        let runtime = self.runtime.as_ref().expect("it runs");
        runtime.block_on(async { command(fleet.operator("ada", "a test")).await })
    }

    /// Gives a command again until it is executed: on a busy machine, Redis may not answer in time.
    #[expect(clippy::needless_pass_by_value, reason = "callers write a closure")]
    pub(crate) fn execute(&self, command: impl AsyncFn(FleetOperator<'_>) -> Result<(), FleetError>) {
        until([self], "the command is executed", |process| {
            process.command(async |operator| command(operator).await).is_ok()
        });
    }

    /// Leaves the fleet, and waits for that.
    pub(crate) fn shut_down(&mut self) {
        let fleet = self.fleet.take().expect("it runs");
        self.runtime.as_ref().expect("it runs").block_on(fleet.shutdown());
    }

    /// Leaves the fleet on a thread without a runtime, and waits for that.
    pub(crate) fn shut_down_without_runtime(&mut self) {
        let mut shutdown = Box::pin(self.fleet.take().expect("it runs").shutdown());
        let mut context = Context::from_waker(Waker::noop());
        let describe = || self.describe();
        waiting::until("it has left", describe, || shutdown.as_mut().poll(&mut context).is_ready());
    }

    /// Returns the handle. Dropping it leaves the fleet in the background.
    pub(crate) fn take_handle(&mut self) -> Fleet {
        self.fleet.take().expect("it runs")
    }

    /// Joins a fleet again.
    pub(crate) fn connect(&mut self, builder: FleetBuilder) -> Result<(), FleetError> {
        let _guard = self.runtime.as_ref().expect("it runs").enter();
        self.fleet = Some(builder.registry(&self.registry).tick(TICK).connect()?);
        Ok(())
    }

    /// Ends at once, as `kill -9` does: the fleet is not told.
    pub(crate) fn die(&mut self) {
        self.end_runtime();
        self.fleet = None;
    }

    /// Ends the runtime, and with it the background task.
    pub(crate) fn end_runtime(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }

    /// Starts another runtime, after the end of the first one.
    pub(crate) fn start_runtime(&mut self) {
        self.runtime = Some(new_runtime());
    }

    fn describe(&self) -> String {
        let status = self.fleet.as_ref().map(Fleet::status);
        let snapshot = self.breaker.snapshot();
        format!(
            "{:?} for {:?}, generation {}, {:?}\n{status:#?}\n",
            snapshot.state, snapshot.time_in_state, snapshot.generation, snapshot.last_transition
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.die();
    }
}

fn new_runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// Starts processes that share the circuit, and waits until each knows all others.
pub(crate) fn fleet(url: &str, count: u32, config: &ConfigBuilder) -> Vec<Process> {
    let processes: Vec<_> = (0..count).map(|_| Process::start(url, config)).collect();
    until(&processes, "all have joined", |process| process.status().processes == count);
    processes
}

/// Waits until a condition holds for each process at the same time. Returns how long that took.
pub(crate) fn until<'a>(
    processes: impl IntoIterator<Item = &'a Process>,
    what: &str,
    condition: impl Fn(&Process) -> bool,
) -> Duration {
    let processes: Vec<_> = processes.into_iter().collect();
    let describe = || {
        processes.iter().fold(String::new(), |mut text, process| {
            _ = writeln!(text, "{}", process.describe());
            text
        })
    };
    waiting::until(what, describe, || processes.iter().all(|process| condition(process)))
}

/// Waits until the circuits of all processes are in a state. Returns how long that took.
pub(crate) fn until_all_are<'a>(processes: impl IntoIterator<Item = &'a Process>, state: State) -> Duration {
    until(processes, &format!("all circuits are {state:?}"), |process| process.state() == state)
}
