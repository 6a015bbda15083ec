//! Reads the configuration of a registry from files and the environment, and reads changed files again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use tokio::task::spawn_blocking;

use super::document::ConfigFormat;
use super::drills::LoadedDrills;
use super::environment::Environment;
use super::files::{ConfigFile, FileContents, ParsedFiles, read_all};
use super::mistake::ConfigLoadError;
use super::report::{ConfigLoadReport, report_load};
use super::sections::DocumentSections;
use crate::clock::Sleep;
use crate::registry::{ConfigLayer, Registry};

/// Reads the configuration of a registry from files and from the environment.
///
/// A service loads it at its start, and then spawns [`run`](Self::run), which reads files again after they have
/// changed:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use std::time::Duration;
/// use breaker_runtime::Registry;
/// use breaker_runtime::integrations::config::ConfigReader;
///
/// # let directory = std::env::temp_dir().join(format!("breaker-config-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("breakers.toml");
/// # std::fs::write(&path, "")?;
/// let mut reader = ConfigReader::new(&Registry::global()).file(path).environment();
/// for unmatched in reader.load()?.unmatched() {
///     eprintln!("{unmatched}"); // a name that is misspelled, or is registered later
/// }
/// tokio::spawn(reader.run(Duration::from_secs(1)));
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// All files are one [layer](ConfigLayer::File), and the environment is [another one](ConfigLayer::Environment). A
/// configuration applies as a whole or not at all: while anything in it is wrong, the settings do not change.
///
/// A drill of a file starts when a load finds its section for the first time or changed, and ends after its duration or
/// when its section is removed. The environment has no drills, because each start of the process would start them.
///
/// Use one reader for a registry. A second one replaces the settings of the first, and starts all drills of its files.
#[must_use = "a reader does nothing until it loads"]
pub struct ConfigReader {
    registry: Registry,
    files: Arc<Vec<ConfigFile>>,
    environment: Option<Environment>,
    /// The contents that were loaded last, whether they were applied or refused.
    loaded: Option<Vec<FileContents>>,
    /// Other contents that the last poll has found.
    changed: Option<Vec<FileContents>>,
    /// Set while the contents that were loaded last contradict other settings.
    contradiction: Option<Contradiction>,
    drills: LoadedDrills,
    listener: Option<LoadListener>,
}

/// A configuration that was refused because of other settings, and may apply after these have changed.
struct Contradiction {
    error: ConfigLoadError,
    /// The version of all settings of the registry.
    version: u64,
}

type LoadListener = Box<dyn FnMut(&Result<ConfigLoadReport, ConfigLoadError>) + Send>;

/// The shortest time between two polls.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

