//! Settings that replace those in the code, in layers: the program, files, the environment, operators.
//!
//! This file finds the sections of one name. It does not know which breakers exist.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::key::MAX_KEY_BYTES;
use super::name_pattern::{NamePattern, variable_form};
use crate::config::{ConfigBuilder, ConfigError, Setting, SettingSource};
use crate::printable::Quoted;

/// A source of settings at run time. Each layer takes precedence over the layers before it, and all of them over the
/// settings in the code.
///
/// ```
/// use breaker_runtime::ConfigLayer;
///
/// assert!(ConfigLayer::Operator > ConfigLayer::File);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConfigLayer {
    /// The program itself: [`Registry::configure`](crate::Registry::configure).
    Program,
    /// Configuration files and other documents.
    File,
    /// Variables of the environment.
    Environment,
    /// Commands of operators.
    Operator,
}

/// Settings for all breakers whose name matches a pattern, or for one key of them.
///
/// ```
/// use breaker_runtime::{Config, ConfigLayer, ConfigSection, Registry};
///
/// let registry = Registry::new();
/// let search = registry.register("search", Config::default())?;
/// let patient = ConfigSection::new("sea*", Config::builder().failure_threshold(20));
/// registry.apply_layer(ConfigLayer::File, [patient])?;
/// assert_eq!(search.config().failure_threshold(), Some(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfigSection {
    pub(super) pattern: NamePattern,
    pub(super) key: Option<Arc<str>>,
    pub(super) settings: ConfigBuilder,
    /// The source of each setting that has none of its own.
    source: SettingSource,
    sources: BTreeMap<Setting, SettingSource>,
}

/// Settings of a configuration that do not apply to a breaker, because one is out of range, or because they contradict
/// each other or its settings in the code.
///
/// ```
/// use breaker_runtime::{Config, Registry, Setting};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let refused = registry.configure("payment", Config::builder().failure_rate(0.5)).unwrap_err();
///
/// let error = refused.errors().next().unwrap();
/// assert_eq!((error.name(), error.key()), ("payment", None));
/// assert_eq!(error.error().setting(), Some(Setting::FailureRate)); // it needs a window
/// assert_eq!(error.sources().count(), 1); // the call of `configure`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionError {
    pub(super) name: String,
    pub(super) key: Option<Arc<str>>,
    pub(super) error: ConfigError,
    /// The sources of the settings that are involved.
    pub(super) sources: Vec<SettingSource>,
}

const OVERRIDDEN: ConfigError = ConfigError::new(
    "its settings were replaced by set_config, which takes precedence; call set_config again instead",
);

/// The circuits of a breaker: one, or one for each key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// The breaker has one circuit and no keys.
    None,
    Circuits,
}

/// The sections of all layers.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers([Vec<ConfigSection>; 4]);

impl ConfigSection {
    /// Creates a section with the settings that the builder sets, for the breakers of this name. In the name, each `*`
    /// stands for any text. If several sections of one layer match a name, more specific ones take precedence: a name
    /// over patterns, and a pattern over shorter ones.
    #[must_use]
    #[track_caller]
    pub fn new(name: impl Into<String>, settings: ConfigBuilder) -> Self {
        Self {
            pattern: NamePattern::new(name.into()),
            key: None,
            settings,
            source: SettingSource::Program(Location::caller()),
            sources: BTreeMap::new(),
        }
    }

    /// Creates a section for the breaker of exactly this name, in which `*` stands for itself.
    #[allow(dead_code, reason = "only commands over HTTP name one breaker exactly")]
    pub(crate) fn for_breaker(name: String, settings: ConfigBuilder, source: SettingSource) -> Self {
        Self { pattern: NamePattern::of_name(name), key: None, settings, source, sources: BTreeMap::new() }
    }

    /// Creates a section for the breakers whose name variables of the environment write as `name`.
    #[allow(dead_code, reason = "only the feature `config` reads the environment")]
    pub(crate) fn for_variable(name: &str, settings: ConfigBuilder, source: SettingSource) -> Self {
        Self {
            pattern: NamePattern::of_variable(name),
            key: None,
            settings,
            source,
            sources: BTreeMap::new(),
        }
    }

    /// Returns a name as variables of the environment write it.
    #[allow(dead_code, reason = "only the feature `config` reads the environment")]
    pub(crate) fn variable_form(name: &str) -> String {
        variable_form(name)
    }

