//! A stream that does what a script says, one step for each poll.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

/// The reaction of the stream to one poll.
#[derive(Clone, Debug)]
pub(crate) enum Step<T> {
    Item(T),
    Pending,
    Panic,
}

/// A stream that ends after the last step.
#[derive(Debug)]
pub(crate) struct Scripted<T> {
    steps: VecDeque<Step<T>>,
    /// Set when the stream is dropped.
    pub(crate) is_dropped: Arc<AtomicBool>,
}

pub(crate) fn scripted<T>(steps: impl IntoIterator<Item = Step<T>>) -> Scripted<T> {
    Scripted { steps: steps.into_iter().collect(), is_dropped: Arc::default() }
}

impl<T> Unpin for Scripted<T> {}

impl<T> Stream for Scripted<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        match self.steps.pop_front() {
            Some(Step::Item(item)) => Poll::Ready(Some(item)),
            Some(Step::Pending) => Poll::Pending,
            Some(Step::Panic) => panic!("the stream panics"),
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (1, Some(self.steps.len()))
    }
}

impl<T> Drop for Scripted<T> {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
    }
}

/// Polls a stream once.
pub(crate) fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}
