//! `Serialize` and `Deserialize` for settings: a partial configuration is a map from setting to value.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use ::serde::de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use ::serde::ser::SerializeMap;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{
    Config, ConfigBuilder, EffectiveConfig, Setting, SettingDuration, SettingSource, SettingValue,
};
use crate::event::{SettingDifference, SettingsChange};
use crate::printable::{Printable, start_of};

/// Maximum length of an unknown name in an error, in bytes.
const MAX_NAME: usize = 64;

/// The only key of the map as which `serde_json` passes a number that is not an integer of 64 bits, if any crate of the
/// program enables its feature `arbitrary_precision`.
const NUMBER_KEY: &str = "$serde_json::private::Number";

const OUT_OF_RANGE: &str = "number out of range";

impl Serialize for SettingValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // No setting has a value above the range of a `u32`, and few formats have integers of 128 bits.
            Self::Integer(number) => match i64::try_from(*number) {
                Ok(number) => serializer.serialize_i64(number),
                Err(_) => serializer.serialize_i128(*number),
            },
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for SettingValue<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = SettingValue<'static>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number, a text, true or false")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(SettingValue::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(SettingValue::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(SettingValue::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Self::Value, E> {
        Ok(SettingValue::Integer(number))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Self::Value, E> {
        number.try_into().map(SettingValue::Integer).map_err(|_| E::custom(OUT_OF_RANGE))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(SettingValue::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(SettingValue::Text(Cow::Owned(text.to_owned())))
    }

    /// Reads a number that is passed as a map.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        if map.next_key::<Cow<'de, str>>()?.is_none_or(|key| key != NUMBER_KEY) {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        let text: Cow<'de, str> = map.next_value()?;
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        match SettingValue::parse(&text) {
            SettingValue::Integer(number) => self.visit_i128(number),
            SettingValue::Float(number) => self.visit_f64(number),
            SettingValue::Bool(_) | SettingValue::Text(_) => Err(A::Error::custom(OUT_OF_RANGE)),
        }
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

/// Serializes the settings that were set.
impl Serialize for ConfigBuilder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.decided().map(|setting| (setting, self.written(setting))))
    }
}

impl ConfigBuilder {
    /// Returns the value of a setting that was set or returned to its default.
    fn written(&self, setting: Setting) -> SettingValue<'static> {
        if !self.sets(setting) {
            return SettingValue::from("default");
        }
        // Without the others, which may imply another value: `slow_call` turns `durations` on.
        let others = Setting::ALL.iter().filter(|other| **other != setting);
        let alone = others.fold(self.copied(), |settings, other| settings.unset(*other));
        let value = alone.build_unchecked().value(setting);
        // Otherwise it was set to a value that turns it off.
        value.unwrap_or_else(|| SettingDuration(Duration::MAX).to_string().into())
    }
}

/// Deserializes a map from setting to value. Each value is checked alone; [`build`](ConfigBuilder::build) checks
/// whether they fit together.
impl<'de> Deserialize<'de> for ConfigBuilder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SettingsVisitor;

        impl<'de> Visitor<'de> for SettingsVisitor {
            type Value = ConfigBuilder;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("the settings of a circuit breaker")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConfigBuilder, A::Error> {
                let mut settings = Config::builder();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    let setting: Setting = name.parse().map_err(|_| {
                        let name = Printable(start_of(&name, MAX_NAME));
                        A::Error::custom(format_args!("unknown setting `{name}`; {}", accepted()))
                    })?;
                    if settings.decides(setting) {
                        return Err(A::Error::custom(format_args!("duplicate setting `{name}`")));
                    }
                    let value: SettingValue<'static> = map.next_value()?;
                    settings = settings.set(setting, value).map_err(A::Error::custom)?;
                }
                Ok(settings)
            }
        }

        deserializer.deserialize_map(SettingsVisitor)
    }
}

/// Returns the names of all settings, for errors.
fn accepted() -> String {
    let names: Vec<_> = Setting::ALL.iter().map(|setting| setting.label()).collect();
    format!("expected one of {}", names.join(", "))
}

/// Serializes where the value comes from: `{"kind": "file", "at": "breakers.toml:7"}`.
impl Serialize for SettingSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("kind", self.label())?;
        map.serialize_entry("at", &self.to_string())?;
        map.end()
    }
}

/// Serializes the source of each setting that does not have its default.
pub(in crate::integrations) struct Sources<'a>(pub(in crate::integrations) &'a EffectiveConfig);

impl Serialize for Sources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decided: Vec<_> = self.0.decided().collect();
        serializer.collect_map(decided)
    }
}