    /// Returns `true` if the section is for the breaker of this name, or for a key of it.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.pattern.matches(name)
    }

    /// Returns `true` if the section can apply to a circuit of the breaker of this name. One with a key needs a breaker
    /// whose keys have circuits, and a key that gets a circuit of its own.
    pub(super) fn applies_to(&self, name: &str, keys: Keys) -> bool {
        let applies_to_key = |key: &Arc<str>| keys == Keys::Circuits && key.len() <= MAX_KEY_BYTES;
        self.matches(name) && self.key.as_ref().is_none_or(applies_to_key)
    }

    /// Restricts the section to the circuit of one key. Within a layer it takes precedence over sections for all keys.
    #[must_use]
    pub fn for_key(self, key: impl Into<Arc<str>>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Sets where the settings come from. The default is the location of the call of [`new`](Self::new).
    ///
    /// ```
    /// use breaker_runtime::{Config, ConfigSection, SettingSource};
    ///
    /// let file = SettingSource::File { path: "breakers.toml".into(), line: 7 };
    /// let section = ConfigSection::new("payment", Config::builder().failure_threshold(9)).from_source(file);
    /// assert_eq!(section.source().to_string(), "breakers.toml:7");
    /// ```
    #[must_use]
    pub fn from_source(self, source: SettingSource) -> Self {
        Self { source, ..self }
    }

    /// Sets where one setting comes from.
    ///
    /// ```
    /// use breaker_runtime::{Config, ConfigLayer, ConfigSection, Registry, Setting, SettingSource};
    ///
    /// let line = |line| SettingSource::File { path: "breakers.toml".into(), line };
    /// let section = ConfigSection::new("payment", Config::builder().failure_threshold(9).jitter(0.2))
    ///     .from_source(line(7))
    ///     .setting_from(Setting::Jitter, line(9));
    ///
    /// let registry = Registry::new();
    /// registry.apply_layer(ConfigLayer::File, [section])?;
    /// let settings = registry.register("payment", Config::default())?.snapshot().settings;
    /// assert_eq!(settings.source(Setting::FailureThreshold), line(7));
    /// assert_eq!(settings.source(Setting::Jitter), line(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn setting_from(mut self, setting: Setting, source: SettingSource) -> Self {
        self.sources.insert(setting, source);
        self
    }

    /// Returns the name or pattern of the section.
    #[must_use]
    pub fn name(&self) -> &str {
        self.pattern.as_str()
    }

    /// Returns the key, if the section is for one key only.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns where the section comes from.
    #[must_use]
    pub const fn source(&self) -> &SettingSource {
        &self.source
    }

    pub(super) fn source_of(&self, setting: Setting) -> SettingSource {
        self.sources.get(&setting).unwrap_or(&self.source).clone()
    }

    /// Returns this section with the settings of `base` that it does not decide. Each setting keeps its source.
    fn over(self, base: &Self) -> Self {
        let of_each =
            |section: &Self| section.settings.decided().map(|it| (it, section.source_of(it))).collect();
        let mut sources: BTreeMap<_, _> = of_each(base);
        sources.append(&mut of_each(&self));
        Self { settings: self.settings.over(base.settings.clone()), sources, ..self }
    }

    /// Returns `true` if both are for the same names and the same key.
    fn is_about_the_same(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.key == other.key
    }
}

impl Layers {
    /// Replaces all sections of a layer.
    pub(super) fn replace(&mut self, layer: ConfigLayer, sections: Vec<ConfigSection>) {
        *self.of_mut(layer) = sections;
    }

    /// Adds a section to a layer. It replaces the one for the same names and the same key. A section without settings
    /// only removes that one.
    pub(super) fn replace_section(&mut self, layer: ConfigLayer, section: ConfigSection) {
        let sections = self.of_mut(layer);
        sections.retain(|other| !other.is_about_the_same(&section));
        if section.settings.decided().next().is_some() {
            sections.push(section);
        }
    }

    /// Adds a section to a layer. The settings of the one for the same names and the same key remain, except those that
    /// the new section decides.
    #[allow(dead_code, reason = "only the feature `shadow` promotes settings")]
    pub(super) fn merge_section(&mut self, layer: ConfigLayer, section: ConfigSection) {
        let merged = match self.same_section(layer, &section) {
            Some(present) => section.over(present),
            None => section,
        };
        self.replace_section(layer, merged);
    }

    /// Returns the number of all sections.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Returns the section of a layer that is for the same names and the same key.
    pub(super) fn same_section(&self, layer: ConfigLayer, section: &ConfigSection) -> Option<&ConfigSection> {
        self.of(layer).iter().find(|other| other.is_about_the_same(section))
    }

