//! Settings from variables of the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mistake::ConfigMistake;
use super::sections::unknown_setting;
use crate::config::{Config, ConfigBuilder, Setting, SettingSource};
use crate::printable::Quoted;
use crate::registry::ConfigSection;

/// The start of the names of all variables with settings.
const PREFIX: &str = "BREAKER__";
const SEPARATOR: &str = "__";
/// The name that stands for all breakers.
const ALL: &str = "*";

/// The variables whose names begin with `BREAKER__`.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    variables: Vec<Variable>,
    /// Set after the variables have been applied.
    is_applied: bool,
}

#[derive(Clone, Debug)]
struct Variable {
    name: Arc<str>,
    value: String,
}

/// The settings of one breaker.
struct BreakerVariables {
    settings: ConfigBuilder,
    sources: BTreeMap<Setting, Arc<str>>,
}

impl Environment {
    /// Returns the variables of this process. Bytes that are not UTF-8 are replaced by U+FFFD, which no setting
    /// accepts.
    pub(super) fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variable = |(name, value): (String, String)| {
            has_prefix(&name).then(|| Variable { name: Arc::from(name), value })
        };
        let mut variables: Vec<_> = variables.into_iter().filter_map(variable).collect();
        variables.sort_by(|one, other| one.name.cmp(&other.name));
        Self { variables, is_applied: false }
    }

    /// Accepts variables that match several breakers from now on. They have been registered since the variables were
    /// applied, and must not prevent that a changed file is applied.
    pub(super) const fn set_applied(&mut self) {
        self.is_applied = true;
    }

    /// Returns the sections, one for each breaker that is named. `known` are the names of the breakers that exist.
    pub(super) fn sections(&self, known: &[String]) -> Result<Vec<ConfigSection>, Vec<ConfigMistake>> {
        let mut breakers = BTreeMap::<String, BreakerVariables>::new();
        let mut mistakes = Vec::new();
        for variable in &self.variables {
            if let Err(message) = variable.read(&mut breakers) {
                mistakes.push(ConfigMistake::new(Arc::clone(&variable.name), None, message));
            }
        }
        let mut sections = Vec::new();
        for (name, variables) in breakers {
            let Some(first) = variables.sources.values().next().cloned() else { continue };
            let section = variables.into_section(&name, Arc::clone(&first));
            let matching: Vec<_> = known.iter().filter(|known| section.matches(known)).collect();
            match *matching {
                [one, other, ..] if name != ALL && !self.is_applied => {
                    let message = format!(
                        "matches both circuit breakers {} and {}; use a file for them",
                        Quoted(one),
                        Quoted(other)
                    );
                    mistakes.push(ConfigMistake::new(first, None, message));
                }
                _ => sections.push(section),
            }
        }
        if mistakes.is_empty() { Ok(sections) } else { Err(mistakes) }
    }
}

impl Variable {
    /// Adds the setting to those of its breaker.
    fn read(&self, breakers: &mut BTreeMap<String, BreakerVariables>) -> Result<(), String> {
        let Self { name, value } = self;
        let path = name.get(PREFIX.len()..).unwrap_or_default();
        // The name of a breaker may contain the separator: `SHOP__GET` stands for `shop::get`.
        let (breaker, setting) = match path.rsplit_once(SEPARATOR) {
            Some((breaker, setting)) if !breaker.is_empty() => (breaker, setting),
            Some(_) | None => return Err("expected BREAKER__<NAME>__<SETTING>".to_owned()),
        };
        let setting = setting.to_lowercase();
        let Ok(setting) = setting.parse::<Setting>() else {
            return Err(format!("{}: {}", Quoted(&setting), unknown_setting(&setting)));
        };
        // Two variables that are written differently can stand for the same name.
        let breaker = if breaker == ALL { ALL.to_owned() } else { ConfigSection::variable_form(breaker) };
        let of_breaker = breakers.entry(breaker).or_insert_with(BreakerVariables::new);
        if let Some(earlier) = of_breaker.sources.get(&setting) {
            return Err(format!("{earlier} stands for the same setting; remove one of them"));
        }
        let settings = of_breaker.settings.clone().set_text(setting, value);
        of_breaker.settings = settings.map_err(|error| error.to_string())?;
        of_breaker.sources.insert(setting, Arc::clone(name));
        Ok(())
    }
}

impl BreakerVariables {
    const fn new() -> Self {
        Self { settings: Config::builder(), sources: BTreeMap::new() }
    }

    fn into_section(self, name: &str, first: Arc<str>) -> ConfigSection {
        let source = |variable| SettingSource::Environment { variable };
        let section = match name {
            ALL => ConfigSection::new(ALL, self.settings).from_source(source(first)),
            _ => ConfigSection::for_variable(name, self.settings, source(first)),
        };
        let sources = self.sources.into_iter();
        sources.fold(section, |section, (setting, variable)| section.setting_from(setting, source(variable)))
    }
}

/// Returns `true` if a variable is one of ours. Variables of Windows have names without regard to case.
fn has_prefix(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}
