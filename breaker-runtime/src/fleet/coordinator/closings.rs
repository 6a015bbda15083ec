//! The circuits that operators have closed, until this process has followed.
//!
//! The circuit of such a record may be closed in this process as well, and may still admit only a share of its calls.
//! Then nothing but the change of the record shows that there is something to do.

use std::collections::BTreeSet;

use super::cache::Cache;
use crate::fleet::protocol::{SharedName, SharedRecord};

/// The circuits that operators have closed since this process belongs to the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Closings {
    /// `true` once all records have been read, so that a changed one is news.
    is_current: bool,
    names: BTreeSet<SharedName>,
}

impl Closings {
    /// Returns the circuits that operators have closed according to these records and not to the known ones.
    pub(super) fn news(&self, records: &[(SharedName, SharedRecord)], cache: &Cache) -> Vec<SharedName> {
        let is_news = |(name, record): &&(SharedName, SharedRecord)| {
            self.is_current && record.is_closed_by_operator() && record.epoch > cache.get(name).epoch
        };
        records.iter().filter(is_news).map(|(name, _)| name.clone()).collect()
    }

    /// Adds circuits whose records have been applied.
    pub(super) fn add(&mut self, news: Vec<SharedName>, applied: &[SharedName]) {
        self.names.extend(news.into_iter().filter(|name| applied.contains(name)));
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