    /// Returns a problem for each variable of the environment that stands for this name and for another one.
    pub(super) fn shared_variables<'a>(
        &self,
        name: &str,
        others: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        let variables = self.of(ConfigLayer::Environment).iter();
        let variables: Vec<_> =
            variables.filter(|section| section.pattern.is_variable() && section.matches(name)).collect();
        if variables.is_empty() {
            return Vec::new();
        }
        let others: Vec<_> = others.filter(|other| *other != name).collect();
        let problem = |section: &ConfigSection| {
            let other = others.iter().find(|other| section.matches(other))?;
            let (source, other, name) = (section.source(), Quoted(other), Quoted(name));
            Some(format!(
                "{source}: applies to both circuit breakers {other} and {name}; use a file for them"
            ))
        };
        variables.into_iter().filter_map(problem).collect()
    }

    /// Returns the sections for a name, the one that takes precedence last.
    pub(super) fn matching(&self, name: &str) -> Vec<&ConfigSection> {
        let mut matching = Vec::new();
        for layer in &self.0 {
            let mut of_layer: Vec<_> = layer.iter().filter(|section| section.matches(name)).collect();
            of_layer.sort_by_key(|section| (section.key.is_some(), section.pattern.specificity()));
            matching.extend(of_layer);
        }
        matching
    }

    const fn of(&self, layer: ConfigLayer) -> &Vec<ConfigSection> {
        let [program, file, environment, operator] = &self.0;
        match layer {
            ConfigLayer::Program => program,
            ConfigLayer::File => file,
            ConfigLayer::Environment => environment,
            ConfigLayer::Operator => operator,
        }
    }

    const fn of_mut(&mut self, layer: ConfigLayer) -> &mut Vec<ConfigSection> {
        let [program, file, environment, operator] = &mut self.0;
        match layer {
            ConfigLayer::Program => program,
            ConfigLayer::File => file,
            ConfigLayer::Environment => environment,
            ConfigLayer::Operator => operator,
        }
    }
}

impl SectionError {
    /// Returns the error of a section with a setting that is out of range or that one key cannot have, whatever breakers
    /// the section matches.
    pub(super) fn of_section(section: &ConfigSection) -> Option<Self> {
        let of_key = || section.key.is_some() && section.settings.decides(Setting::MaxOpen);
        let error = match section.settings.error() {
            Some(error) => error.clone(),
            None if of_key() => ConfigError::of_setting(
                Setting::MaxOpen,
                "max_open limits the share of all keys, so one key cannot have its own; set it for the breaker",
            ),
            None => return None,
        };
        let source = error.setting().map_or_else(|| section.source().clone(), |it| section.source_of(it));
        let (name, key) = (section.name().to_owned(), section.key.clone());
        Some(Self { name, key, error, sources: vec![source] })
    }

    pub(super) fn overridden(name: &str, key: Option<&str>) -> Self {
        let (name, key) = (name.to_owned(), key.map(Arc::from));
        Self { name, key, error: OVERRIDDEN, sources: Vec::new() }
    }

    /// Returns `true` for [`overridden`](Self::overridden).
    pub(super) fn is_overridden(&self) -> bool {
        self.error == OVERRIDDEN
    }

    /// Returns the name of the breaker, or that of the section if one of its settings is out of range.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key, if the settings are those of one key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns what is wrong with the settings.
    #[must_use]
    pub const fn error(&self) -> &ConfigError {
        &self.error
    }

    /// Returns where the settings come from that are involved.
    pub fn sources(&self) -> impl Iterator<Item = &SettingSource> {
        self.sources.iter()
    }
}

/// Displays the sources, the breaker and the problem: `breakers.toml:7: circuit breaker "payment": max_wait needs ..`.
impl fmt::Display for SectionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            write!(out, "{source}: ")?;
        }
        write!(out, "circuit breaker {}", Quoted(&self.name))?;
        if let Some(key) = &self.key {
            write!(out, " for {}", Quoted(key))?;
        }
        write!(out, ": {}", self.error)
    }
}

impl std::error::Error for SectionError {}

#[cfg(test)]
mod tests {
    use super::{ConfigLayer, ConfigSection, Layers};
    use crate::config::{Config, SettingSource};

    #[test]
    fn a_variable_that_stands_for_two_names_is_a_problem() {
        let section = |name: &str| {
            let source = SettingSource::Environment { variable: format!("BREAKER__{name}__JITTER").into() };
            ConfigSection::for_variable(name, Config::builder().jitter(0.5), source)
        };
        let mut layers = Layers::default();
        layers.replace(ConfigLayer::Environment, vec![section("A_B"), section("C")]);
        let others = ["a-b", "a.b", "c", "d"];
        assert_eq!(
            layers.shared_variables("a.b", others.into_iter()),
            [
                r#"BREAKER__A_B__JITTER: applies to both circuit breakers "a-b" and "a.b"; use a file for them"#
            ]
        );
        assert_eq!(layers.shared_variables("c", others.into_iter()), [""; 0]);
    }
}
