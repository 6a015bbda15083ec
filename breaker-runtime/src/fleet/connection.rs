//! The connection of a registry's circuits to a fleet: its options, its beginning and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::agent::Agent;
use super::changes::changes;
use super::circuits::Circuits;
use super::coordinator::Coordinator;
use super::error::FleetError;
use super::membership::enlist;
use super::operator::FleetOperator;
use super::order::Order;
use super::protocol::InstanceId;
use super::redis::{RedisStore, StoreAddress};
use super::status::{FleetStatus, StatusCell};
use crate::clock::{Clock, Sleep, Timeout};
use crate::event::Audience;
use crate::registry::Registry;
use crate::sync::Mutex;

/// The longest namespace, in bytes.
const MAX_NAMESPACE_BYTES: usize = 100;

/// Maximum number of commands of operators that wait for the background task.
const MAX_ORDERS: usize = 64;

/// The shortest interval between two exchanges with Redis.
const MIN_TICK: Duration = Duration::from_millis(100);

/// The longest interval. The script forgets a process after 5 s, and two exchanges may fail before.
const MAX_TICK: Duration = Duration::from_millis(1500);

/// The default interval between two exchanges with Redis.
const DEFAULT_TICK: Duration = Duration::from_secs(1);

/// The longest wait for the background task in [`Fleet::shutdown`].
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// The membership of this process in a fleet.
///
/// Dropping it ends the membership in the background, unless a [`FleetCommander`](super::FleetCommander) still
/// exists; [`shutdown`](Self::shutdown) ends it in any case, and waits for that. The circuits then act in this process
/// only.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::fleet::Fleet;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// // Redis is not there, so the circuits act in this process only.
/// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&Registry::new()).connect()?;
/// let status = fleet.status();
/// assert_eq!((&*status.namespace, status.is_connected, status.processes), ("shop", false, 1));
/// fleet.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping the handle ends the membership in the fleet"]
pub struct Fleet {
    orders: mpsc::Sender<Order>,
    status: Arc<StatusCell>,
    task: JoinHandle<()>,
}

/// The options of a connection to a fleet.
///
/// ```no_run
/// use std::time::Duration;
/// use breaker_runtime::fleet::Fleet;
///
/// # async fn run() -> Result<(), breaker_runtime::fleet::FleetError> {
/// let fleet = Fleet::builder("redis://redis.example:6379", "shop")
///     .login(Some("shop"), "password")
///     .instance("web-1")
///     .tick(Duration::from_millis(500))
///     .connect()?;
/// # fleet.shutdown().await;
/// # Ok(())
/// # }
/// ```
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
/// The URL is that of a Redis server (6.2 or newer): `redis://host:6379`, `redis://user:password@host`, `rediss://host`
/// for TLS (feature `redis-tls`), or `unix:/path`. The namespace separates applications; it has 1 to 100 bytes.
///
/// The call returns at once, and starts one task on the current tokio runtime, whose timers and I/O must be enabled.
/// That Redis is not there, or refuses the password, is no error: the circuits act in this process only until it is
/// back, and a warning and a note report both.
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
/// Returns [`FleetError::Address`] if the URL cannot be used, [`FleetError::Namespace`] if the namespace cannot,
/// [`FleetError::NoRuntime`] if this thread has no tokio runtime, and [`FleetError::AlreadyConnected`] if the global
/// registry belongs to a fleet already.
pub fn connect(url: &str, namespace: &str) -> Result<Fleet, FleetError> {
    Fleet::builder(url, namespace).connect()
}

impl Fleet {
    /// Returns the options of a connection to the fleet of this namespace; see [`connect`].
    ///
    /// ```
    /// use breaker_runtime::fleet::{Fleet, FleetError};
    ///
    /// // A URL that cannot be used is an error of `connect`.
    /// let error = Fleet::builder("http://redis.example", "shop").connect().unwrap_err();
    /// assert!(matches!(error, FleetError::Address(_)));
    /// ```
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
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::fleet::Fleet;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&Registry::new()).connect()?;
    /// assert_eq!(fleet.status().to_string(), "fleet shop: 1 process, not connected yet, 0 circuits open");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        self.status.read()
    }

    /// Returns an operator who commands the circuits of all processes. `by` and `why` are shown with every command;
    /// each is cut after 256 bytes.
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
    /// It takes one exchange with Redis after the running one, and at most 2 seconds. On a thread without a tokio
    /// runtime with timers, and in a program that aborts when it panics, only the time limits of these exchanges apply.
    /// The runtime in which the fleet was connected must run meanwhile. If the returned future is dropped, the task
    /// goes on in the background.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::fleet::{self, Fleet};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let registry = Registry::new();
    /// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&registry).connect()?;
    /// assert!(fleet::status(&registry).is_some());
    /// fleet.shutdown().await;
    /// assert!(fleet::status(&registry).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn shutdown(self) {
        let Self { orders, status, task } = self;
        // An error means that the task has ended.
        _ = orders.send(Order::Leave).await;
        let limit = Clock::default().alarm_if_possible(SHUTDOWN_TIME).unwrap_or(Sleep::Never);
        _ = Timeout::new(task, limit).await;
        drop(status);
    }
}

