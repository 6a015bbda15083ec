//! Commands of an operator to all processes of a fleet.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::error::FleetError;
use super::order::{CommandError, Order};
use super::protocol::{ForceKind, MAX_COMMAND_TEXT, Report, ReportKind, SharedName};
use crate::printable::start_of;

/// An operator who commands the circuits of all processes, with a reason; see
/// [`Fleet::operator`](super::Fleet::operator).
///
/// A command takes effect in all processes, at once or with their next exchange. It wins over what they observe, and is
/// kept by Redis: processes that join later follow it. An operator of a single process may overrule it there, until the
/// next `force_open` or `disable` of the fleet.
///
/// The circuit need not exist in this process, nor in another one: a command for a name that no process has succeeds,
/// and applies once a process declares a shared circuit of that name.
///
/// Every method returns an error if Redis did not confirm the command in time. The command may then have been executed
/// nevertheless. Dropping the returned future does not withdraw the command.
///
/// ```no_run
/// use std::time::Duration;
/// use breaker_runtime::fleet::Fleet;
///
/// # async fn run(fleet: Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
/// let ada = fleet.operator("ada", "maintenance of the provider");
/// ada.clone().lasting(Duration::from_secs(3600)).force_open("payment").await?;
/// // The provider is back before the hour has passed.
/// ada.release("payment").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "an operator does nothing until a command is given"]
pub struct FleetOperator<'a> {
    orders: &'a mpsc::Sender<Order>,
    by: Arc<str>,
    why: Arc<str>,
    key: Option<String>,
    lasts: Option<Duration>,
}

/// Gives commands to all processes of a fleet without the handle [`Fleet`](super::Fleet); see
/// [`commander`](super::commander).
///
/// While a commander exists, dropping the `Fleet` does not end the membership, but
/// [`Fleet::shutdown`](super::Fleet::shutdown) does.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::fleet::{self, Fleet, FleetError};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let registry = Registry::new();
/// let fleet = Fleet::builder("unix:/no/such/redis.sock", "shop").registry(&registry).connect()?;
/// let commander = fleet::commander(&registry).unwrap();
/// fleet.shutdown().await;
/// let error = commander.operator("ada", "maintenance").force_open("payment").await.unwrap_err();
/// assert_eq!(error, FleetError::Left);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FleetCommander(mpsc::Sender<Order>);

impl FleetCommander {
    pub(super) const fn new(orders: mpsc::Sender<Order>) -> Self {
        Self(orders)
    }

    /// Returns an operator who commands the circuits of all processes; see [`Fleet::operator`](super::Fleet::operator).
    ///
    /// ```no_run
    /// use breaker_runtime::{Registry, fleet};
    ///
    /// # async fn run() -> Result<(), breaker_runtime::fleet::FleetError> {
    /// // The handler of a page for operators, which does not have the `Fleet`.
    /// if let Some(commander) = fleet::commander(&Registry::global()) {
    ///     commander.operator("ada", "the provider asked us to stop").force_open("payment").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn operator(&self, by: impl Into<String>, why: impl Into<String>) -> FleetOperator<'_> {
        FleetOperator::new(&self.0, by.into(), why.into())
    }
}

impl<'a> FleetOperator<'a> {
    pub(super) fn new(orders: &'a mpsc::Sender<Order>, by: String, why: String) -> Self {
        let [by, why] = [by, why].map(|text| Arc::from(start_of(&text, MAX_COMMAND_TEXT)));
        Self { orders, by, why, key: None, lasts: None }
    }

