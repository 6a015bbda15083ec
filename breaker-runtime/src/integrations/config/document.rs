//! A document with settings: its formats, its checks, and the sections that it consists of.

use std::path::Path;
use std::sync::Arc;

use super::drills::{UnstartedDrill, start_all};
use super::mistake::{ConfigLoadError, ConfigMistake, Position};
use super::sections::{DocumentSections, SectionReader};
use super::{json_tree, toml_tree};
use crate::registry::{ConfigSection, Registry};

/// Maximum length of a document, in bytes: 1 MiB.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The format of a document.
///
/// ```
/// use std::path::Path;
/// use breaker_runtime::integrations::config::ConfigFormat;
///
/// assert_eq!(ConfigFormat::of_path(Path::new("breakers.json")), ConfigFormat::Json);
/// assert_eq!(ConfigFormat::of_path(Path::new("breakers.conf")), ConfigFormat::Toml);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigFormat {
    /// TOML 1.0.
    Toml,
    /// JSON.
    Json,
}

/// The settings of a document that has been checked, except whether they fit the breakers.
///
/// A program that gets its configuration neither from a file nor from the environment can apply it like this, or with
/// [`ConfigReader::load_text`](super::ConfigReader::load_text):
///
/// ```
/// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat};
/// use breaker_runtime::{Config, ConfigLayer, Registry, Setting};
///
/// let registry = Registry::new();
/// let hosts = registry.register_keyed("hosts", Config::default(), 100)?;
/// let json = br#"{"breakers": {"hosts": {"failure_threshold": 9, "keys": {"eu-1": {"failure_threshold": 50}}}}}"#;
/// let document = ConfigDocument::parse("the registry of services", ConfigFormat::Json, json)?;
/// registry.apply_layer(ConfigLayer::File, document.into_sections())?;
/// assert_eq!(hosts.get("eu-1").config().failure_threshold(), Some(50));
/// assert_eq!(hosts.get("eu-2").config().failure_threshold(), Some(9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConfigDocument {
    sections: DocumentSections,
}

impl ConfigFormat {
    /// Returns the format of a file: JSON if its extension is `json`, in any case, otherwise TOML.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::ConfigFormat;
    ///
    /// assert_eq!(ConfigFormat::of_path("/etc/shop/BREAKERS.JSON".as_ref()), ConfigFormat::Json);
    /// ```
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("json") => Self::Json,
            Some(_) | None => Self::Toml,
        }
    }
}

impl ConfigDocument {
    /// Reads a document of at most 1 MiB, in UTF-8, with or without a byte order mark. An empty document is valid. TOML
    /// has at most 32 levels of tables and arrays. `origin` names the document in errors and in the
    /// [sources](crate::SettingSource::File) of its settings.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigLoadError::Mistakes`] with the errors of syntax, at most 20 in TOML and one in JSON, or, if there
    /// are none, with all unknown names and all values that are not accepted.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat};
    ///
    /// let text = b"[breakers.payment]\nfailure_threshold = 10\njiter = 0.5\n";
    /// let error = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "breakers.toml:3: breakers.payment.jiter: unknown setting; did you mean jitter?"
    /// );
    /// ```
    pub fn parse(
        origin: impl Into<Arc<str>>,
        format: ConfigFormat,
        text: &[u8],
    ) -> Result<Self, ConfigLoadError> {
        read(&origin.into(), format, text)
            .map(|sections| Self { sections })
            .map_err(ConfigLoadError::Mistakes)
    }

    /// Returns the sections with settings, in the order of the document.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat};
    ///
    /// let text = b"breakers.payment.jitter = 0.5";
    /// let document = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text)?;
    /// let names: Vec<_> = document.sections().map(|section| section.name()).collect();
    /// assert_eq!(names, ["payment"]);
    /// # Ok::<(), breaker_runtime::integrations::config::ConfigLoadError>(())
    /// ```
    pub fn sections(&self) -> impl Iterator<Item = &ConfigSection> {
        self.sections.settings.iter()
    }

    /// Returns the sections with settings, for [`Registry::apply_layer`](crate::Registry::apply_layer).
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat};
    /// use breaker_runtime::{Config, ConfigLayer, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let text = b"breakers.payment.failure_threshold = 9";
    /// let document = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text)?;
    /// registry.apply_layer(ConfigLayer::File, document.into_sections())?;
    /// assert_eq!(payment.config().failure_threshold(), Some(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_sections(self) -> Vec<ConfigSection> {
        self.sections.settings
    }

    /// Starts the drills of the document, each time that it is called. Returns those that could not start. Without the
    /// feature `chaos`, a document with drills is refused, so there are none.
    ///
    /// ```
    /// # #[cfg(feature = "chaos")]
    /// # {
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let text = br#"drills = { payment = { fail = 0.3, for = "1m" }, stock = { fail = 1, for = "1m" } }"#;
    /// let document = ConfigDocument::parse("drills.toml", ConfigFormat::Toml, text)?;
    /// let unstarted = document.start_drills(&registry);
    /// assert_eq!(payment.snapshot().drill.unwrap().fault.fail, 0.3);
    /// assert_eq!((unstarted.len(), unstarted[0].name()), (1, "stock"));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "drills that could not start should be reported"]
    pub fn start_drills(&self, registry: &Registry) -> Vec<UnstartedDrill> {
        start_all(&self.sections.drills, registry)
    }
}

/// Reads the sections of a document.
pub(super) fn read(
    origin: &Arc<str>,
    format: ConfigFormat,
    text: &[u8],
) -> Result<DocumentSections, Vec<ConfigMistake>> {
    let mistake = |position, message| vec![ConfigMistake::new(Arc::clone(origin), position, message)];
    if text.len() > MAX_BYTES {
        return Err(mistake(None, "is longer than 1 MiB, the maximum".to_owned()));
    }
    let text = str::from_utf8(text).map_err(|error| {
        let valid = text.get(..error.valid_up_to()).unwrap_or_default();
        let lines = valid.split(|byte| *byte == b'\n').count();
        let line = u32::try_from(lines).unwrap_or(u32::MAX);
        mistake(Some(Position { line, column: None }), "is not UTF-8".to_owned())
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(DocumentSections::default());
    }
    let root = match format {
        ConfigFormat::Toml => toml_tree::parse(text),
        ConfigFormat::Json => json_tree::parse(text),
    };
    let root = root.map_err(|errors| {
        let errors = errors.into_iter();
        let mistake = |error: super::tree::SyntaxError| {
            ConfigMistake::new(Arc::clone(origin), Some(error.position), error.message)
        };
        errors.map(mistake).collect::<Vec<_>>()
    })?;
    SectionReader::new(Arc::clone(origin)).read(root)
}
