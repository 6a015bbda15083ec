//! The successes of one thread in each part of a window of time.
//!
//! One thread writes (see `sync/striped.rs`); whoever sums up reads beside it. Proof of a part: before the
//! writer gives it another tag it takes the old one away, then writes the number (release), then the tag.
//! A reader loads the tag, the number (acquire) and the tag again: if it saw the number of the new tag, its
//! second look finds the old tag gone, and it passes over a part that is just being written. All of it
//! belongs to the shape that the line names: the writer takes that away, empties the parts and names the
//! new one (release), and a reader who knows another shape passes over the line.

use super::span::{PARTS, Shape, Tag};
use crate::clock::Moment;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(super) struct Parts {
    shape: AtomicU64,
    /// What the writer wrote last, for itself: while generation and part are the same, it only counts on.
    generation: AtomicU64,
    ends: AtomicU64,
    place: AtomicU32,
    cells: [Cell; PARTS],
}

#[derive(Debug, Default)]
struct Cell {
    /// One more than the tag; zero for none.
    tag: AtomicU64,
    successes: AtomicU64,
}

impl Parts {
    /// Only for the thread that writes these parts.
    #[inline]
    pub(super) fn succeed(&self, generation: u64, shape: Shape, now: Moment) {
        let is_same = self.shape.load(Ordering::Relaxed) == shape.bits()
            && self.generation.load(Ordering::Relaxed) == generation
            && now.nanos() < self.ends.load(Ordering::Relaxed);
        let place = self.place.load(Ordering::Relaxed) as usize;
        match self.cells.get(place) {
            Some(part) if is_same => part.count_on(),
            _ => self.succeed_in_another(generation, shape, now),
        }
    }

    /// How many there are in the window whose last part is `last`.
    pub(super) fn sum(&self, last: Tag, shape: Shape) -> u64 {
        self.iter(shape).filter(|(tag, _)| tag.is_within(last)).map(|(_, successes)| successes).sum()
    }

    /// All parts, with their tags.
    pub(super) fn iter(&self, shape: Shape) -> impl Iterator<Item = (Tag, u64)> {
        let is_same = self.shape.load(Ordering::Acquire) == shape.bits();
        self.cells.iter().filter(move |_| is_same).filter_map(Cell::read)
    }

    #[cold]
    fn succeed_in_another(&self, generation: u64, shape: Shape, now: Moment) {
        if self.shape.load(Ordering::Relaxed) != shape.bits() {
            self.shape.store(0, Ordering::Relaxed);
            for part in &self.cells {
                part.begin(0, 0);
            }
            self.shape.store(shape.bits(), Ordering::Release);
        }
        let Some((tag, ends)) = shape.part().map(|part| (part.tag(generation, now), part.end_of(now))) else {
            return;
        };
        let Some(part) = self.cells.get(tag.place() as usize) else {
            return;
        };
        match part.tag.load(Ordering::Relaxed).cmp(&(tag.bits() + 1)) {
            std::cmp::Ordering::Less => part.begin(tag.bits() + 1, 1),
            std::cmp::Ordering::Equal => part.count_on(),
            // A late result of an older generation.
            std::cmp::Ordering::Greater => return,
        }
        self.generation.store(generation, Ordering::Relaxed);
        self.ends.store(ends.nanos(), Ordering::Relaxed);
        self.place.store(tag.place(), Ordering::Relaxed);
    }
}

impl Cell {
    #[inline]
    fn count_on(&self) {
        self.successes.store(self.successes.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    fn begin(&self, tag: u64, successes: u64) {
        self.tag.store(0, Ordering::Relaxed);
        self.successes.store(successes, Ordering::Release);
        self.tag.store(tag, Ordering::Release);
    }

    fn read(&self) -> Option<(Tag, u64)> {
        let tag = self.tag.load(Ordering::Acquire);
        let successes = self.successes.load(Ordering::Acquire);
        let is_same = self.tag.load(Ordering::Relaxed) == tag;
        (is_same && tag > 0).then(|| (Tag::from_bits(tag - 1), successes))
    }
}