    /// Commands the circuit of this key, instead of that of a breaker without keys.
    ///
    /// ```no_run
    /// # async fn run(fleet: breaker_runtime::fleet::Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
    /// fleet.operator("ada", "the node is being replaced").key("eu-1").force_open("stock").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Ends the command after this time, instead of when it is released. It has no effect on `force_close` and
    /// `release`.
    ///
    /// Range: 1 ms to 34 years; other times are replaced by the nearer end. Default: until it is released.
    ///
    /// ```no_run
    /// # async fn run(fleet: breaker_runtime::fleet::Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
    /// use std::time::Duration;
    ///
    /// let hour = Duration::from_secs(3600);
    /// fleet.operator("ada", "maintenance until noon").lasting(hour).force_open("payment").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self
    }

    /// Opens the circuit of all processes: all calls are rejected until the command ends or is released.
    ///
    /// # Errors
    ///
    /// Returns [`FleetError::NotExecuted`] if Redis did not confirm the command, [`FleetError::Left`] if the process
    /// has left the fleet, and [`FleetError::Name`] if no circuit can have this name or key.
    ///
    /// ```no_run
    /// use breaker_runtime::fleet::{Fleet, FleetError};
    ///
    /// # async fn run(fleet: Fleet) -> Result<(), FleetError> {
    /// match fleet.operator("ada", "the provider asked us to stop").force_open("payment").await {
    ///     Ok(()) => println!("no process calls the provider"),
    ///     Err(FleetError::NotExecuted { text, .. }) => println!("give the command again: {text}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn force_open(&self, name: &str) -> Result<(), FleetError> {
        self.command(name, ForceKind::Open).await
    }

    /// Disables the circuit of all processes: all calls are admitted until the command ends or is released.
    ///
    /// # Errors
    ///
    /// Returns [`FleetError::NotExecuted`] if Redis did not confirm the command, [`FleetError::Left`] if the process
    /// has left the fleet, and [`FleetError::Name`] if no circuit can have this name or key.
    ///
    /// ```no_run
    /// # async fn run(fleet: breaker_runtime::fleet::Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
    /// let ada = fleet.operator("ada", "the provider reports errors for calls that succeed");
    /// ada.disable("payment").await?;
    /// ada.release("payment").await?; // once the provider has corrected that
    /// # Ok(())
    /// # }
    /// ```
    pub async fn disable(&self, name: &str) -> Result<(), FleetError> {
        self.command(name, ForceKind::Disabled).await
    }

    /// Closes the circuit of all processes now, and ends an earlier command to the fleet. Its rules go on to apply.
    /// Every call is admitted: the circuit closes without a [`ramp`](crate::ConfigBuilder::ramp), and one that is
    /// running ends. A process whose own operator has forced its circuit open or disabled it keeps that state.
    ///
    /// # Errors
    ///
    /// Returns [`FleetError::NotExecuted`] if Redis did not confirm the command, [`FleetError::Left`] if the process
    /// has left the fleet, and [`FleetError::Name`] if no circuit can have this name or key.
    ///
    /// ```no_run
    /// # async fn run(fleet: breaker_runtime::fleet::Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
    /// fleet.operator("ada", "the provider is back").force_close("payment").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn force_close(&self, name: &str) -> Result<(), FleetError> {
        self.command(name, ForceKind::Closed).await
    }

    /// Ends an earlier command to the fleet: the circuits follow the fleet again. A command to one process stays.
    /// Without an earlier command to the fleet, nothing changes.
    ///
    /// # Errors
    ///
    /// Returns [`FleetError::NotExecuted`] if Redis did not confirm the command, [`FleetError::Left`] if the process
    /// has left the fleet, and [`FleetError::Name`] if no circuit can have this name or key.
    ///
    /// ```no_run
    /// # async fn run(fleet: breaker_runtime::fleet::Fleet) -> Result<(), breaker_runtime::fleet::FleetError> {
    /// let ada = fleet.operator("ada", "maintenance of the provider");
    /// ada.force_open("payment").await?;
    /// ada.release("payment").await?; // the circuits recover by trial calls
    /// # Ok(())
    /// # }
    /// ```
    pub async fn release(&self, name: &str) -> Result<(), FleetError> {
        self.command(name, ForceKind::Release).await
    }

    async fn command(&self, name: &str, kind: ForceKind) -> Result<(), FleetError> {
        let (by, why) = (Arc::clone(&self.by), Arc::clone(&self.why));
        let kind = ReportKind::Force { kind, lasts: self.lasts, by, why };
        let shared = SharedName::new(name, self.key.as_deref());
        if name.is_empty() || SharedName::read(shared.as_str()).is_none() {
            return Err(FleetError::Name);
        }
        let command = Report { name: shared, epoch: 0, kind };
        let (answer, answered) = oneshot::channel();
        let order = Order::Command { command: Box::new(command), answer };
        self.orders.send(order).await.map_err(|_| FleetError::Left)?;
        let result = answered.await.map_err(|_| FleetError::Left)?;
        result.map_err(|CommandError { kind, text }| FleetError::NotExecuted { kind, text })
    }
}
