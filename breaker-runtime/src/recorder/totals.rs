//! The numbers of calls that were written and lost.

use std::fmt;

/// The counts of the calls that a recording has written and lost. Displayed as the last comment of a trace.
///
/// ```
/// use breaker_runtime::recorder::{Recorder, Recording};
/// use breaker_runtime::{Config, Outcome, Registry};
///
/// let registry = Registry::new();
/// let payment = registry.register("payment", Config::default())?;
/// let Recording { recorder, writer } = Recorder::builder("payment").start(&registry)?;
/// payment.try_acquire()?.settle(Outcome::Success);
/// drop(recorder);
///
/// let totals = writer.run(std::io::sink())?;
/// assert_eq!((totals.calls, totals.lost_calls), (1, 0));
/// assert_eq!(totals.to_string(), "wrote 1 calls and 0 rejections, lost 0 calls and 0 rejections");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceTotals {
    /// Number of calls that were written.
    pub calls: u64,
    /// Number of rejections that were written.
    pub rejections: u64,
    /// Number of calls that were lost because the buffer was full.
    pub lost_calls: u64,
    /// Number of rejections that were lost because their half of the buffer, or all of it, was full.
    pub lost_rejections: u64,
}

impl fmt::Display for TraceTotals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, rejections, lost_calls, lost_rejections } = self;
        write!(
            out,
            "wrote {calls} calls and {rejections} rejections, lost {lost_calls} calls and {lost_rejections} rejections"
        )
    }
}
