//! The effects of a configuration that was loaded, with the names that it may have misspelled.

use std::fmt;

use super::drills::UnstartedDrill;
use super::mistake::ConfigLoadError;
use super::nearest::nearest;
use crate::config::SettingSource;
use crate::event::SettingsChange;
use crate::printable::Quoted;
use crate::registry::{ConfigReport, ConfigSection, ConfigStatus, Registry, SectionError};
use crate::warning::{note, warn};

/// The effects of a configuration that was loaded.
///
/// ```
/// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let text = b"breakers.payment.jitter = 0.5\nbreakers.paymnet.jitter = 0.5";
/// let report = ConfigReader::new(&registry).load_text("breakers.toml", ConfigFormat::Toml, text)?;
/// assert_eq!(report.changes().count(), 1);
/// let unmatched: Vec<_> = report.unmatched().map(|section| section.to_string()).collect();
/// let expected = r#"breakers.toml:2: no circuit breaker matches "paymnet"; did you mean "payment"?"#;
/// assert_eq!(unmatched, [expected]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfigLoadReport {
    report: ConfigReport,
    unmatched: Vec<UnmatchedSection>,
    unstarted: Vec<UnstartedDrill>,
}

/// A section of a configuration whose name matches no registered breaker and no annotated function, or one with a key
/// whose name matches only breakers without keys. It applies to breakers that are registered later.
///
/// ```
/// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// let text = b"[breakers.payment]\njitter = 0.5\n";
/// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
/// assert_eq!(report.unmatched().next().unwrap().name(), "payment");
///
/// let payment = registry.register("payment", Config::default())?;
/// assert_eq!(payment.config().jitter(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UnmatchedSection {
    section: ConfigSection,
    problem: UnmatchedProblem,
}

/// The reason why a section applies to no breaker.
#[derive(Clone, Debug)]
enum UnmatchedProblem {
    UnknownName {
        nearest: Option<String>,
    },
    /// It is for a key, and the breakers of its name have none.
    WithoutKeys,
}

/// Maximum number of unknown names for which a similar one is searched. Each search reads all names.
const MAX_SEARCHES: usize = 20;

impl ConfigLoadReport {
    pub(super) fn new(report: ConfigReport, unstarted: Vec<UnstartedDrill>, registry: &Registry) -> Self {
        let mut unmatched: Vec<_> = report.unmatched().cloned().collect();
        if unmatched.is_empty() {
            return Self { report, unmatched: Vec::new(), unstarted };
        }
        let known = registry.known_names();
        let names = || known.iter().map(String::as_str);
        let is_known = |section: &ConfigSection| names().any(|name| section.matches(name));
        // Sections of several keys of an unknown breaker have one mistake, its name.
        unmatched.dedup_by(|section, before| {
            section.name() == before.name() && (section.key() == before.key() || !is_known(section))
        });
        let mut searches = MAX_SEARCHES;
        let section = |section: ConfigSection| {
            let problem = if section.key().is_some() && is_known(&section) {
                UnmatchedProblem::WithoutKeys
            } else {
                let is_searched = searches > 0;
                searches = searches.saturating_sub(1);
                let nearest = if is_searched { nearest(section.name(), names()) } else { None };
                UnmatchedProblem::UnknownName { nearest: nearest.map(str::to_owned) }
            };
            UnmatchedSection { section, problem }
        };
        Self { report, unmatched: unmatched.into_iter().map(section).collect(), unstarted }
    }

