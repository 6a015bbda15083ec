//! A linked list of statics that is filled before `main`.
//!
//! Adding an item allocates nothing, and an item that is added twice is in the list once. The list is not part of
//! the loom tests, so it uses the standard library's lock.

use std::fmt;
use std::iter::successors;
use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;

/// A list of statics, the last added first.
pub(crate) struct List<T: 'static> {
    last: Mutex<Option<&'static T>>,
}

/// The link from one item to the item added before it.
pub(crate) struct Link<T: 'static> {
    previous: OnceCell<Option<&'static T>>,
}

/// An item that contains its link.
pub(crate) trait Linked: Sized + 'static {
    fn link(&self) -> &Link<Self>;
}

impl<T: Linked> List<T> {
    pub(crate) const fn new() -> Self {
        Self { last: Mutex::new(None) }
    }

    /// Adds `item`, unless it is in the list.
    pub(crate) fn add(&self, item: &'static T) {
        let mut last = self.lock();
        if item.link().previous.set(*last).is_ok() {
            *last = Some(item);
        }
    }

    /// Returns the items that are in the list now.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        items(*self.lock())
    }

    /// Runs `action` with the items, one thread at a time. No item is added meanwhile.
    pub(crate) fn with_all(&self, action: impl FnOnce(Vec<&'static T>)) {
        let last = self.lock();
        action(items(*last).collect());
    }

    fn lock(&self) -> MutexGuard<'_, Option<&'static T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `last` and the items that were added before it.
fn items<T: Linked>(last: Option<&'static T>) -> impl Iterator<Item = &'static T> {
    successors(last, |item| item.link().previous.get().copied().flatten())
}

impl<T> Link<T> {
    #[expect(
        clippy::declare_interior_mutable_const,
        reason = "a constant is evaluated once, and a function for each static"
    )]
    pub(crate) const UNSET: Self = Self { previous: OnceCell::new() };
}

impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Link")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item {
        number: u8,
        link: Link<Self>,
    }

    impl Item {
        const fn new(number: u8) -> Self {
            Self { number, link: Link::UNSET }
        }
    }

    impl Linked for Item {
        fn link(&self) -> &Link<Self> {
            &self.link
        }
    }

    #[test]
    fn an_item_that_is_added_twice_is_in_the_list_once() {
        static ITEMS: [Item; 3] = [Item::new(0), Item::new(1), Item::new(2)];
        let list = List::new();
        for item in ITEMS.iter().chain(&ITEMS) {
            list.add(item);
        }
        assert_eq!(list.iter().map(|item| item.number).collect::<Vec<_>>(), [2, 1, 0]);
    }
}
