//! The name of a circuit in the store: that of its breaker, and its key.

use std::fmt;
use std::sync::Arc;

use super::text::{decode, encode};

/// The longest name in the store, in bytes. A longer one is cut, and gets a hash of the whole.
const MAX_BYTES: usize = 1024;

/// The name of a circuit in the store: the encoded name of the breaker, and after a slash the encoded key if it has
/// one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedName(Arc<str>);

impl SharedName {
    /// Creates the name of a circuit.
    #[must_use]
    pub fn new(breaker: &str, key: Option<&str>) -> Self {
        let whole = match key {
            None => encode(breaker),
            Some(key) => format!("{}/{}", encode(breaker), encode(key)),
        };
        Self(Arc::from(shorten(whole)))
    }

    /// Reads a name from the store. Returns `None` if it is no encoded name.
    #[must_use]
    pub fn read(encoded: &str) -> Option<Self> {
        let parts = || encoded.split('/');
        let is_valid = !encoded.is_empty()
            && encoded.len() <= MAX_BYTES
            && parts().count() <= 2
            && parts().all(|part| decode(part.split('#').next().unwrap_or_default()).is_some());
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

    /// Returns the key; `None` for a circuit without a key, and for a key that was too long to be stored.
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

/// Returns the name, or its begin and a hash if it is too long. The hash is 128 bits of FNV-1a, which is the same in
/// every process and version.
fn shorten(name: String) -> String {
    const KEPT: usize = MAX_BYTES - 40;
    if name.len() <= MAX_BYTES {
        return name;
    }
    let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    // An escape is not cut: `%` and its two digits stay together.
    let kept = name.get(..KEPT).unwrap_or_default();
    let kept = match kept.rfind('%') {
        Some(escape) if kept.len() - escape < 3 => kept.get(..escape).unwrap_or_default(),
        Some(_) | None => kept,
    };
    format!("{kept}#{hash:032x}")
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
    fn long_keys_have_different_names_of_bounded_length() {
        let names =
            ["a", "b"].map(|end| SharedName::new("host", Some(&format!("{}{end}", "\u{e4}".repeat(600)))));
        assert_ne!(names[0], names[1]);
        for name in names {
            assert!(name.as_str().len() <= MAX_BYTES);
            assert_eq!(name.breaker(), "host");
            assert_eq!(SharedName::read(name.as_str()), Some(name));
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in ["", "a/b/c", "%", "a%zz", &"x".repeat(1025)] {
            assert_eq!(SharedName::read(name), None, "{name}");
        }
    }
}
