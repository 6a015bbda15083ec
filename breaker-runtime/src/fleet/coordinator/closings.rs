//! The circuits that operators have closed, until this process has followed.
//!
//! The circuit of such a record may be closed in this process as well, and may still admit only a share of its calls.
//! Then nothing but the change of the record shows that there is something to do.

use std::collections::BTreeSet;

use crate::fleet::protocol::{SharedName, SharedRecord};

/// The circuits that operators have closed since this process belongs to the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Closings {
    /// `true` once all records have been read, so that a changed one is news.
    is_current: bool,
    names: BTreeSet<SharedName>,
}

impl Closings {
    /// Takes note of a record that replaces `known`.
    pub(super) fn observe(&mut self, name: &SharedName, record: &SharedRecord, known: &SharedRecord) {
        if self.is_current && record.is_closed_by_operator() && record.epoch > known.epoch {
            self.names.insert(name.clone());
        }
    }

    /// Takes note that all records have been read.
    pub(super) const fn begin(&mut self) {
        self.is_current = true;
    }

    pub(super) fn contains(&self, name: &SharedName) -> bool {
        self.names.contains(name)
    }

    /// Removes a circuit. Returns `true` if an operator has closed it.
    pub(super) fn take(&mut self, name: &SharedName) -> bool {
        self.names.remove(name)
    }
}
