//! The handle of a candidate, and the methods of a registry that start and list candidates.

use std::fmt;
use std::sync::Arc;

use super::error::ShadowError;
use super::report::CandidateReport;
use super::running::{Running, reports, start};
use crate::config::{Config, ConfigBuilder};
use crate::registry::{ConfigReport, ConfigureError, Registry, UnannouncedReport};

/// Other settings that run beside those of a breaker. Dropping it ends the candidate; [`detach`](Self::detach) lets it
/// run on. See the [module](super).
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let candidate = registry.shadow("search", "patient", Config::builder().failure_threshold(50))?;
/// println!("{}", candidate.report());
/// assert_eq!(candidate.config().failure_threshold(), Some(50));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a candidate ends it; call detach() to let it run on"]
pub struct Candidate {
    registry: Registry,
    running: Arc<Running>,
    on_drop: OnDrop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    End,
    RunOn,
}

impl Registry {
    /// Starts a candidate beside the breaker of this name: the settings that `settings` sets, and for all others those
    /// that the breaker has now. Later changes of the live settings do not apply to the candidate, also not for a key
    /// that is used for the first time after the change. The candidate sees the calls that begin from now on.
    ///
    /// Like [`get`](Self::get), it registers the breaker of an annotated function that has not been called yet. At most
    /// 8 candidates run beside one breaker.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no breaker of this name, if the name of the candidate is empty, longer than 255
    /// bytes or in use, if 8 candidates run already, or if the settings contradict each other or those of the breaker.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Config, Registry, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "parcel size", failure_threshold = 5)]
    /// fn parcel_size(number: u32) -> Result<u32, BreakerError> {
    ///     Ok(number) // the real call
    /// }
    ///
    /// let settings = Config::builder().failure_threshold(3);
    /// let candidate = Registry::global().shadow("parcel size", "strict", settings)?;
    /// parcel_size(1)?;
    /// assert_eq!(candidate.report().successes, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shadow(
        &self,
        circuit: &str,
        candidate: impl Into<Arc<str>>,
        settings: ConfigBuilder,
    ) -> Result<Candidate, ShadowError> {
        let running = start(self, circuit, candidate.into(), settings)?;
        Ok(Candidate { registry: self.clone(), running, on_drop: OnDrop::End })
    }

    /// Returns the reports of the candidates that run beside the breaker of this name, in the order in which they
    /// started. It is empty if there is no such breaker.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// registry.shadow("search", "patient", Config::builder().failure_threshold(50))?.detach();
    /// assert_eq!(&*registry.candidates("search")[0].candidate, "patient");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn candidates(&self, circuit: &str) -> Vec<CandidateReport> {
        reports(self, circuit)
    }
}

impl Candidate {
    /// Returns the name of the candidate.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// assert_eq!(candidate.name(), "strict");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.running.name()
    }

    /// Returns the name of the breaker.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// assert_eq!(candidate.circuit(), "search");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn circuit(&self) -> &str {
        self.running.circuit()
    }

    /// Returns the settings of the candidate. Those of single keys may differ.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// assert_eq!(candidate.config().failure_threshold(), Some(2));
    /// // All other settings are those of the breaker.
    /// assert_eq!(candidate.config().recovery_timeout(), Config::default().recovery_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn config(&self) -> Config {
        self.running.taps().config().clone()
    }

    /// Returns the comparison with the live circuit. The time is proportional to the number of circuits. Once the
    /// candidate has ended, its last report is returned, with the settings that differed before its promotion.
    ///
    /// ```
    /// use breaker_runtime::{Config, Outcome, Registry};
    ///
    /// let registry = Registry::new();
    /// let search = registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// for _ in 0..3 {
    ///     search.try_acquire()?.settle(Outcome::Failure);
    /// }
    /// let report = candidate.report();
    /// assert_eq!((report.failures, report.spared_failures), (3, 1)); // it opened after the second one
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn report(&self) -> CandidateReport {
        self.running.report(&self.registry)
    }

    /// Makes the settings of the candidate those of the live breaker, as the command of an operator, and ends the
    /// candidate. [`Event::SettingsChanged`](crate::Event) reports it, with `operator` as the source.
    ///
    /// Only the settings that [`Registry::shadow`] received change. They are added to the section of the breaker in the
    /// layer of operators, in which all other settings remain. The state, the totals and the window of the live circuit
    /// are kept.
    ///
    /// A candidate that has ended, because it was promoted by this handle or on the dashboard, is not promoted again:
    /// nothing changes, and the report is empty.
    ///
    /// With keys, the settings apply to all keys. As after every command of an operator for all keys, settings that an
    /// operator has given to one key take precedence for that key, as do settings that its circuit has from
    /// [`set_config`](crate::CircuitBreaker::set_config).
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing, and the candidate runs on, if the settings contradict those that the
    /// breaker has now, or if the program has replaced those by [`set_config`](crate::CircuitBreaker::set_config).
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, Setting};
    ///
    /// let registry = Registry::new();
    /// let search = registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// let report = candidate.promote("alice")?;
    /// assert_eq!(report.changes().count(), 1);
    /// assert_eq!(search.snapshot().settings.source(Setting::FailureThreshold).to_string(), "operator alice");
    /// assert!(registry.candidates("search").is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn promote(&self, operator: &str) -> Result<ConfigReport, ConfigureError> {
        let promoted = self.running.promote(&self.registry, operator)?;
        Ok(promoted.map(UnannouncedReport::announce).unwrap_or_default())
    }

    /// Ends the candidate, and returns its last report.
    ///
    /// ```
    /// use breaker_runtime::{Config, Outcome, Registry};
    ///
    /// let registry = Registry::new();
    /// let search = registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// search.try_acquire()?.settle(Outcome::Failure);
    /// let report = candidate.stop();
    /// assert_eq!((report.failures, report.shadow.opened), (1, 0));
    /// assert!(registry.candidates("search").is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(clippy::must_use_candidate, reason = "most callers have read the report before")]
    pub fn stop(self) -> CandidateReport {
        self.running.stop(&self.registry);
        self.report()
    }

    /// Lets the candidate run until it is promoted, for as long as its registry exists. [`Registry::candidates`] and
    /// the dashboard show it.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(2))?;
    /// candidate.detach();
    /// assert_eq!(registry.candidates("search").len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detach(mut self) {
        self.on_drop = OnDrop::RunOn;
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        match self.on_drop {
            OnDrop::End => self.running.stop(&self.registry),
            OnDrop::RunOn => {}
        }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Candidate")
            .field("circuit", &self.circuit())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
