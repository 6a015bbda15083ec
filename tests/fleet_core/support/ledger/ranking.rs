//! A sorted set of Redis: each member has a score, and members are listed by score.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ranking<K: Ord> {
    scores: BTreeMap<K, u64>,
    order: BTreeMap<u64, BTreeSet<K>>,
}

impl<K: Ord + Clone> Ranking<K> {
    pub(super) const fn new() -> Self {
        Self { scores: BTreeMap::new(), order: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, member: K, score: u64) {
        self.remove(&member);
        self.order.entry(score).or_default().insert(member.clone());
        self.scores.insert(member, score);
    }

    pub(super) fn remove(&mut self, member: &K) {
        let Some(score) = self.scores.remove(member) else { return };
        if let Some(equals) = self.order.get_mut(&score) {
            equals.remove(member);
            if equals.is_empty() {
                self.order.remove(&score);
            }
        }
    }

    pub(super) fn remove_below(&mut self, score: u64) {
        while let Some(lowest) = self.order.first_entry().filter(|lowest| *lowest.key() < score) {
            for member in lowest.remove() {
                self.scores.remove(&member);
            }
        }
    }

    pub(super) fn remove_above(&mut self, score: u64) {
        while let Some(highest) = self.order.last_entry().filter(|highest| *highest.key() > score) {
            for member in highest.remove() {
                self.scores.remove(&member);
            }
        }
    }

    pub(super) fn contains(&self, member: &K) -> bool {
        self.scores.contains_key(member)
    }

    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(super) fn highest(&self) -> Option<u64> {
        self.order.last_key_value().map(|(score, _)| *score)
    }

    /// Returns the number of members with a score between these, both included.
    pub(super) fn count_within(&self, lowest: u64, highest: u64) -> usize {
        let is_within = |score: u64| (lowest..=highest).contains(&score);
        let ends = self.order.first_key_value().zip(self.order.last_key_value());
        if ends.is_none_or(|((first, _), (last, _))| is_within(*first) && is_within(*last)) {
            return self.scores.len();
        }
        self.order.range(lowest..=highest).map(|(_, members)| members.len()).sum()
    }

    /// Returns the members with a higher score, lowest first.
    pub(super) fn after(&self, score: u64) -> impl Iterator<Item = (u64, &K)> + Clone {
        self.order
            .range(score.saturating_add(1)..)
            .flat_map(|(score, members)| members.iter().map(|member| (*score, member)))
    }

    /// Returns the members with a lower score, lowest first.
    pub(super) fn below(&self, score: u64) -> impl Iterator<Item = &K> {
        self.order.range(..score).flat_map(|(_, members)| members)
    }
}
