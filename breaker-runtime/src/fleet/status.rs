//! The status of a fleet as one process knows it, for people and for metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::coordinator::{Coordinator, FleetCounts};
use super::fleet_clock::FleetClock;
use super::protocol::{CommandKind, InstanceId, RecordState, SharedName, SharedRecord};
use super::store::StoreErrorKind;
use crate::printable::Counted;
use crate::sync::{Mutex, lock};

/// The most circuits that a status lists.
const MAX_LISTED: usize = 1000;

/// The status of a fleet as one process knows it at one moment.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::fleet::Fleet;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&Registry::new()).connect()?;
/// let status = fleet.status();
/// assert_eq!((status.is_connected, status.processes, status.last_error.as_deref()), (false, 1, None));
/// assert_eq!((status.settings_conflicts, status.circuits.len()), (0, 0));
/// assert_eq!(status.to_string(), "fleet shop: 1 process, not connected yet, 0 circuits open");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetStatus {
    /// The namespace that the processes share.
    pub namespace: Arc<str>,
    /// The name of this process in the fleet.
    pub instance: Arc<str>,
    /// `true` while Redis is connected. Otherwise, circuits act in this process only.
    pub is_connected: bool,
    /// `true` once the membership has ended, also because its runtime has. The circuits act in this process only.
    pub has_left: bool,
    /// The reason why the last exchange with Redis failed; `None` if it succeeded.
    pub last_error: Option<Arc<str>>,
    /// Number of processes that Redis has heard of in the last 5 seconds, this one included; 1 before the first
    /// connection. In a fleet of more than 1,666 processes, it is the last 3 ms per process, and at most 45 seconds.
    pub processes: u32,
    /// Failed exchanges with Redis by kind.
    pub errors: StoreErrors,
    /// The counts of the reports of this process.
    pub reports: FleetReports,
    /// Number of records that could not be read.
    pub unreadable_records: u64,
    /// Number of circuits that other processes share with other settings.
    pub settings_conflicts: u64,
    /// The circuits that are open, or have a vote or a command, in the order of their names; at most 1,000.
    pub circuits: Vec<SharedCircuit>,
}

/// Failed exchanges with Redis by kind, since the process joined the fleet.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::fleet::{Fleet, StoreErrorKind};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&Registry::new()).connect()?;
/// let errors = fleet.status().errors;
/// assert_eq!(errors.count(StoreErrorKind::Unreachable), 0); // the task has not tried to connect yet
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreErrors([u64; StoreErrorKind::ALL.len()]);

/// The counts of the reports of a process to its fleet, since it joined.
///
/// ```
/// use breaker_runtime::fleet::FleetReports;
///
/// /// Returns how many of the leases that have ended were successful.
/// fn passed_share(reports: &FleetReports) -> Option<f64> {
///     let ended = reports.leases_passed + reports.leases_failed + reports.leases_expired;
///     (ended > 0).then(|| reports.leases_passed as f64 / ended as f64)
/// }
///
/// assert_eq!(passed_share(&FleetReports::default()), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetReports {
    /// Votes to open a circuit.
    pub votes: u64,
    /// Reports that a dependency works although the circuit of the fleet is open.
    pub dissents: u64,
    /// Requests for a lease for trial calls. Only one of them is granted at a time.
    pub lease_requests: u64,
    /// Leases for trial calls that this process got.
    pub leases_granted: u64,
    /// Leases whose trial calls succeeded.
    pub leases_passed: u64,
    /// Leases with a failed trial call.
    pub leases_failed: u64,
    /// Leases that ended without a result.
    pub leases_expired: u64,
}

