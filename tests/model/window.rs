//! The window of the reference model: a list of calls.

use crate::policy::Span;

/// The calls in the window, oldest first.
#[derive(Debug)]
pub(crate) struct Window {
    span: Span,
    calls: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    /// Number of the slice in which the call ended; a time-based window has ten slices.
    slice: u64,
    failed: bool,
    slow: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl Window {
    pub(crate) fn new(span: Span) -> Self {
        Self { span, calls: Vec::new() }
    }

    pub(crate) fn add(&mut self, failed: bool, slow: bool, now: u64) {
        self.calls.push(Counted { slice: slice(self.span, now), failed, slow });
        self.forget(now);
    }

    /// Removes calls that are too old.
    pub(crate) fn forget(&mut self, now: u64) {
        match self.span {
            Span::None => self.calls.clear(),
            Span::Calls(size) => {
                while self.calls.len() > size as usize {
                    self.calls.remove(0);
                }
            }
            Span::Time(_) => self.calls.retain(|call| call.slice + 10 > slice(self.span, now)),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }

    /// Changes the extent. An old slice that overlaps several new ones moves to the one in which it starts.
    pub(crate) fn set_config(&mut self, span: Span, now: u64) {
        match (self.span, span) {
            (Span::Calls(_), Span::Calls(_)) => {}
            (Span::Time(old), Span::Time(_)) => {
                for call in &mut self.calls {
                    let first_moment = call.slice * old.div_ceil(10);
                    call.slice = slice(span, first_moment.min(now));
                }
            }
            _ => self.calls.clear(),
        }
        self.span = span;
        self.forget(now);
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for call in &self.calls {
            counts.calls += 1;
            counts.failures += u64::from(call.failed);
            counts.slow += u64::from(call.slow);
        }
        counts
    }
}

fn slice(span: Span, now: u64) -> u64 {
    match span {
        Span::Time(time) => now / time.div_ceil(10),
        Span::None | Span::Calls(_) => 0,
    }
}
