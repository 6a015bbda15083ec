//! The settings of one breaker after the sections that match it, also if these contradict each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::breaker_settings::BreakerSettings;
use super::layers::{ConfigSection, Layers, SectionError};
use crate::config::{
    Config, ConfigBuilder, ConfigError, LayeredSetting, Setting, SettingSource, SharedConfig,
};

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

impl Target<'_> {
    /// Returns the settings after the sections of all layers.
    pub(super) fn resolve<'a>(&self, layers: &'a Layers) -> Resolved<'a> {
        let mut for_all = Vec::new();
        let mut for_keys: BTreeMap<&Arc<str>, Vec<(usize, &'a ConfigSection)>> = BTreeMap::new();
        for section in layers.matching(self.name).into_iter().enumerate() {
            match &section.1.key {
                None => for_all.push(section),
                Some(key) if self.has_keys => for_keys.entry(key).or_default().push(section),
                Some(_) => {}
            }
        }
        let mut resolved =
            Resolved { settings: BreakerSettings::default(), error: None, ignored: Vec::new() };
        let all = self.of_circuit(&in_order(for_all.clone()), None, &mut resolved);
        let mut of_keys = BTreeMap::new();
        for (key, mut sections) in for_keys {
            sections.extend(&for_all);
            of_keys.insert(Arc::clone(key), self.of_circuit(&in_order(sections), Some(key), &mut resolved));
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
        self.merge(sections).unwrap_or_else(|error| {
            resolved.error.get_or_insert_with(|| {
                let sources = self.sources_of(&error, sections);
                self.section_error(key, error, sources)
            });
            self.merge_compatible(sections, key, &mut resolved.ignored)
        })
    }

    /// Returns the settings after all of these sections.
    fn merge(&self, sections: &[&ConfigSection]) -> Result<SharedConfig, ConfigError> {
        if sections.is_empty() {
            return Ok(self.base.clone());
        }
        let config = self.build(sections.iter().map(|section| section.settings.clone()))?;
        let mut sources = BTreeMap::new();
        for section in sections {
            sources.extend(section.settings.decided().map(|setting| (setting, section.source_of(setting))));
        }
        let layered =
            sources.into_iter().map(|(setting, source)| LayeredSetting { setting, source }).collect();
        Ok(SharedConfig::layered(config, self.base.base(), layered))
    }

    /// Returns the settings after all of these.
    fn build(&self, settings: impl Iterator<Item = ConfigBuilder>) -> Result<Config, ConfigError> {
        let builder = settings.fold(self.base.to_builder(), |base, settings| settings.over(base));
        let config = builder.build()?;
        if !self.has_keys {
            config.check_without_keys()?;
        }
        Ok(config)
    }

    /// Returns where the settings of these sections come from that are involved in an error: those without which there
    /// is no such error. Of several sections that decide a setting, the one that takes precedence is its source.
    fn sources_of(&self, error: &ConfigError, sections: &[&ConfigSection]) -> Vec<SettingSource> {
        let is_involved = |setting: &Setting| {
            let others = sections.iter().map(|section| section.settings.clone().without(*setting));
            self.build(others).err().as_ref() != Some(error)
        };
        let source = |setting: &Setting| {
            let deciding = sections.iter().rev().find(|section| section.settings.decides(*setting))?;
            is_involved(setting).then(|| deciding.source_of(*setting))
        };
        let mut sources: Vec<_> = Setting::ALL.iter().filter_map(source).collect();
        sources.dedup();
        if sources.is_empty() {
            // No single setting is.
            sources.extend(sections.iter().map(|section| section.source().clone()));
        }
        sources
    }

    fn section_error(
        &self,
        key: Option<&Arc<str>>,
        error: ConfigError,
        sources: Vec<SettingSource>,
    ) -> SectionError {
        SectionError { name: self.name.to_owned(), key: key.cloned(), error, sources }
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
                let source = match error.setting() {
                    Some(setting) if section.settings.decides(setting) => section.source_of(setting),
                    Some(_) | None => section.source().clone(),
                };
                let error = self.section_error(key, error, vec![source]);
                ignored.push(IgnoredSection { section, error });
            }
        }
        settings
    }

    /// Returns the settings after the applied sections, by their position, and one more.
    fn merge_with(
        &self,
        applied: &BTreeMap<usize, &ConfigSection>,
        (index, section): (usize, &ConfigSection),
    ) -> Result<SharedConfig, ConfigError> {
        let mut sections = applied.clone();
        sections.insert(index, section);
        self.merge(&sections.into_values().collect::<Vec<_>>())
    }
}

/// Returns sections in the order of their positions, the one that takes precedence last.
fn in_order(mut sections: Vec<(usize, &ConfigSection)>) -> Vec<&ConfigSection> {
    sections.sort_unstable_by_key(|(position, _)| *position);
    sections.into_iter().map(|(_, section)| section).collect()
}