/// The state of a circuit in the fleet.
///
/// ```no_run
/// use breaker_runtime::fleet::{FleetStatus, SharedCircuit};
///
/// # fn print(status: &FleetStatus) {
/// let open = status.circuits.iter().filter(|circuit| circuit.is_open);
/// for SharedCircuit { name, open_in, reason, due_in, .. } in open {
///     println!("{name} is open in {open_in} processes: {reason}; trial calls in {due_in:?}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedCircuit {
    /// The name of the circuit breaker.
    pub name: String,
    /// The key of the circuit; `None` for a circuit without a key.
    pub key: Option<String>,
    /// `true` if the circuit of the fleet is open.
    pub is_open: bool,
    /// The reason why it opened; empty if it is closed.
    pub reason: Arc<str>,
    /// Time until the fleet makes trial calls; zero if they are due, or if the circuit is closed.
    pub due_in: Duration,
    /// Number of rounds of trial calls that have failed since the circuit opened.
    pub failed_rounds: u32,
    /// The processes that have reported that the dependency fails. The list ends at the number that opens the circuit.
    pub votes: Vec<Arc<str>>,
    /// The processes that have reported that the dependency works for them; at most 10.
    pub dissents: Vec<Arc<str>>,
    /// Number of processes in which the circuit is open, as far as Redis knows: those that have voted, and once the
    /// circuit of the fleet is open, all that do not dissent.
    pub open_in: u32,
    /// The process that makes trial calls now.
    pub lease_holder: Option<Arc<str>>,
    /// The command of an operator to all processes.
    pub command: Option<FleetCommand>,
}

/// A command of an operator to all processes.
///
/// ```no_run
/// use breaker_runtime::fleet::{FleetStatus, SharedCircuit};
///
/// # fn print(status: &FleetStatus) {
/// for SharedCircuit { name, command, .. } in &status.circuits {
///     if let Some(command) = command {
///         let state = if command.is_open { "forced open" } else { "disabled" };
///         println!("{name} is {state} by {}: {}", command.by, command.why);
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetCommand {
    /// `true` if the circuit is forced open, `false` if it is disabled.
    pub is_open: bool,
    /// The operator.
    pub by: Arc<str>,
    /// The reason that the operator gave.
    pub why: Arc<str>,
    /// Time until the command ends; `None` if it applies until it is released.
    pub ends_in: Option<Duration>,
}

impl StoreErrors {
    /// Returns the number of errors of one kind.
    ///
    /// ```
    /// use breaker_runtime::fleet::{StoreErrorKind, StoreErrors};
    ///
    /// assert_eq!(StoreErrors::default().count(StoreErrorKind::TimedOut), 0);
    /// ```
    #[must_use]
    pub fn count(&self, kind: StoreErrorKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// Returns the number of errors of all kinds.
    ///
    /// ```
    /// use breaker_runtime::fleet::{StoreErrorKind, StoreErrors};
    ///
    /// let errors = StoreErrors::default();
    /// let counts = StoreErrorKind::ALL.map(|kind| errors.count(kind));
    /// assert_eq!(errors.total(), counts.into_iter().sum::<u64>());
    /// ```
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn add(&mut self, kind: StoreErrorKind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }
}

impl fmt::Display for FleetStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { processes, is_connected, .. } = self;
        write!(out, "fleet {}: {}, ", self.namespace, Counted(processes.into(), "process"))?;
        match (&self.last_error, is_connected) {
            _ if self.has_left => write!(out, "membership has ended")?,
            (None, true) => write!(out, "connected")?,
            (Some(error), true) => write!(out, "connected ({error})")?,
            (Some(error), false) => write!(out, "Redis is away ({error})")?,
            (None, false) => write!(out, "not connected yet")?,
        }
        let open = self.circuits.iter().filter(|circuit| circuit.is_open).count();
        write!(out, ", {} open", Counted(open as u64, "circuit"))
    }
}

/// The status data of the background task, for others to read. The status is made when it is read, because the task has
/// much more to do while many circuits change.
pub(super) struct StatusCell {
    namespace: Arc<str>,
    instance: Arc<str>,
    coordinator: Arc<Mutex<Coordinator>>,
    clock: FleetClock,
    record: Mutex<TaskRecord>,
}

/// The data that the coordinator does not have.
#[derive(Default)]
struct TaskRecord {
    last_error: Option<Arc<str>>,
    errors: StoreErrors,
    unreadable_records: u64,
    settings_conflicts: u64,
    has_ended: bool,
}

impl StatusCell {
    /// Creates the status of a process whose coordinator begins now.
    pub(super) fn new(namespace: &str, instance: &InstanceId, coordinator: Arc<Mutex<Coordinator>>) -> Self {
        Self {
            namespace: Arc::from(namespace),
            instance: Arc::from(instance.as_str()),
            coordinator,
            clock: FleetClock::starting_now(),
            record: Mutex::default(),
        }
    }

    /// Returns the clock of the coordinator.
    pub(super) const fn clock(&self) -> &FleetClock {
        &self.clock
    }

