//! The drills of a configuration: which ones start, go on and end when it is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use std::{fmt, mem};

use crate::config::SettingSource;
use crate::integrations::config_drills::{DrillValues, StartedDrill};
use crate::printable::{Printable, Quoted};
use crate::registry::Registry;

/// The circuits of a section. Those of all keys come before those of single keys, whose drills they replace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SectionTarget {
    pub(super) name: String,
    pub(super) key: Option<String>,
}

/// A section with a drill.
#[derive(Clone, Debug)]
pub(super) struct DrillSection {
    pub(super) target: SectionTarget,
    pub(super) values: DrillValues,
    pub(super) source: SettingSource,
}

/// The drills that the last configuration has started. One that ended by itself stays until its section is removed, so
/// that it does not start again.
#[derive(Debug, Default)]
pub(super) struct LoadedDrills(BTreeMap<SectionTarget, LoadedDrill>);

#[derive(Debug)]
struct LoadedDrill {
    values: DrillValues,
    /// `None` after its end. A drill of a key that has not ended keeps the circuit of the key from being evicted.
    running: Option<StartedDrill>,
}

/// A drill of a configuration that could not start, for example because there is no circuit breaker of its name. The
/// rest of the configuration applies. The drill is tried again when the configuration is loaded for the next time.
///
/// ```
/// # #[cfg(feature = "chaos")]
/// # {
/// use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let text = b"[drills.paymnt.keys.'eu-1']\nfail = 0.3\nfor = '1m'\n";
/// let report = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text)?;
/// let drill = report.unstarted_drills().next().unwrap();
/// assert_eq!((drill.name(), drill.key()), ("paymnt", Some("eu-1")));
/// assert_eq!(drill.source().to_string(), "b.toml:1");
/// assert_eq!(drill.problem(), r#"no circuit breaker is named "paymnt"; similar names: "payment""#);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnstartedDrill {
    target: SectionTarget,
    source: SettingSource,
    problem: String,
}

impl DrillSection {
    fn start(&self, registry: &Registry) -> Result<StartedDrill, UnstartedDrill> {
        self.start_values(&self.values, registry)
    }

    /// Starts the drill again that another one has replaced, for the time that remained.
    fn restart(&self, registry: &Registry, remaining: Duration) -> Result<StartedDrill, UnstartedDrill> {
        self.start_values(&self.values.for_rest(remaining), registry)
    }

    fn start_values(
        &self,
        values: &DrillValues,
        registry: &Registry,
    ) -> Result<StartedDrill, UnstartedDrill> {
        let Self { target, source, .. } = self;
        let started = values.start(registry, &target.name, target.key.as_deref(), source.to_string());
        started.map_err(|problem| UnstartedDrill { target: target.clone(), source: source.clone(), problem })
    }
}

/// Starts all of these drills. Returns those that could not start.
pub(super) fn start_all(sections: &[DrillSection], registry: &Registry) -> Vec<UnstartedDrill> {
    let mut sections: Vec<_> = sections.iter().collect();
    sections.sort_by_key(|section| &section.target);
    sections.into_iter().filter_map(|section| section.start(registry).err()).collect()
}

impl LoadedDrills {
    /// Starts the drills of new and changed sections, and ends those whose section is missing. If a drill of all keys
    /// starts, those of single keys whose section is unchanged go on for the time that remains. Of several sections for
    /// the same circuits, the last one counts. Returns the drills that could not start.
    pub(super) fn apply(&mut self, sections: Vec<DrillSection>, registry: &Registry) -> Vec<UnstartedDrill> {
        let sections = sections.into_iter().map(|section| (section.target.clone(), section));
        let sections: BTreeMap<_, _> = sections.collect();
        let mut earlier = mem::take(&mut self.0);
        earlier.retain(|target, drill| {
            let stays = sections.contains_key(target);
            if !stays {
                drill.stop();
            }
            stays
        });
        let remaining: BTreeMap<_, _> = earlier
            .iter()
            .filter_map(|(target, drill)| Some((target.clone(), drill.running.as_ref()?.remaining()?)))
            .collect();
        // The breakers whose drill of all keys starts now. It replaces those of single keys.
        let mut replaced = BTreeSet::new();
        let mut unstarted = Vec::new();
        for (target, section) in sections {
            let before = earlier.remove(&target);
            let is_same = before.as_ref().is_some_and(|before| before.values == section.values);
            let rest = remaining.get(&target).filter(|_| replaced.contains(&target.name));
            let started = match (before, rest) {
                (Some(same), None) if is_same => {
                    self.0.insert(target, same);
                    continue;
                }
                (Some(_), Some(rest)) if is_same => section.restart(registry, *rest),
                (before, _) => section.start(registry).inspect_err(|_| {
                    // Otherwise the new drill has replaced it.
                    if let Some(before) = before {
                        before.stop();
                    }
                }),
            };
            match started {
                Ok(started) => {
                    if target.key.is_none() {
                        replaced.insert(target.name.clone());
                    }
                    let drill = LoadedDrill { values: section.values, running: Some(started) };
                    self.0.insert(target, drill);
                }
                Err(error) => unstarted.push(error),
            }
        }
        self.release_ended();
        unstarted
    }

    /// Releases the circuits of drills that have ended.
    pub(super) fn release_ended(&mut self) {
        for drill in self.0.values_mut() {
            drill.running.take_if(|running| running.remaining().is_none());
        }
    }
}

impl LoadedDrill {
    fn stop(&self) {
        if let Some(running) = &self.running {
            running.stop();
        }
    }
}

impl UnstartedDrill {
    /// Returns the name of the circuit breaker in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Returns the key, if the drill is of one key only.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.target.key.as_deref()
    }

    /// Returns where the section of the drill begins.
    #[must_use]
    pub const fn source(&self) -> &SettingSource {
        &self.source
    }

    /// Returns the reason why the drill could not start.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

/// Displays where the section is, its name and key, and the problem.
impl fmt::Display for UnstartedDrill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: the drill of {}", self.source, Quoted(self.name()))?;
        if let Some(key) = self.key() {
            write!(out, " for {}", Quoted(key))?;
        }
        write!(out, " could not start: {}", Printable(&self.problem))
    }
}