impl FleetBuilder {
    /// Uses the master that these sentinels know under this name, instead of a fixed server. They are asked in this
    /// order, until one of them knows a server that can be reached and is a master. The URLs are those of the sentinels,
    /// with the logins of the sentinels; the connection to the master uses TLS if theirs does.
    ///
    /// The URL that was passed to [`Fleet::builder`] is not used, and may be empty. Call [`login`](Self::login) after
    /// this method if the master requires a password.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), breaker_runtime::fleet::FleetError> {
    /// use breaker_runtime::fleet::Fleet;
    ///
    /// let fleet = Fleet::builder("", "shop")
    ///     .sentinels(["redis://10.0.0.1:26379", "redis://10.0.0.2:26379"], "main")
    ///     .login(Some("shop"), "password")
    ///     .connect()?;
    /// # fleet.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sentinels<'a>(mut self, urls: impl IntoIterator<Item = &'a str>, master: &str) -> Self {
        self.address =
            StoreAddress::sentinels(urls, master).map_err(|error| FleetError::Address(error.to_string()));
        self
    }

    /// Sets the user and the password of the server, instead of those in the URL. With sentinels, they are those of the
    /// master. Default: those in the URL; with sentinels, none.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use breaker_runtime::fleet::Fleet;
    ///
    /// let password = std::env::var("REDIS_PASSWORD")?;
    /// let fleet = Fleet::builder("redis://redis.example:6379", "shop").login(Some("shop"), &password).connect()?;
    /// # fleet.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn login(mut self, user: Option<&str>, password: &str) -> Self {
        self.address = self.address.map(|address| address.with_login(user, password));
        self
    }

    /// Sets the registry whose circuits are shared. Default: [`Registry::global`].
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::fleet::{self, Fleet};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let registry = Registry::new();
    /// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&registry).connect()?;
    /// assert_eq!(&*fleet::status(&registry).unwrap().namespace, "shop");
    /// fleet.shutdown().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Sets the name of this process, which the status of the fleet shows; it is cut after 64 bytes. A random number
    /// makes it unique. Default: the environment variable `HOSTNAME`, and the number of the process.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::fleet::Fleet;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let builder = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&Registry::new());
    /// let fleet = builder.instance("web-1").connect()?;
    /// assert!(fleet.status().instance.starts_with("web-1:"));
    /// fleet.shutdown().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn instance(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// Sets the interval between two exchanges with Redis while nothing happens. Each interval is up to 20 % shorter or
    /// longer at random. With 2,000 processes, the interval is twice as long, with 15,000 and more 15 times.
    ///
    /// A process that Redis has not heard of for 5 seconds does not count as one of the fleet until its next exchange
    /// (in a fleet of more than 1,666 processes, for 3 ms per process and at most 45 seconds).
    ///
    /// Range: 100 ms to 1.5 s. Default: 1 second.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::fleet::{Fleet, FleetError};
    ///
    /// let builder = Fleet::builder("redis://127.0.0.1:6379", "shop");
    /// assert_eq!(builder.tick(Duration::from_secs(5)).connect().unwrap_err(), FleetError::Tick);
    /// ```
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Joins the fleet; see [`connect`](connect()).
    ///
    /// # Errors
    ///
    /// Returns [`FleetError::Address`], [`FleetError::Namespace`] or [`FleetError::Tick`] if an option cannot be used,
    /// [`FleetError::NoRuntime`] if this thread has no tokio runtime, and [`FleetError::AlreadyConnected`] if the
    /// registry belongs to a fleet already.
    ///
    /// ```
    /// use breaker_runtime::fleet::{Fleet, FleetError};
    ///
    /// // This thread has no tokio runtime, which would run the background task.
    /// let builder = Fleet::builder("redis://127.0.0.1:6379", "shop");
    /// assert_eq!(builder.connect().unwrap_err(), FleetError::NoRuntime);
    /// ```
    pub fn connect(self) -> Result<Fleet, FleetError> {
        let Self { address, namespace, registry, label, tick } = self;
        let store_address = address?;
        if namespace.is_empty() || namespace.len() > MAX_NAMESPACE_BYTES {
            return Err(FleetError::Namespace);
        }
        if !(MIN_TICK..=MAX_TICK).contains(&tick) {
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

fn default_label() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let host = if host.is_empty() { "process" } else { &host };
    format!("{host}:{}", std::process::id())
}
