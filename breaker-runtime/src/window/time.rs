//! The last while, in parts: what is older than the window is forgotten a tenth of it at a time, and a
//! window without calls is empty.
//!
//! Each thread counts its successes for itself; failures, slow calls, and the successes of threads that
//! have no place of their own are counted under the lock.

use std::collections::VecDeque;

use super::parts::Parts;
use super::span::{Part, Shape, Tag};
use super::{Bad, Counts};
use crate::clock::Moment;
use crate::sync::striped::{Mine, Striped};

#[derive(Debug)]
pub(super) struct TimeWindow {
    successes: Striped<Parts>,
}

/// What is counted under the lock, oldest part first.
#[derive(Debug, Default)]
pub(super) struct Buckets(VecDeque<Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tag: Tag,
    successes: u64,
    /// Failures and slow calls.
    bad: Counts,
}

impl TimeWindow {
    pub(super) fn new() -> Self {
        Self { successes: Striped::new() }
    }

    /// Counts without the lock. Returns false if this thread has no place to do so.
    #[inline]
    pub(super) fn succeed(&self, generation: u64, shape: Shape, now: Moment) -> bool {
        match self.successes.alone() {
            Some(parts) => parts.succeed(generation, shape, now),
            None => return self.succeed_elsewhere(generation, shape, now),
        }
        true
    }

    #[cold]
    fn succeed_elsewhere(&self, generation: u64, shape: Shape, now: Moment) -> bool {
        match self.successes.mine() {
            Mine::Alone(parts) => parts.succeed(generation, shape, now),
            Mine::Shared(_) => return false,
        }
        true
    }

    /// The successes in the window whose last part is `last`.
    pub(super) fn successes(&self, last: Tag, shape: Shape) -> u64 {
        self.successes.iter().map(|parts| parts.sum(last, shape)).sum()
    }

    /// The successes of all threads in the window, for when the parts get another length.
    pub(super) fn carry(&self, last: Tag, shape: Shape, buckets: &mut Buckets) {
        for (tag, successes) in self.successes.iter().flat_map(|parts| parts.iter(shape)) {
            if tag.is_within(last) {
                buckets.0.push_back(Bucket { tag, successes, bad: Counts::default() });
            }
        }
        buckets.0.make_contiguous().sort_by_key(|bucket| bucket.tag);
    }
}

impl Buckets {
    /// A success of a thread that has no place of its own.
    pub(super) fn succeed(&mut self, tag: Tag) {
        if let Some(bucket) = self.bucket(tag) {
            bucket.successes += 1;
        }
    }

    /// A call that was no plain success. All such calls in the window; nothing if it comes too late.
    pub(super) fn add(&mut self, tag: Tag, bad: Bad) -> Option<Counts> {
        self.bucket(tag)?.bad.add(Counts { calls: 1, failures: bad.failures(), slow: bad.slow() });
        Some(self.forget_before(tag))
    }

    /// Keeps the window whose last part is `last`, and says what is in it but for the successes.
    pub(super) fn forget_before(&mut self, last: Tag) -> Counts {
        while let Some(oldest) = self.0.front()
            && !oldest.tag.is_within(last)
        {
            self.0.pop_front();
        }
        self.bad_ones(last)
    }

    /// Failures and slow calls in the window whose last part is `last`.
    pub(super) fn bad_ones(&self, last: Tag) -> Counts {
        let mut sum = Counts::default();
        for bucket in self.within(last) {
            sum.add(bucket.bad);
        }
        sum
    }

    pub(super) fn successes(&self, last: Tag) -> u64 {
        self.within(last).map(|bucket| bucket.successes).sum()
    }

    /// The same calls in parts of another length.
    pub(super) fn retagged(mut self, generation: u64, (before, after): (Part, Part), now: Moment) -> Self {
        for bucket in &mut self.0 {
            bucket.tag = before.retag(generation, bucket.tag, after, now);
        }
        self
    }

    fn within(&self, last: Tag) -> impl Iterator<Item = &Bucket> {
        self.0.iter().filter(move |bucket| bucket.tag.is_within(last) && bucket.tag <= last)
    }

    /// The bucket of this part, the youngest; none for an older one, which only a late result of an older
    /// generation has.
    fn bucket(&mut self, tag: Tag) -> Option<&mut Bucket> {
        let newest = self.0.back().map(|newest| newest.tag);
        if newest.is_some_and(|newest| newest > tag) {
            return None;
        }
        if newest != Some(tag) {
            self.0.push_back(Bucket { tag, successes: 0, bad: Counts::default() });
        }
        self.0.back_mut()
    }
}
