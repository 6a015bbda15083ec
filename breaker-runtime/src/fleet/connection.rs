//! Connecting the circuits of a registry to a fleet.

use std::sync::{Arc, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::agent::{Agent, Order};
use super::changes::changes;
use super::circuits::Circuits;
use super::coordinator::Coordinator;
use super::error::FleetError;
use super::operator::{FleetCommander, FleetOperator};
use super::protocol::InstanceId;
use super::redis::{RedisStore, StoreAddress};
use super::status::{FleetStatus, StatusCell};
use crate::clock::{Clock, Timeout};
use crate::event::Audience;
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

/// The longest namespace, in bytes.
const MAX_NAMESPACE_BYTES: usize = 100;

/// How many commands of operators may wait for the background task.
const MAX_ORDERS: usize = 64;

/// The default interval between two exchanges with Redis.
const DEFAULT_TICK: Duration = Duration::from_secs(1);

/// The longest interval. A process has 5 seconds to be heard of three times, or twice if an exchange fails.
const MAX_TICK: Duration = Duration::from_millis(1500);

/// The longest wait for the background task in [`Fleet::shutdown`].
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// The fleets of this process, and the registries that they belong to.
static FLEETS: Lazy<Mutex<Vec<KnownFleet>>> = Lazy::new(Mutex::default);

struct KnownFleet {
    registry: usize,
    status: Weak<StatusCell>,
    orders: mpsc::WeakSender<Order>,
}

/// The membership of this process in a fleet.
///
/// Dropping it ends the membership in the background; [`shutdown`](Self::shutdown) waits for that. The circuits then act
/// in this process only.
#[derive(Debug)]
#[must_use = "dropping the handle ends the membership in the fleet"]
pub struct Fleet {
    orders: mpsc::Sender<Order>,
    status: Arc<StatusCell>,
    task: JoinHandle<()>,
}

/// The options of a connection to a fleet.
#[derive(Clone, Debug)]
#[must_use = "call connect() to join the fleet"]
pub struct FleetBuilder {
    address: Result<StoreAddress, FleetError>,
    namespace: String,
    registry: Registry,
    label: String,
    tick: Duration,
}

/// Joins a fleet: the shared circuits of this process and of all processes with the same namespace act as one.
///
/// The URL is that of a Redis server (6.2 or newer): `redis://host:6379`, `redis://user:password@host`,
/// `rediss://host` for TLS (feature `redis-tls`), or `unix:/path`. The namespace separates applications; it has 1 to 100
/// bytes.
///
/// The call returns at once, and starts one task on the current tokio runtime, whose timers and I/O must be enabled.
/// That Redis is not there, or refuses the password, is no error: the circuits act in this process only until it is
/// back, and one line on stderr says so.
///
/// Use [`Fleet::builder`] for other registries and for Sentinel.
///
/// ```no_run
/// # async fn run() -> Result<(), breaker_runtime::fleet::FleetError> {
/// let fleet = breaker_runtime::fleet::connect("redis://127.0.0.1:6379", "shop")?;
/// // The application runs here.
/// fleet.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns an error if the URL or the namespace cannot be used, if this thread has no tokio runtime, or if the process
/// has joined a fleet already.
pub fn connect(url: &str, namespace: &str) -> Result<Fleet, FleetError> {
    Fleet::builder(url, namespace).connect()
}

/// Returns what the process knows about the fleet of a registry; `None` if it belongs to none.
///
/// ```
/// use breaker_runtime::{Registry, fleet};
///
/// assert!(fleet::status(&Registry::new()).is_none());
/// ```
#[must_use]
pub fn status(registry: &Registry) -> Option<FleetStatus> {
    let registry = address(registry);
    let known = lock(&FLEETS);
    let cell = known.iter().find(|fleet| fleet.registry == registry)?.status.upgrade();
    drop(known);
    cell.map(|cell| cell.read())
}

/// Returns a commander of the fleet of a registry; `None` if it belongs to none. It serves code that does not have the
/// [`Fleet`], such as a page for operators.
///
/// ```
/// use breaker_runtime::{Registry, fleet};
///
/// assert!(fleet::commander(&Registry::new()).is_none());
/// ```
#[must_use]
pub fn commander(registry: &Registry) -> Option<FleetCommander> {
    let registry = address(registry);
    let known = lock(&FLEETS);
    let orders = known.iter().find(|fleet| fleet.registry == registry)?.orders.upgrade();
    drop(known);
    orders.map(FleetCommander::new)
}

impl Fleet {
    /// Returns the options of a connection to the fleet of this namespace; see [`connect`].
    pub fn builder(url: &str, namespace: &str) -> FleetBuilder {
        FleetBuilder {
            address: StoreAddress::parse(url).map_err(|error| FleetError::Address(error.to_string())),
            namespace: namespace.to_owned(),
            registry: Registry::global(),
            label: default_label(),
            tick: DEFAULT_TICK,
        }
    }

    /// Returns what this process knows about the fleet.
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        self.status.read()
    }

    /// Returns an operator who commands the circuits of all processes. `by` and `why` are shown with every command.
    ///
    /// ```no_run
    /// # async fn run(fleet: breaker_runtime::fleet::Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
    /// fleet.operator("ada", "the provider asked us to stop").force_open("payment").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn operator(&self, by: impl Into<String>, why: impl Into<String>) -> FleetOperator<'_> {
        FleetOperator::new(&self.orders, by.into(), why.into())
    }

    /// Leaves the fleet. Other processes learn of it at once, and circuits that are open for the fleet recover by
    /// themselves.
    ///
    /// It takes one exchange with Redis, and at most 2 seconds. If the returned future is dropped, the task goes on in
    /// the background.
    pub async fn shutdown(self) {
        let Self { orders, status, task } = self;
        // An error means that the task has ended.
        _ = orders.send(Order::Leave).await;
        if let Some(limit) = Clock::default().alarm(SHUTDOWN_TIME) {
            _ = Timeout::new(task, limit).await;
        }
        drop(status);
    }
}

