//! The name of a circuit breaker: never empty, at most 255 bytes, cheap to clone.
//!
//! Names are equal if their texts are, no matter how they are stored.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::ConfigError;

/// Maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The name of a circuit breaker.
#[derive(Clone)]
pub enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Name {
    /// Creates a name from a text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is empty or longer than 255 bytes.
    pub(crate) fn new(text: Cow<'static, str>) -> Result<Self, ConfigError> {
        Self::check(&text)?;
        Ok(match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Shared(Arc::from(text)),
        })
    }

    /// Checks the length of a text.
    pub(crate) const fn check(text: &str) -> Result<(), ConfigError> {
        match text.len() {
            0 => Err(ConfigError::new("the name of a circuit breaker must not be empty")),
            1..=MAX_NAME_BYTES => Ok(()),
            _ => Err(ConfigError::new("the name of a circuit breaker must be at most 255 bytes long")),
        }
    }

    /// Returns `text` with `suffix`. If that is longer than 255 bytes, it is cut at the front.
    pub(crate) fn with_suffix(text: &str, suffix: &str) -> String {
        const CUT: &str = "..";
        let name = format!("{text}{suffix}");
        if name.len() <= MAX_NAME_BYTES {
            return name;
        }
        let mut tails = name.char_indices().filter_map(|(start, _)| name.get(start..));
        let tail = tails.find(|tail| tail.len() <= MAX_NAME_BYTES - CUT.len()).unwrap_or_default();
        format!("{CUT}{tail}")
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

/// Shows the text only: how it is stored is of no interest to a reader.
impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::Name;

    #[test]
    fn a_name_with_a_suffix_is_cut_at_the_front_if_it_is_too_long() {
        assert_eq!(Name::with_suffix("shop::get", " (a.rs:1:1)"), "shop::get (a.rs:1:1)");
        for text in ["x".repeat(255), "\u{e9}".repeat(127), String::new()] {
            let name = Name::with_suffix(&text, &format!(" ({}:1:1)", "d".repeat(251 - text.len() / 2)));
            assert!(name.len() <= 255 && name.len() >= 253 && name.starts_with(".."), "{name}");
            assert!(name.ends_with("d:1:1)"), "{name}");
        }
    }

    #[test]
    fn debug_shows_the_text_no_matter_how_it_is_stored() {
        for text in [Cow::Borrowed("search"), Cow::Owned("search".to_owned())] {
            assert_eq!(format!("{:?}", Name::new(text).unwrap()), r#""search""#);
        }
    }
}