    /// Returns the changes of effective settings: one for each breaker that has changed, and one for each key whose own
    /// settings have changed otherwise.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let text = b"breakers.payment.failure_threshold = 9";
    /// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// let change = report.changes().next().unwrap();
    /// assert_eq!(change.to_string(), r#"circuit breaker "payment": failure_threshold 5 -> 9 (b.toml:1)"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self) -> impl Iterator<Item = &SettingsChange> {
        self.report.changes()
    }

    /// Returns the sections that match no breaker, and those with a key that match only breakers without keys.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let text = b"[breakers]\npayment.jitter = 0.5\nstock.jitter = 0.5\n";
    /// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// let names: Vec<_> = report.unmatched().map(|section| section.name()).collect();
    /// assert_eq!(names, ["stock"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unmatched(&self) -> impl Iterator<Item = &UnmatchedSection> {
        self.unmatched.iter()
    }

    /// Returns the names of breakers that keep the settings of [`set_config`](crate::CircuitBreaker::set_config), which
    /// take precedence.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// payment.set_config(Config::builder().failure_threshold(50).build()?);
    /// let text = b"breakers.payment.failure_threshold = 9";
    /// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// assert_eq!(report.overridden().collect::<Vec<_>>(), ["payment"]);
    /// assert_eq!(payment.config().failure_threshold(), Some(50));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn overridden(&self) -> impl Iterator<Item = &str> {
        self.report.overridden()
    }

    /// Returns the errors of sections that do not apply to a breaker, because they contradict its settings and it was
    /// registered after them; see [`ConfigReport::contradictions`].
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let mut reader = ConfigReader::new(&registry);
    /// let text = b"[breakers.'*']\nfailure_rate = 0.5\n";
    /// reader.load_text("b.toml", ConfigFormat::Toml, text)?;
    /// registry.register("late", Config::default())?; // without a window
    /// let report = reader.load_text("b.toml", ConfigFormat::Toml, text)?;
    /// let error = report.contradictions().next().unwrap();
    /// assert!(error.to_string().starts_with("b.toml:2: circuit breaker \"late\": failure_rate and slow_call need a"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contradictions(&self) -> impl Iterator<Item = &SectionError> {
        self.report.contradictions()
    }

    /// Returns the drills of new and changed sections that could not start. Without the feature `chaos`, a
    /// configuration with drills is refused, so there are none.
    ///
    /// ```
    /// # #[cfg(feature = "chaos")]
    /// # {
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    ///
    /// let text = b"[drills.payment]\nfail = 0.3\nfor = '1m'\n";
    /// let report = ConfigReader::new(&Registry::new()).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// assert_eq!(report.unstarted_drills().next().unwrap().name(), "payment");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unstarted_drills(&self) -> impl Iterator<Item = &UnstartedDrill> {
        self.unstarted.iter()
    }
}

impl UnmatchedSection {
    /// Returns the name or pattern. That of a variable is in uppercase, as in the name of the variable.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::ConfigReader;
    ///
    /// let variables = [("BREAKER__shop__get__JITTER", "0.5")];
    /// let report = ConfigReader::new(&Registry::new()).variables(variables).load()?;
    /// assert_eq!(report.unmatched().next().unwrap().name(), "SHOP__GET");
    /// # Ok::<(), breaker_runtime::integrations::config::ConfigLoadError>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.section.name()
    }

    /// Returns the key, if the section is for one key only.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let text = b"[breakers.payment.keys.eu]\njitter = 0.5";
    /// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// let section = report.unmatched().next().unwrap();
    /// assert_eq!((section.name(), section.key()), ("payment", Some("eu")));
    /// let expected = r#"b.toml:1: circuit breaker "payment" has no keys, so the settings of "eu" have no effect"#;
    /// assert_eq!(section.to_string(), expected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.section.key()
    }

    /// Returns where the section is.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry, SettingSource};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let text = b"[breakers.paymnet]\njitter = 0.5";
    /// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// let source = SettingSource::File { path: "b.toml".into(), line: 1 };
    /// assert_eq!(*report.unmatched().next().unwrap().source(), source);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn source(&self) -> &SettingSource {
        self.section.source()
    }

    /// Returns the name of the breaker that may be meant. It is searched for the first 20 unknown names of a
    /// configuration.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let text = b"breakers.paymnet.jitter = 0.5";
    /// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
    /// assert_eq!(report.unmatched().next().unwrap().nearest(), Some("payment"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn nearest(&self) -> Option<&str> {
        match &self.problem {
            UnmatchedProblem::UnknownName { nearest } => nearest.as_deref(),
            UnmatchedProblem::WithoutKeys => None,
        }
    }
}

/// Reports what a user should know about a load.
pub(super) fn report_load(result: &Result<ConfigLoadReport, ConfigLoadError>, before: Option<&ConfigStatus>) {
    match result {
        Ok(loaded) => {
            if before.is_some_and(|status| status.last_error.is_some()) {
                note("the configuration is valid again and has been applied");
            }
            loaded.unmatched().for_each(warn);
            loaded.contradictions().for_each(warn);
            loaded.unstarted_drills().for_each(warn);
            for name in loaded.overridden() {
                let name = Quoted(name);
                warn(format_args!(
                    "circuit breaker {name}: settings of set_config take precedence over the configuration"
                ));
            }
        }
        Err(error) => {
            warn(format_args!("the configuration was refused, no setting has changed:\n{error}"));
        }
    }
}

/// Displays where the section is, its name, and the name that may be meant or the key that has no circuit.
impl fmt::Display for UnmatchedSection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, name) = (self.source(), Quoted(self.name()));
        match &self.problem {
            UnmatchedProblem::UnknownName { nearest } => {
                write!(out, "{source}: no circuit breaker matches {name}")?;
                match nearest {
                    Some(nearest) => write!(out, "; did you mean {}?", Quoted(nearest)),
                    None => Ok(()),
                }
            }
            UnmatchedProblem::WithoutKeys => {
                let key = Quoted(self.key().unwrap_or_default());
                write!(
                    out,
                    "{source}: circuit breaker {name} has no keys, so the settings of {key} have no effect"
                )
            }
        }
    }
}
