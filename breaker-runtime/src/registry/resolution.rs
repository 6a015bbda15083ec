//! The settings of one breaker after the sections that match it, also if these contradict each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::breaker_settings::BreakerSettings;
use super::layers::{ConfigSection, Layers, SectionError};
use crate::config::{Config, ConfigError, LayeredSetting, SettingSource, SharedConfig};

/// A breaker whose settings are resolved.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    /// Its settings in the code.
    pub(super) base: &'a SharedConfig,
    pub(super) has_keys: bool,
}

/// The settings of a breaker.
pub(super) struct Resolved<'a> {
    /// The settings after all sections that can apply together.
    pub(super) settings: BreakerSettings,
    /// The first contradiction between all sections. There is one if sections are ignored.
    pub(super) error: Option<SectionError>,
    pub(super) ignored: Vec<IgnoredSection<'a>>,
}

/// A section that does not apply to a breaker, because it contradicts others or the settings in the code.
pub(super) struct IgnoredSection<'a> {
    pub(super) section: &'a ConfigSection,
    pub(super) error: SectionError,
}

/// The error of settings, before it is known whose settings they are.
struct Unresolved {
    error: ConfigError,
    sources: Vec<SettingSource>,
}

impl Target<'_> {
    /// Returns the settings after the sections of all layers.
    pub(super) fn resolve<'a>(&self, layers: &'a Layers) -> Resolved<'a> {
        let sections = &layers.matching(self.name);
        let mut resolved =
            Resolved { settings: BreakerSettings::default(), error: None, ignored: Vec::new() };
        let all = self.of_circuit(sections, None, &mut resolved);
        let mut of_keys = BTreeMap::new();
        for key in sections.iter().filter_map(|section| section.key.as_ref()) {
            if self.has_keys && !of_keys.contains_key(key) {
                of_keys.insert(Arc::clone(key), self.of_circuit(sections, Some(key), &mut resolved));
            }
        }
        resolved.settings = BreakerSettings::with_keys(all, of_keys);
        resolved
    }

    /// Returns the settings of one key, or those that all circuits share.
    fn of_circuit<'a>(
        &self,
        sections: &[&'a ConfigSection],
        key: Option<&Arc<str>>,
        resolved: &mut Resolved<'a>,
    ) -> SharedConfig {
        let applies = |section: &&&ConfigSection| section.key.is_none() || section.key.as_ref() == key;
        let sections: Vec<_> = sections.iter().filter(applies).copied().collect();
        self.merge(&sections).unwrap_or_else(|error| {
            resolved.error.get_or_insert_with(|| error.about(self.name, key));
            self.merge_compatible(&sections, key, &mut resolved.ignored)
        })
    }

    /// Returns the settings after all of these sections.
    fn merge(&self, sections: &[&ConfigSection]) -> Result<SharedConfig, Unresolved> {
        if sections.is_empty() {
            return Ok(self.base.clone());
        }
        let mut builder = self.base.to_builder();
        let mut sources = BTreeMap::new();
        for section in sections {
            builder = section.settings.clone().over(builder);
            sources.extend(section.settings.decided().map(|setting| (setting, section.source_of(setting))));
        }
        let error = |error| Unresolved::of(error, sections);
        let config: Config = builder.build().map_err(error)?;
        if !self.has_keys {
            config.check_without_keys().map_err(error)?;
        }
        let layered =
            sources.into_iter().map(|(setting, source)| LayeredSetting { setting, source }).collect();
        Ok(SharedConfig::layered(config, self.base.base(), layered))
    }

    /// Returns the settings after those of these sections that can apply together. Of two that contradict each other,
    /// the one that takes precedence applies. The others are ignored.
    fn merge_compatible<'a>(
        &self,
        sections: &[&'a ConfigSection],
        key: Option<&Arc<str>>,
        ignored: &mut Vec<IgnoredSection<'a>>,
    ) -> SharedConfig {
        let mut rest: Vec<_> = sections.iter().copied().enumerate().rev().collect();
        let mut applied = BTreeMap::new();
        let mut settings = self.base.clone();
        loop {
            let before = rest.len();
            rest.retain(|(index, section)| match self.merge_with(&applied, (*index, section)) {
                Ok(merged) => {
                    applied.insert(*index, *section);
                    settings = merged;
                    false
                }
                Err(_) => true,
            });
            // A section that has been added may be what an earlier one needs.
            if rest.len() == before {
                break;
            }
        }
        for (index, section) in rest.into_iter().rev() {
            if let Err(error) = self.merge_with(&applied, (index, section))
                && !ignored.iter().any(|it| std::ptr::eq(it.section, section))
            {
                ignored
                    .push(IgnoredSection { section, error: error.of_section(section).about(self.name, key) });
            }
        }
        settings
    }

    /// Returns the settings after the applied sections, by their position, and one more.
    fn merge_with(
        &self,
        applied: &BTreeMap<usize, &ConfigSection>,
        (index, section): (usize, &ConfigSection),
    ) -> Result<SharedConfig, Unresolved> {
        let mut sections = applied.clone();
        sections.insert(index, section);
        self.merge(&sections.into_values().collect::<Vec<_>>())
    }
}

impl Unresolved {
    fn of(error: ConfigError, sections: &[&ConfigSection]) -> Self {
        let decides =
            |section: &&&ConfigSection| error.setting().is_some_and(|it| section.settings.decides(it));
        let deciding = sections.iter().rev().find(decides);
        let sources = match (deciding, error.setting()) {
            (Some(section), Some(setting)) => vec![section.source_of(setting)],
            // The setting is in the code, and contradicts one of these.
            _ => sections.iter().map(|section| section.source().clone()).collect(),
        };
        Self { error, sources }
    }

    /// Returns the error as one of a section that contradicts those that apply.
    fn of_section(self, section: &ConfigSection) -> Self {
        let source = match self.error.setting() {
            Some(setting) if section.settings.decides(setting) => section.source_of(setting),
            Some(_) | None => section.source().clone(),
        };
        Self { sources: vec![source], ..self }
    }

    fn about(self, name: &str, key: Option<&Arc<str>>) -> SectionError {
        let Self { error, sources } = self;
        SectionError { name: name.to_owned(), key: key.cloned(), error, sources }
    }
}
