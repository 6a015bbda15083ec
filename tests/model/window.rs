//! The window of the obvious breaker: a list of calls.

use crate::policy::Span;

/// Oldest first.
#[derive(Debug)]
pub(crate) struct Window {
    span: Span,
    calls: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    /// In which tenth of a window of time it ended.
    part: u64,
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
        self.calls.push(Counted { part: part(self.span, now), failed, slow });
        self.forget(now);
    }

    /// Lets go of what is too old.
    pub(crate) fn forget(&mut self, now: u64) {
        match self.span {
            Span::None => self.calls.clear(),
            Span::Calls(size) => {
                while self.calls.len() > size as usize {
                    self.calls.remove(0);
                }
            }
            Span::Time(_) => self.calls.retain(|call| call.part + 10 > part(self.span, now)),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }

    /// A part that falls into several new ones goes into the one in which it ends.
    pub(crate) fn set_config(&mut self, span: Span, now: u64) {
        match (self.span, span) {
            (Span::Calls(_), Span::Calls(_)) => {}
            (Span::Time(old), Span::Time(_)) => {
                for call in &mut self.calls {
                    let last_moment = (call.part + 1) * old.div_ceil(10) - 1;
                    call.part = part(span, last_moment.min(now));
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

fn part(span: Span, now: u64) -> u64 {
    match span {
        Span::Time(time) => now / time.div_ceil(10),
        Span::None | Span::Calls(_) => 0,
    }
}