    pub(super) fn read(&self) -> FleetStatus {
        let known = lock(&self.coordinator);
        let (alive, now) = (known.alive(), known.store_time(self.clock.now()));
        let mut listed: Vec<_> = known.records().filter(|(_, record)| is_listed(record, now)).collect();
        listed.sort_unstable_by_key(|(name, _)| name.as_str());
        listed.truncate(MAX_LISTED);
        let listed = listed.into_iter();
        let circuits = listed.map(|(name, record)| SharedCircuit::new(name, record, now, alive)).collect();
        let (is_connected, reports) = (known.is_connected(), FleetReports::from(known.counts()));
        drop(known);
        let record = lock(&self.record);
        FleetStatus {
            namespace: Arc::clone(&self.namespace),
            instance: Arc::clone(&self.instance),
            is_connected: is_connected && !record.has_ended,
            has_left: record.has_ended,
            last_error: record.last_error.clone(),
            processes: alive,
            errors: record.errors,
            reports,
            unreadable_records: record.unreadable_records,
            settings_conflicts: record.settings_conflicts,
            circuits: if record.has_ended { Vec::new() } else { circuits },
        }
    }

    pub(super) fn namespace(&self) -> Arc<str> {
        Arc::clone(&self.namespace)
    }

    /// Returns why the last exchange failed.
    pub(super) fn last_error(&self) -> Option<Arc<str>> {
        lock(&self.record).last_error.clone()
    }

    pub(super) fn set_error(&self, text: Option<Arc<str>>) {
        lock(&self.record).last_error = text;
    }

    pub(super) fn count_error(&self, kind: StoreErrorKind) {
        lock(&self.record).errors.add(kind);
    }

    /// Counts a record that cannot be read. Returns `true` if it is the first.
    pub(super) fn count_unreadable(&self) -> bool {
        let mut record = lock(&self.record);
        record.unreadable_records += 1;
        record.unreadable_records == 1
    }

    pub(super) fn count_conflict(&self) {
        lock(&self.record).settings_conflicts += 1;
    }

    /// Takes note that the process has left the fleet.
    pub(super) fn end(&self) {
        lock(&self.record).has_ended = true;
    }

    /// Returns `true` if the process has left the fleet.
    pub(super) fn has_ended(&self) -> bool {
        lock(&self.record).has_ended
    }
}

impl fmt::Debug for StatusCell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.read(), out)
    }
}

impl From<FleetCounts> for FleetReports {
    fn from(counts: FleetCounts) -> Self {
        Self {
            votes: counts.votes,
            dissents: counts.dissents,
            lease_requests: counts.lease_requests,
            leases_granted: counts.granted,
            leases_passed: counts.passed,
            leases_failed: counts.failed,
            leases_expired: counts.expired,
        }
    }
}

impl SharedCircuit {
    fn new(name: &SharedName, record: &SharedRecord, now: u64, alive: u32) -> Self {
        let is_open = record.state == RecordState::Open;
        let texts = |list: &[InstanceId]| list.iter().map(|instance| Arc::from(instance.as_str())).collect();
        let count = |list: &[InstanceId]| u32::try_from(list.len()).unwrap_or(u32::MAX);
        Self {
            name: name.breaker(),
            key: name.key(),
            is_open,
            reason: Arc::clone(&record.reason),
            due_in: Duration::from_millis(record.due.saturating_sub(now)),
            failed_rounds: record.rounds,
            votes: texts(&record.votes),
            dissents: texts(&record.dissents),
            open_in: if is_open {
                alive.saturating_sub(count(&record.dissents))
            } else {
                count(&record.votes)
            },
            lease_holder: record.lease_at(now).map(|lease| Arc::from(lease.owner.as_str())),
            command: record.command_at(now).map(|command| FleetCommand {
                is_open: command.kind == CommandKind::Open,
                by: Arc::clone(&record.by),
                why: Arc::clone(&record.why),
                ends_in: (command.until != 0)
                    .then(|| Duration::from_millis(command.until.saturating_sub(now))),
            }),
        }
    }
}

/// Returns `true` if the circuit is open, or has a vote or a command.
fn is_listed(record: &SharedRecord, now: u64) -> bool {
    record.is_in_force(now) || !record.votes.is_empty()
}
