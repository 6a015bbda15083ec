//! The configuration as a type of serde, for programs with a configuration library of their own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use ::serde::de::{Error, MapAccess, Visitor};
use ::serde::{Deserialize, Deserializer, Serialize};

use crate::config::{ConfigBuilder, SettingSource};
use crate::printable::QuotedStart;
use crate::registry::ConfigSection;

/// The settings of breakers, as part of the configuration of a program.
///
/// It has the format of a [document](super), and is read and written by serde. Libraries such as `figment` and `config`
/// merge files and the environment into it. They do not tell the line of a value, so the sources and errors name the
/// configuration as a whole.
///
/// Its only key is `breakers`; others are refused, unless it is a flattened field, as below. Names and keys that are
/// repeated are refused, too. It has no drills: with the feature `chaos`, `chaos::Drill` is a type of serde as well.
///
/// ```
/// use breaker_runtime::integrations::config::Configuration;
/// use breaker_runtime::{Config, ConfigLayer, Registry, SettingSource};
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     port: u16,
///     #[serde(flatten)]
///     circuits: Configuration,
/// }
///
/// let settings: Settings = toml::from_str("
///     port = 8080
///     [breakers.payment]
///     failure_threshold = 9
/// ")?;
/// let registry = Registry::new();
/// let payment = registry.register("payment", Config::default())?;
/// let source = SettingSource::File { path: "settings.toml".into(), line: 1 };
/// registry.apply_layer(ConfigLayer::File, settings.circuits.into_sections(&source))?;
/// assert_eq!((settings.port, payment.config().failure_threshold()), (8080, Some(9)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Configuration {
    /// The settings by the name of their breaker, in which each `*` stands for any text.
    #[serde(deserialize_with = "unique")]
    pub breakers: BTreeMap<String, BreakerConfiguration>,
}

/// The settings of a breaker, and of single keys.
///
/// ```
/// use breaker_runtime::integrations::config::BreakerConfiguration;
///
/// let settings: BreakerConfiguration = serde_json::from_str(
///     r#"{"jitter": 0.5, "keys": {"eu-1": {"failure_threshold": 50}}}"#,
/// )?;
/// assert_eq!(settings.keys["eu-1"].clone().build()?.failure_threshold(), Some(50));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct BreakerConfiguration {
    /// The settings of all circuits of the breaker.
    #[serde(flatten)]
    pub settings: ConfigBuilder,
    /// The settings of single keys.
    #[serde(default, deserialize_with = "unique", skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, ConfigBuilder>,
}

impl Configuration {
    /// Returns the sections, for [`Registry::apply_layer`](crate::Registry::apply_layer). All of them come from
    /// `source`.
    ///
    /// ```
    /// use breaker_runtime::SettingSource;
    /// use breaker_runtime::integrations::config::Configuration;
    ///
    /// let json = r#"{"breakers": {"hosts": {"jitter": 0.5, "keys": {"eu-1": {"failure_threshold": 50}}}}}"#;
    /// let configuration: Configuration = serde_json::from_str(json)?;
    /// let source = SettingSource::Environment { variable: "BREAKERS".into() };
    /// let sections = configuration.into_sections(&source);
    /// let keys: Vec<_> = sections.iter().map(|section| section.key()).collect();
    /// assert_eq!(keys, [None, Some("eu-1")]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn into_sections(self, source: &SettingSource) -> Vec<ConfigSection> {
        let mut sections = Vec::new();
        for (name, BreakerConfiguration { settings, keys }) in self.breakers {
            let section = |settings| ConfigSection::new(name.clone(), settings).from_source(source.clone());
            sections.push(section(settings));
            sections.extend(keys.into_iter().map(|(key, settings)| section(settings).for_key(key)));
        }
        sections
    }
}

/// Deserializes a map, and refuses keys that are repeated.
fn unique<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(UniqueVisitor(PhantomData))
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table with settings for each name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tables: Self::Value = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            match tables.entry(name) {
                Entry::Vacant(entry) => _ = entry.insert(map.next_value()?),
                Entry::Occupied(entry) => {
                    let name = QuotedStart(entry.key());
                    return Err(A::Error::custom(format_args!(
                        "duplicate table {name}; expected each name only once"
                    )));
                }
            }
        }
        Ok(tables)
    }
}
