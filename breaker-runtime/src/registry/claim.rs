//! What a place in the code says about a name, and whether two of them agree.

use std::num::NonZeroU32;
use std::panic::Location;

use super::declaration::Declaration;
use crate::config::{Conflict, Name, Settings};

/// A name, and how its breaker is to be. It is what was declared that must agree, not what was applied since.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(super) name: Name,
    pub(super) settings: Settings,
    pub(super) max_keys: Option<NonZeroU32>,
    pub(super) origin: Origin,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// Registered by hand. Two places may choose one name on purpose.
    Place(&'static Location<'static>),
    /// Declared by the attribute.
    Function(&'static Declaration),
}

impl Claim {
    /// What is wrong with `second`, if this is the claim that stands.
    pub(super) fn conflict(&self, second: &Self) -> Option<Conflict> {
        let agree = *self.settings == *second.settings && self.max_keys == second.max_keys;
        let by_accident = self.origin.is_accident_with(second.origin);
        (!agree || by_accident)
            .then(|| Conflict::new(self.name.as_str(), self.origin.location(), second.origin.location()))
    }
}

impl Origin {
    const fn location(self) -> &'static Location<'static> {
        match self {
            Self::Place(place) => place,
            Self::Function(declaration) => declaration.location(),
        }
    }

    /// Whether two functions only happen to have one path: nobody meant them to share a circuit. By address,
    /// for functions made by one macro are at one place too.
    fn is_accident_with(self, second: Self) -> bool {
        match (self, second) {
            (Self::Function(first), Self::Function(second)) => {
                !first.has_chosen_name() && !second.has_chosen_name() && !std::ptr::eq(first, second)
            }
            (Self::Place(_), _) | (_, Self::Place(_)) => false,
        }
    }
}
