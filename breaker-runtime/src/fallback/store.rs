//! The last good values of one function with one circuit: at most one for each key, and at most `max_keys`.
//!
//! This module does not know circuits or results. No lock is held while a value is cloned or dropped. A value that
//! panics when it is dropped does not affect the call that replaces it, nor the one that frees the circuit.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{KeyHasher, Mutex, catch_panic, lock};

/// The limits of a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreLimits {
    /// Maximum age of a value that is returned, inclusive.
    pub(crate) max_age: Duration,
    /// Maximum number of values.
    pub(crate) max_keys: NonZeroU32,
}

/// The key of a value: a text, or `None` if the key of the function is `None` or the function has one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValueKey(pub(crate) Option<Arc<str>>);

/// The last good values, each of one key.
#[derive(Debug)]
pub(crate) struct LastGoodStore<T> {
    limits: StoreLimits,
    values: Mutex<Values<T>>,
}

/// A value that is not too old.
#[derive(Debug)]
pub(crate) struct FoundValue<T> {
    pub(crate) value: Arc<T>,
    pub(crate) age: Duration,
}

#[derive(Debug)]
struct Values<T> {
    by_key: HashMap<ValueKey, Entry<T>, KeyHasher>,
    /// The key of each entry by its number: the one that was stored longest ago is first.
    by_number: BTreeMap<u64, ValueKey>,
    next_number: u64,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    stored_at: Moment,
    number: u64,
}

impl<T> LastGoodStore<T> {
    pub(crate) fn new(limits: StoreLimits) -> Self {
        let values = Values { by_key: HashMap::default(), by_number: BTreeMap::new(), next_number: 0 };
        Self { limits, values: Mutex::new(values) }
    }

    /// Stores a value, unless that of a call that ended later is stored. The value of a new key replaces the oldest
    /// value if that is too old or there are `max_keys`.
    pub(crate) fn store(&self, key: &ValueKey, value: T, now: Moment) {
        let value = Arc::new(value);
        let removed = lock(&self.values).insert(key, value, now, self.limits);
        // Dropped after the lock is released.
        catch_panic(|| drop(removed));
    }

    /// Returns the value of `key`, unless it is too old.
    pub(crate) fn find(&self, key: &ValueKey, now: Moment) -> Option<FoundValue<T>> {
        let values = lock(&self.values);
        let entry = values.by_key.get(key).filter(|entry| entry.is_usable(now, self.limits.max_age))?;
        Some(FoundValue { value: Arc::clone(&entry.value), age: now.since(entry.stored_at) })
    }
}

impl<T> Drop for LastGoodStore<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut lock(&self.values).by_key);
        for value in values.into_values() {
            catch_panic(|| drop(value));
        }
    }
}

impl<T> Values<T> {
    /// Returns the value that is no longer stored.
    fn insert(&mut self, key: &ValueKey, value: Arc<T>, now: Moment, limits: StoreLimits) -> Option<Arc<T>> {
        if let Some(entry) = self.by_key.get_mut(key) {
            if entry.stored_at > now {
                return Some(value);
            }
            entry.stored_at = now;
            // A function with one value never changes the order.
            if entry.number + 1 != self.next_number {
                self.by_number.remove(&entry.number);
                self.by_number.insert(self.next_number, key.clone());
                entry.number = self.next_number;
                self.next_number += 1;
            }
            return Some(std::mem::replace(&mut entry.value, value));
        }
        let removed = self.remove_oldest_if_needed(now, limits);
        self.by_number.insert(self.next_number, key.clone());
        self.by_key.insert(key.clone(), Entry { value, stored_at: now, number: self.next_number });
        self.next_number += 1;
        removed
    }

    /// Removes the value that was stored longest ago if it is too old or there are `max_keys`.
    fn remove_oldest_if_needed(&mut self, now: Moment, limits: StoreLimits) -> Option<Arc<T>> {
        let oldest = self.by_number.first_entry()?;
        let is_usable =
            self.by_key.get(oldest.get()).is_some_and(|entry| entry.is_usable(now, limits.max_age));
        if is_usable && self.by_key.len() < limits.max_keys.get() as usize {
            return None;
        }
        self.by_key.remove(&oldest.remove()).map(|entry| entry.value)
    }
}

impl<T> Entry<T> {
    fn is_usable(&self, now: Moment, max_age: Duration) -> bool {
        !now.is_later_by_more_than(max_age, self.stored_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(max_keys: u32) -> LastGoodStore<u32> {
        let max_keys = NonZeroU32::new(max_keys).expect("it is positive");
        LastGoodStore::new(StoreLimits { max_age: Duration::from_nanos(10), max_keys })
    }

    fn key(text: &str) -> ValueKey {
        ValueKey(Some(text.into()))
    }

    fn found(store: &LastGoodStore<u32>, text: &str, now: u64) -> Option<u32> {
        store.find(&key(text), Moment::from_nanos(now)).map(|found| *found.value)
    }

    #[test]
    fn the_value_that_was_stored_or_refreshed_longest_ago_is_removed_first() {
        let store = store(2);
        for (text, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            store.store(&key(text), value, Moment::from_nanos(1));
        }
        assert_eq!(
            [found(&store, "a", 1), found(&store, "b", 1), found(&store, "c", 1)],
            [Some(3), None, Some(4)]
        );
    }

    #[test]
    fn a_new_key_replaces_the_oldest_value_if_that_is_too_old() {
        let store = store(9);
        store.store(&key("a"), 1, Moment::from_nanos(0));
        store.store(&key("b"), 2, Moment::from_nanos(10));
        assert_eq!(lock(&store.values).by_key.len(), 2);
        store.store(&key("c"), 3, Moment::from_nanos(11));
        let values = lock(&store.values);
        assert_eq!((values.by_key.len(), values.by_number.len()), (2, 2));
        assert!(!values.by_key.contains_key(&key("a")));
    }

    #[test]
    fn the_value_of_the_call_that_ended_last_is_kept() {
        let store = store(1);
        store.store(&key("a"), 2, Moment::from_nanos(5));
        store.store(&key("a"), 1, Moment::from_nanos(4));
        assert_eq!(found(&store, "a", 5), Some(2));
    }

    #[test]
    fn a_value_can_be_used_up_to_exactly_its_maximum_age() {
        let store = store(1);
        store.store(&key("a"), 1, Moment::from_nanos(5));
        assert_eq!((found(&store, "a", 15), found(&store, "a", 16)), (Some(1), None));
    }
}
