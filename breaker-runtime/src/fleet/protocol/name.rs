//! The name of a circuit in the store: that of its breaker, and its key.

use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use super::text::{decode, encode};

/// The longest name of a breaker, and the longest key, in bytes.
const MAX_PART_BYTES: usize = 255;

/// The longest name in the store, in bytes: a name and a key of which every byte is escaped.
const MAX_BYTES: usize = 2 * 3 * MAX_PART_BYTES + 1;

/// The name of a circuit in the store: the encoded name of the breaker, and after a slash the encoded key if it has
/// one.
///
/// Names are ordered by their hashes first, because many of them begin alike and maps compare them often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedName {
    hash: u64,
    text: Arc<str>,
}

impl SharedName {
    /// Creates the name of a circuit.
    #[must_use]
    pub fn new(breaker: &str, key: Option<&str>) -> Self {
        Self::of(&match key {
            None => encode(breaker),
            Some(key) => format!("{}/{}", encode(breaker), encode(key)),
        })
    }

    fn of(text: &str) -> Self {
        // It has the same keys in all processes.
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        Self { hash: hasher.finish(), text: Arc::from(text) }
    }

    /// Reads a name from the store. Returns `None` if it is no encoded name, or if a part of it is longer than 255
    /// bytes.
    #[must_use]
    pub fn read(encoded: &str) -> Option<Self> {
        let parts = || encoded.split('/');
        let is_valid = !encoded.is_empty()
            && encoded.len() <= MAX_BYTES
            && parts().count() <= 2
            && parts().all(|part| decode(part).is_some_and(|part| part.len() <= MAX_PART_BYTES));
        is_valid.then(|| Self::of(encoded))
    }

    /// Returns the name as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name of the breaker.
    #[must_use]
    pub fn breaker(&self) -> String {
        decode(self.text.split('/').next().unwrap_or_default()).unwrap_or_default()
    }

    /// Returns the key; `None` for a circuit without a key.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        self.text.split_once('/').and_then(|(_, key)| decode(key))
    }
}

impl fmt::Display for SharedName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
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
        let long = "x".repeat(MAX_PART_BYTES + 1);
        let with_long_key = format!("a/{long}");
        for name in ["", "a/b/c", "%", "a%zz", &long, &with_long_key, &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(SharedName::read(name), None, "{name}");
        }
    }
}
