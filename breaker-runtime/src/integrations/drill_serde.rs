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

use std::fmt;

use ::serde::de::{Error, MapAccess, Visitor};
use ::serde::{Deserialize, Deserializer};

use crate::chaos::Drill;
use crate::config::SettingValue;

struct DrillVisitor;

impl<'de> Deserialize<'de> for Drill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DrillVisitor)
    }
}

impl<'de> Visitor<'de> for DrillVisitor {
    type Value = Drill;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the values of a drill: fail, delay, delay_share, for and seed")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Drill, A::Error> {
        let mut values = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, SettingValue<'static>>()? {
            values.push((name, value.unquoted().into_owned()));
        }
        Drill::parse(values).map_err(A::Error::custom)
    }
}
