//! `Deserialize` for drills (features `chaos` and `serde`). The values are those that [`Drill::parse`] accepts; numbers
//! may be written as numbers or as texts.
//!
//! ```
//! use breaker_runtime::chaos::Drill;
//!
//! let drill: Drill = serde_json::from_str(r#"{"fail": 0.3, "delay": "2s", "for": "60s"}"#)?;
//! assert_eq!(drill.to_string(), "fails 30% of the calls, delays 100% by 2s, for 1m");
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use ::serde::de::{Error, Visitor};
use ::serde::{Deserialize, Deserializer};

use crate::chaos::Drill;

/// A number or a text, as a text.
struct ScalarText(String);

struct ScalarVisitor;

impl<'de> Deserialize<'de> for Drill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, ScalarText>::deserialize(deserializer)?;
        Self::parse(values.iter().map(|(name, value)| (name, &value.0))).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ScalarText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl Visitor<'_> for ScalarVisitor {
    type Value = ScalarText;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number, or a text such as \"2s\"")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<ScalarText, E> {
        Ok(ScalarText(value.to_owned()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<ScalarText, E> {
        Ok(ScalarText(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<ScalarText, E> {
        Ok(ScalarText(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<ScalarText, E> {
        Ok(ScalarText(value.to_string()))
    }
}
