//! A list of statics that is made before `main`: it allocates nothing, and whoever is added twice is in it
//! once. Not for loom: nobody races for it.

use std::fmt;
use std::iter::successors;
use std::sync::{Mutex, PoisonError};

use once_cell::sync::OnceCell;

/// All that were added, the last one first.
pub(crate) struct List<T: 'static> {
    last: Mutex<Option<&'static T>>,
}

/// Whom each one leads to.
pub(crate) struct Link<T: 'static> {
    before: OnceCell<Option<&'static T>>,
}

pub(crate) trait Linked: Sized + 'static {
    fn link(&self) -> &Link<Self>;
}

impl<T: Linked> List<T> {
    pub(crate) const fn new() -> Self {
        Self { last: Mutex::new(None) }
    }

    pub(crate) fn add(&self, item: &'static T) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if item.link().before.set(*last).is_ok() {
            *last = Some(item);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        successors(last, |item| item.link().before.get().copied().flatten())
    }
}

impl<T> Link<T> {
    #[expect(
        clippy::declare_interior_mutable_const,
        reason = "worked out once, and not anew for each static"
    )]
    pub(crate) const UNSET: Self = Self { before: OnceCell::new() };
}

impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Link")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item(u8, Link<Self>);

    impl Linked for Item {
        fn link(&self) -> &Link<Self> {
            &self.1
        }
    }

    #[test]
    fn whoever_is_added_twice_is_in_the_list_once() {
        static ITEMS: [Item; 3] = [Item(0, Link::UNSET), Item(1, Link::UNSET), Item(2, Link::UNSET)];
        let list = List::new();
        for item in ITEMS.iter().chain(&ITEMS) {
            list.add(item);
        }
        assert_eq!(list.iter().map(|item| item.0).collect::<Vec<_>>(), [2, 1, 0]);
    }
}
