//! The identity of a process in a fleet.

use std::fmt;
use std::sync::Arc;

/// The longest label of a process, in bytes.
const MAX_LABEL_BYTES: usize = 64;

/// The identity of a process: a label for people, and a random number that makes it unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(Arc<str>);

impl InstanceId {
    /// Creates an identity from a label, which is cut after 64 bytes, and a number.
    #[must_use]
    pub fn new(label: &str, unique: u64) -> Self {
        let mut label = label.to_owned();
        while label.len() > MAX_LABEL_BYTES {
            label.pop();
        }
        Self(Arc::from(format!("{label}:{unique:08x}")))
    }

    /// Returns the identity with this text, as another process wrote it.
    pub(super) const fn from_text(text: Arc<str>) -> Self {
        Self(text)
    }

    /// Returns the text of the identity.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}