/// Serializes every setting with its value, which is null if the setting is off, and its source.
impl Serialize for EffectiveConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Setting::ALL.len()))?;
        for setting in Setting::ALL {
            let value = (**self).value(*setting);
            map.serialize_entry(setting, &EffectiveSetting { value, source: self.source(*setting) })?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct EffectiveSetting {
    value: Option<SettingValue<'static>>,
    source: SettingSource,
}

/// Serializes `name`, `key` and `settings`: for each setting that changed, `from`, `to` and `source`.
impl Serialize for SettingsChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Difference<'a> {
            from: Option<&'a SettingValue<'static>>,
            to: Option<&'a SettingValue<'static>>,
            source: &'a SettingSource,
        }
        let entry = |difference: &'_ SettingDifference| difference.setting();
        let settings: Vec<_> = self
            .differences()
            .map(|it| (entry(it), Difference { from: it.from(), to: it.to(), source: it.source() }))
            .collect();
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", self.name())?;
        map.serialize_entry("key", &self.key())?;
        map.serialize_entry("settings", &MapOf(settings))?;
        map.end()
    }
}

/// Serializes pairs as a map.
struct MapOf<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for MapOf<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl Serialize for SettingDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SettingDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::clock::HAS_ASYNC_TIMER;
    use crate::sync::HAS_FLEET;

    #[test]
    fn a_partial_configuration_is_read_as_it_was_written() {
        let json = r#"{"failure_threshold":9,"consecutive_failures":3,"failure_rate":0.5,"recovery_timeout":"2s","hang":"unlimited","mode":"shadow","critical":true,"max_wait":"default"}"#;
        let settings: ConfigBuilder = serde_json::from_str(json).unwrap();
        let written: serde_json::Value = serde_json::to_value(&settings).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(json).unwrap());
    }

    #[test]
    fn the_error_of_a_setting_names_it_and_what_is_accepted() {
        let error =
            |json: &str| serde_json::from_str::<ConfigBuilder>(json).err().map(|error| error.to_string());
        let unknown = error(r#"{"failure_treshold": 3}"#).unwrap();
        assert!(
            unknown.starts_with("unknown setting `failure_treshold`; expected one of failure_threshold, "),
            "{unknown}"
        );
        let range = error(r#"{"failure_threshold": 0}"#).unwrap();
        assert!(
            range.starts_with("failure_threshold = 0: failure_threshold must be between 1 and 16777215"),
            "{range}"
        );
        for values in [["0", "1"], ["0", "\"default\""], ["\"default\"", "1"], ["\"default\"", "\"default\""]]
        {
            let [first, second] = values;
            let twice = error(&format!(r#"{{"jitter": {first}, "jitter": {second}}}"#)).unwrap();
            assert!(twice.starts_with("duplicate setting `jitter`"), "{twice}");
        }
    }

    /// Returns values of a setting in JSON, those that turn it off included.
    fn json_values(setting: Setting) -> Value {
        match setting {
            Setting::FailureThreshold | Setting::ConsecutiveFailures | Setting::MinimumCalls => {
                json!([1, 50])
            }
            Setting::HalfOpenMaxCalls | Setting::SuccessThreshold | Setting::MaxConcurrent => json!([1, 9]),
            Setting::FailureRate | Setting::SlowCallRate | Setting::MaxOpen => json!([0.1, 1.0]),
            Setting::Window => json!([10, "1m", "unlimited"]),
            Setting::Backoff => json!([1.0, 2.5]),
            Setting::Jitter => json!([0.0, 1.0]),
            Setting::CallTimeout if !HAS_ASYNC_TIMER => json!(["unlimited"]),
            Setting::SlowCall
            | Setting::RecoveryTimeout
            | Setting::MaxRecoveryTimeout
            | Setting::HalfOpenTimeout
            | Setting::Ramp
            | Setting::CallTimeout
            | Setting::MaxWait
            | Setting::CancelledAfter
            | Setting::Hang => json!(["1ns", "40d", "unlimited"]),
            Setting::Shared if HAS_FLEET => json!(["local", "quorum", "first"]),
            Setting::Shared => json!(["local"]),
            Setting::Adopt => json!(["unless_healthy", "always"]),
            Setting::Mode => json!(["enforce", "shadow"]),
            Setting::Critical | Setting::Durations => json!([false, true]),
        }
    }

    #[test]
    fn serialized_settings_are_those_that_were_set_whatever_others_imply() {
        let written_is_read = |json: Map<String, Value>| {
            let json = Value::Object(json);
            let settings: ConfigBuilder = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(settings).unwrap(), json);
        };
        let entries: Vec<(String, Value)> = Setting::ALL
            .iter()
            .flat_map(|setting| {
                let values = json_values(*setting).as_array().unwrap().clone();
                let values = values.into_iter().chain([json!("default")]);
                values.map(|value| (setting.label().to_owned(), value))
            })
            .collect();
        for one in &entries {
            // Alone, with each other value, and with all other settings.
            for other in &entries {
                written_is_read(Map::from_iter([other.clone(), one.clone()]));
            }
            written_is_read(entries.iter().chain([one]).cloned().collect());
            written_is_read(entries.iter().rev().chain([one]).cloned().collect());
        }
    }
}