impl ConfigReader {
    /// Creates a reader that reads nothing yet.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::ConfigReader;
    ///
    /// let report = ConfigReader::new(&Registry::global()).load()?;
    /// assert_eq!(report.changes().count(), 0);
    /// # Ok::<(), breaker_runtime::integrations::config::ConfigLoadError>(())
    /// ```
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            files: Arc::default(),
            environment: None,
            loaded: None,
            changed: None,
            contradiction: None,
            drills: LoadedDrills::default(),
            listener: None,
        }
    }

    /// Adds a regular file or a link to one: JSON if its extension is `json`, otherwise TOML. It need not exist before it
    /// is loaded.
    ///
    /// If several files have a section for the same name, or pattern, and key, each setting of a later file takes
    /// precedence. Of several drills of the same circuits, that of the last file starts.
    ///
    /// ```
    /// # let directory = std::env::temp_dir().join(format!("breaker-file-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let path = directory.join("breakers.toml");
    /// # std::fs::write(&path, "breakers.payment.failure_threshold = 9")?;
    /// use breaker_runtime::integrations::config::ConfigReader;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// ConfigReader::new(&registry).file(path).load()?;
    /// assert_eq!(payment.config().failure_threshold(), Some(9));
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let format = ConfigFormat::of_path(&path);
        self.file_of_format(path, format)
    }

    /// Adds a file of this format, whatever its name.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    ///
    /// let mut reader = ConfigReader::new(&Registry::new()).file_of_format("none.conf", ConfigFormat::Json);
    /// assert!(reader.load().unwrap_err().to_string().starts_with("none.conf: cannot be read: "));
    /// ```
    pub fn file_of_format(mut self, path: impl Into<PathBuf>, format: ConfigFormat) -> Self {
        Arc::make_mut(&mut self.files).push(ConfigFile { path: path.into(), format });
        self
    }

    /// Reads the variables of the environment that begin with `BREAKER__`, as they are now.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::ConfigReader;
    ///
    /// // With BREAKER__PAYMENT__JITTER=0.5 in the environment, "payment" gets this jitter.
    /// ConfigReader::new(&Registry::global()).environment().load()?;
    /// # Ok::<(), breaker_runtime::integrations::config::ConfigLoadError>(())
    /// ```
    pub fn environment(self) -> Self {
        Self { environment: Some(Environment::of_process()), ..self }
    }

    /// Uses these variables as the environment. Those that do not begin with `BREAKER__` are ignored.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::ConfigReader;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let variables = [("BREAKER__PAYMENT__FAILURE_THRESHOLD", "9"), ("HOME", "/root")];
    /// ConfigReader::new(&registry).variables(variables).load()?;
    /// assert_eq!(payment.config().failure_threshold(), Some(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn variables<N: Into<String>, V: Into<String>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { environment: Some(Environment::new(variables)), ..self }
    }

    /// Calls `listener` after each load of [`run`](Self::run). Without a listener, `run` writes a line to stderr for
    /// each section that matches no breaker or does not apply to one, for each drill that could not start, for each
    /// error, and when the configuration is valid again. With [`tracing::listen`](crate::integrations::tracing::listen)
    /// they are events instead.
    ///
    /// A panic in the listener ends `run`.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::ConfigReader;
    ///
    /// let reader = ConfigReader::new(&Registry::global()).file("breakers.toml").on_load(|result| match result {
    ///     Ok(report) => report.changes().for_each(|change| println!("{change}")),
    ///     Err(error) => eprintln!("{error}"),
    /// });
    /// # drop(reader);
    /// ```
    pub fn on_load(
        self,
        listener: impl FnMut(&Result<ConfigLoadReport, ConfigLoadError>) + Send + 'static,
    ) -> Self {
        Self { listener: Some(Box::new(listener)), ..self }
    }

    /// Reads all files and applies them with the environment. This blocks the thread while it reads files, so async
    /// code calls it at the start of the program, or uses [`poll`](Self::poll).
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing if a file cannot be read, for example because it does not exist, if
    /// anything in it is wrong, or if the settings contradict each other in a breaker in which none did before.
    ///
    /// ```
    /// # let directory = std::env::temp_dir().join(format!("breaker-load-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let path = directory.join("breakers.toml");
    /// # std::fs::write(&path, "breakers.payment.failure_threshold = 9")?;
    /// use breaker_runtime::integrations::config::ConfigReader;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let mut reader = ConfigReader::new(&registry).file(&path).environment();
    /// assert_eq!(reader.load()?.changes().count(), 1);
    ///
    /// std::fs::write(&path, "breakers.payment.failure_threshold = 0")?;
    /// assert!(reader.load().is_err());
    /// assert_eq!(payment.config().failure_threshold(), Some(9));
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(&mut self) -> Result<ConfigLoadReport, ConfigLoadError> {
        let contents = read_all(&self.files);
        self.apply(ParsedFiles::parse(contents))
    }

    /// Applies a text that the program has read itself, for example over HTTP, in place of the files of this reader.
    /// `origin` names it in errors and as the source of its settings. A later [`load`](Self::load) replaces it by the
    /// files, and so does [`poll`](Self::poll) if this reader has files.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing in the same cases as [`load`](Self::load).
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let json = br#"{"breakers": {"payment": {"failure_threshold": 9}}}"#;
    /// ConfigReader::new(&registry).load_text("https://config.example", ConfigFormat::Json, json)?;
    /// assert_eq!(payment.config().failure_threshold(), Some(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_text(
        &mut self,
        origin: impl Into<Arc<str>>,
        format: ConfigFormat,
        text: &[u8],
    ) -> Result<ConfigLoadReport, ConfigLoadError> {
        let contents = FileContents::of_text(origin.into(), format, text);
        self.apply(ParsedFiles::parse(vec![contents]))
    }

    /// Reads and parses all files on a thread for blocking work, and applies them if they have changed. Returns `None` if nothing
    /// was applied or refused.
    ///
    /// Contents that differ from those that were loaded last are used when the next poll finds them unchanged. So a
    /// file that a program is writing in place is not used while it grows between two polls. Replace a file by renaming
    /// another one to exclude that a part of it is ever used.
    ///
    /// A file that is missing or wrong changes nothing. It is reported once, until the contents change again. One that
    /// contradicts the settings of other layers, such as those of operators, applies after these have been removed.
    ///
    /// If the future is dropped, nothing has changed, and the next poll reads the files again.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing in the same cases as [`load`](Self::load).
    ///
    /// # Panics
    ///
    /// Panics if it is polled outside of a tokio runtime.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let directory = std::env::temp_dir().join(format!("breaker-poll-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let path = directory.join("breakers.toml");
    /// # std::fs::write(&path, "breakers.payment.failure_threshold = 9")?;
    /// use breaker_runtime::integrations::config::ConfigReader;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let mut reader = ConfigReader::new(&registry).file(&path);
    /// reader.load()?;
    /// assert!(reader.poll().await.is_none()); // nothing has changed
    ///
    /// std::fs::write(&path, "breakers.payment.failure_threshold = 10")?;
    /// assert!(reader.poll().await.is_none()); // the file may still be growing
    /// reader.poll().await.unwrap()?;
    /// assert_eq!(payment.config().failure_threshold(), Some(10));
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn poll(&mut self) -> Option<Result<ConfigLoadReport, ConfigLoadError>> {
        let contents = match &self.loaded {
            // A reader without files keeps a text.
            Some(loaded) if self.files.is_empty() => loaded.clone(),
            Some(_) | None => {
                let files = Arc::clone(&self.files);
                // An error means that the runtime is shutting down.
                spawn_blocking(move || read_all(&files)).await.ok()?
            }
        };
        self.drills.release_ended();
        if self.loaded.as_ref() == Some(&contents) {
            self.changed = None;
            let version = self.registry.config_version();
            self.contradiction.as_ref().filter(|contradiction| contradiction.version != version)?;
            return self.retry(parse(contents).await?);
        }
        if self.loaded.is_some() && self.changed.as_ref() != Some(&contents) {
            self.changed = Some(contents);
            return None;
        }
        Some(self.apply(parse(contents).await?))
    }

    /// Calls [`poll`](Self::poll) each time that `interval` has passed, so a changed file is used after one to two
    /// intervals. It never completes. An interval of less than 1 ms counts as 1 ms; one second suits most services.
    ///
    /// Each result is passed to the listener of [`on_load`](Self::on_load) or, without one, written to stderr if there
    /// is something to report. The future can be dropped at any time.
    ///
    /// # Panics
    ///
    /// Panics if it is polled outside of a tokio runtime with timers.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let directory = std::env::temp_dir().join(format!("breaker-run-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let path = directory.join("breakers.toml");
    /// # std::fs::write(&path, "breakers.payment.failure_threshold = 9")?;
    /// use std::time::Duration;
    /// use breaker_runtime::integrations::config::ConfigReader;
    /// use breaker_runtime::Registry;
    ///
    /// let mut reader = ConfigReader::new(&Registry::global()).file(path);
    /// reader.load()?;
    /// let running = tokio::spawn(reader.run(Duration::from_secs(1)));
    /// // When the service ends, or never:
    /// running.abort();
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn run(mut self, interval: Duration) {
        let interval = interval.max(MIN_INTERVAL);
        loop {
            let before = self.registry.config_status();
            if let Some(result) = self.poll().await {
                match &mut self.listener {
                    Some(listener) => listener(&result),
                    None => report_load(&result, before.as_ref()),
                }
            }
            self.registry.clock().alarm(interval).unwrap_or(Sleep::Never).await;
        }
    }

    /// Applies files with the environment, and records the result.
    fn apply(&mut self, mut files: ParsedFiles) -> Result<ConfigLoadReport, ConfigLoadError> {
        let version = self.registry.config_version();
        self.loaded = Some(mem::take(&mut files.contents));
        self.changed = None;
        let result = self.apply_sections(files);
        self.record(&result, version);
        result
    }

    /// Applies the files again that were loaded last, and contradicted other settings, which have changed. Returns
    /// `None` if they are refused for the same reason.
    fn retry(&mut self, files: ParsedFiles) -> Option<Result<ConfigLoadReport, ConfigLoadError>> {
        let version = self.registry.config_version();
        let result = self.apply_sections(files);
        if let (Some(contradiction), Err(error)) = (&mut self.contradiction, &result)
            && contradiction.error == *error
        {
            contradiction.version = version;
            return None;
        }
        self.record(&result, version);
        Some(result)
    }

    /// Records the result of applying a configuration to settings of this version.
    fn record(&mut self, result: &Result<ConfigLoadReport, ConfigLoadError>, version: u64) {
        self.contradiction = match result {
            Err(error @ ConfigLoadError::Refused(_)) => Some(Contradiction { error: error.clone(), version }),
            Ok(_) | Err(ConfigLoadError::Mistakes(_)) => None,
        };
        let recorded = result.as_ref().map(|_| ()).map_err(|error| Arc::from(error.to_string()));
        self.registry.record_config_load(recorded);
    }

    fn apply_sections(&mut self, files: ParsedFiles) -> Result<ConfigLoadReport, ConfigLoadError> {
        let ParsedFiles { sections: DocumentSections { settings, drills }, mut mistakes, .. } = files;
        let mut layers = BTreeMap::from([(ConfigLayer::File, settings)]);
        if let Some(environment) = &self.environment {
            match environment.sections(&self.registry.known_names()) {
                Ok(sections) => _ = layers.insert(ConfigLayer::Environment, sections),
                Err(found) => mistakes.extend(found),
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigLoadError::Mistakes(mistakes));
        }
        let report = self.registry.apply_layers(layers)?;
        if let Some(environment) = &mut self.environment {
            environment.set_applied();
        }
        let unstarted = self.drills.apply(drills, &self.registry);
        Ok(ConfigLoadReport::new(report, unstarted, &self.registry))
    }
}

/// Parses files on a thread for blocking work. Returns `None` if the runtime is shutting down.
async fn parse(contents: Vec<FileContents>) -> Option<ParsedFiles> {
    spawn_blocking(move || ParsedFiles::parse(contents)).await.ok()
}

impl fmt::Debug for ConfigReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.files.iter().map(|file| &file.path);
        out.debug_list().entries(paths).finish()
    }
}
