//! The name of a circuit in the store: that of its breaker, and its key.

use std::fmt;
use std::sync::Arc;

use super::text::{decode, encode};

/// The longest name in the store, in bytes: a name and a key of 255 bytes each, of which every byte is escaped.
const MAX_BYTES: usize = 2 * 3 * 255 + 1;

/// The name of a circuit in the store: the encoded name of the breaker, and after a slash the encoded key if it has
/// one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedName(Arc<str>);

impl SharedName {
    /// Creates the name of a circuit.
    #[must_use]
    pub fn new(breaker: &str, key: Option<&str>) -> Self {
        Self(Arc::from(match key {
            None => encode(breaker),
            Some(key) => format!("{}/{}", encode(breaker), encode(key)),
        }))
    }

    /// Reads a name from the store. Returns `None` if it is no encoded name.
    #[must_use]
    pub fn read(encoded: &str) -> Option<Self> {
        let parts = || encoded.split('/');
        let is_valid = !encoded.is_empty()
            && encoded.len() <= MAX_BYTES
            && parts().count() <= 2
            && parts().all(|part| decode(part).is_some());
        is_valid.then(|| Self(Arc::from(encoded)))
    }

    /// Returns the name as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the breaker.
    #[must_use]
    pub fn breaker(&self) -> String {
        decode(self.0.split('/').next().unwrap_or_default()).unwrap_or_default()
    }

    /// Returns the key; `None` for a circuit without a key.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        self.0.split_once('/').and_then(|(_, key)| decode(key))
    }
}

impl fmt::Display for SharedName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_read_as_they_were_written() {
        for (breaker, key) in [("payment", None), ("pay ment/{1}", Some("a/b")), ("\u{1f980}\n", Some(""))] {
            let name = SharedName::new(breaker, key);
            assert_eq!((name.breaker().as_str(), name.key().as_deref()), (breaker, key));
            assert_eq!(SharedName::read(name.as_str()), Some(name));
        }
    }

    #[test]
    fn the_longest_names_and_keys_are_read() {
        let longest = "\u{20ac}".repeat(85);
        let name = SharedName::new(&longest, Some(&longest));
        assert_eq!(name.as_str().len(), MAX_BYTES);
        assert_eq!(SharedName::read(name.as_str()), Some(name));
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in ["", "a/b/c", "%", "a%zz", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(SharedName::read(name), None, "{name}");
        }
    }
}
