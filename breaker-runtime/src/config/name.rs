//! The name of a circuit breaker: never empty, at most 255 bytes, cheap to clone.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::sync::Arc;

use super::ConfigError;

const LONGEST: usize = 255;

#[derive(Clone, Debug)]
pub(crate) enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Name {
    pub(crate) fn new(text: Cow<'static, str>) -> Result<Self, ConfigError> {
        Self::check(&text)?;
        Ok(match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Shared(Arc::from(text)),
        })
    }

    pub(crate) const fn check(text: &str) -> Result<(), ConfigError> {
        match text.len() {
            0 => Err(ConfigError::new("the name of a circuit breaker must not be empty")),
            1..=LONGEST => Ok(()),
            _ => Err(ConfigError::new("the name of a circuit breaker must be at most 255 bytes long")),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
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