impl FleetBuilder {
    /// Uses the master that these sentinels know under this name, instead of a fixed server. The URLs are those of the
    /// sentinels.
    pub fn sentinels<'a>(mut self, urls: impl IntoIterator<Item = &'a str>, master: &str) -> Self {
        self.address =
            StoreAddress::sentinels(urls, master).map_err(|error| FleetError::Address(error.to_string()));
        self
    }

    /// Sets the user and the password of the server. A URL may contain them as well.
    pub fn login(mut self, user: Option<&str>, password: &str) -> Self {
        self.address = self.address.map(|address| address.with_login(user, password));
        self
    }

    /// Sets the registry whose circuits are shared. Default: [`Registry::global`].
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Sets the name of this process, which the status of the fleet shows; it is cut after 64 bytes. A random number
    /// makes it unique. Default: the environment variable `HOSTNAME`, and the number of the process.
    pub fn instance(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// Sets the interval between two exchanges with Redis while nothing happens. It grows with the fleet beyond 1,000
    /// processes.
    ///
    /// Range: 100 ms to 1.5 s, because a process that Redis has not heard of for 5 s no longer counts. Default: 1 second.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Joins the fleet; see [`connect`](connect()).
    ///
    /// # Errors
    ///
    /// Returns an error if an option cannot be used, if this thread has no tokio runtime, or if the registry belongs to
    /// a fleet already.
    pub fn connect(self) -> Result<Fleet, FleetError> {
        let Self { address, namespace, registry, label, tick } = self;
        let store_address = address?;
        if namespace.is_empty() || namespace.len() > MAX_NAMESPACE_BYTES {
            return Err(FleetError::Namespace);
        }
        if !(Duration::from_millis(100)..=MAX_TICK).contains(&tick) {
            return Err(FleetError::Tick);
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| FleetError::NoRuntime)?;
        let mut random = fastrand::Rng::new();
        let instance = InstanceId::new(&label, random.u64(..));
        let coordinator = Coordinator::new(instance.clone(), random.u64(..), tick, Duration::ZERO);
        let coordinator = Arc::new(Mutex::new(coordinator));
        let status = Arc::new(StatusCell::new(&namespace, &instance, Arc::clone(&coordinator)));
        let (orders, received) = mpsc::channel(MAX_ORDERS);
        enlist(&registry, &status, &orders)?;
        let store = RedisStore::new(store_address, &namespace);
        let (listener, reader) = changes();
        let subscription = registry.store().hub().listen(Audience::Fleet, listener);
        let circuits = Circuits::new(registry);
        let membership = Membership(Arc::clone(&status));
        let task = runtime.spawn(async move {
            let cell = Arc::clone(&membership.0);
            let agent = Agent::new(coordinator, circuits, store, reader, received, cell, subscription);
            agent.run().await;
            drop(membership);
        });
        Ok(Fleet { orders, status, task })
    }
}

/// Shows in the status that the membership has ended, also if the runtime of the task ends.
struct Membership(Arc<StatusCell>);

impl Drop for Membership {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Remembers that the registry belongs to a fleet.
fn enlist(
    registry: &Registry,
    status: &Arc<StatusCell>,
    orders: &mpsc::Sender<Order>,
) -> Result<(), FleetError> {
    let registry = address(registry);
    let mut known = lock(&FLEETS);
    known.retain(|fleet| fleet.status.strong_count() > 0);
    if known.iter().any(|fleet| fleet.registry == registry) {
        return Err(FleetError::AlreadyConnected);
    }
    known.push(KnownFleet { registry, status: Arc::downgrade(status), orders: orders.downgrade() });
    Ok(())
}

/// Returns a number that differs between registries that exist at the same time.
fn address(registry: &Registry) -> usize {
    std::ptr::from_ref(registry.store()).addr()
}

fn default_label() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let host = if host.is_empty() { "process" } else { &host };
    format!("{host}:{}", std::process::id())
}
