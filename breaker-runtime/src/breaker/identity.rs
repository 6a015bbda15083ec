//! The name and the key of a circuit.

use std::sync::Arc;

use super::open_limit::OpenLimit;
use crate::config::Name;

/// The name and key of a circuit. Errors share it, so it keeps neither a circuit nor a listener.
#[derive(Debug)]
pub(crate) enum Identity {
    Alone {
        name: Name,
    },
    Member {
        group: Arc<KeyGroup>,
        /// `None` for the overflow circuit.
        key: Option<Arc<str>>,
    },
}

/// The name and the limit that the circuits of one keyed breaker share.
#[derive(Debug)]
pub(crate) struct KeyGroup {
    name: Name,
    open_limit: OpenLimit,
}

impl Identity {
    /// Returns the identity of a circuit of a keyed breaker; the overflow circuit has no key.
    pub(crate) fn member(group: Arc<KeyGroup>, key: Option<Arc<str>>) -> Self {
        Self::Member { group, key }
    }

    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Alone { name } => name,
            Self::Member { group, .. } => &group.name,
        }
    }

    /// Returns `true` for the circuit of a key, and for an overflow circuit.
    pub(super) const fn is_member(&self) -> bool {
        match self {
            Self::Alone { .. } => false,
            Self::Member { .. } => true,
        }
    }

    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        match self {
            Self::Alone { .. } => None,
            Self::Member { key, .. } => key.as_ref(),
        }
    }

    /// Returns the limit on circuits that reject calls, if the circuit belongs to a keyed breaker.
    pub(super) fn open_limit(&self) -> Option<&OpenLimit> {
        match self {
            Self::Alone { .. } => None,
            Self::Member { group, .. } => Some(group.open_limit()),
        }
    }
}

impl KeyGroup {
    /// Creates the group of a breaker with this `max_open`.
    pub(crate) fn new(name: Name, max_open: f64) -> Self {
        Self { name, open_limit: OpenLimit::new(max_open) }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the limit on circuits that reject calls.
    pub(crate) const fn open_limit(&self) -> &OpenLimit {
        &self.open_limit
    }
}

/// Returns `true` if both texts are equal. Comparing up to 32 bytes here takes fewer instructions than a call of
/// `memcmp`.
#[inline]
pub(super) fn is_same_text(own: &str, other: &str) -> bool {
    let (own, other) = (own.as_bytes(), other.as_bytes());
    if own.len() != other.len() {
        return false;
    }
    match own.len() {
        4..8 => has_same_ends::<4>(own, other),
        8..=16 => has_same_ends::<8>(own, other),
        17..=32 => has_same_ends::<16>(own, other),
        _ => own == other,
    }
}

/// Compares the first and the last `N` bytes, which may overlap.
#[inline]
fn has_same_ends<const N: usize>(own: &[u8], other: &[u8]) -> bool {
    own.first_chunk::<N>() == other.first_chunk() && own.last_chunk::<N>() == other.last_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_equal_only_if_all_bytes_are() {
        // Miri is slow.
        for length in (0..80).step_by(if cfg!(miri) { 7 } else { 1 }) {
            let own = "a".repeat(length);
            assert!(is_same_text(&own, &own.clone()));
            assert!(!is_same_text(&own, &"a".repeat(length + 1)));
            for position in 0..length {
                let mut other = own.clone();
                other.replace_range(position..=position, "b");
                assert!(!is_same_text(&own, &other), "{position} of {length}");
            }
        }
    }
}
