//! Writes the buffer to a file or to any other output.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::error::TraceError;
use super::session::Session;
use super::tap::{Entry, Losses};
use super::totals::TraceTotals;
use super::trace_line::{HEADER, RecordedCall, RecordedOutcome};

/// Size of the text that is collected before it is written, in bytes.
const PAGE: usize = 64 * 1024;

/// The writer of a trace. [`run`](Self::run) writes it. Dropping the writer stops the recording.
///
/// ```
/// use breaker_runtime::recorder::{Recorder, Recording};
/// use breaker_runtime::{Config, Outcome, Registry};
///
/// let registry = Registry::new();
/// let payment = registry.register("payment", Config::default())?;
/// let Recording { recorder, writer } = Recorder::builder("payment").start(&registry)?;
/// let thread = std::thread::spawn(move || writer.run(std::io::sink()));
/// payment.try_acquire()?.settle(Outcome::Success);
/// drop(recorder);
/// assert_eq!(thread.join().unwrap()?.calls, 1);
///
/// let Recording { recorder, writer } = Recorder::builder("payment").start(&registry)?;
/// drop(writer);
/// assert!(!recorder.is_recording());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a writer stops the recording; call run() on a thread of its own"]
pub struct TraceWriter {
    pub(super) session: Arc<Session>,
    pub(super) entries: Receiver<Entry>,
    /// The comments at the start of the trace.
    pub(super) heading: String,
}

/// A trace that is being written.
struct OpenTrace<'a, W> {
    session: &'a Session,
    output: W,
    /// The text that has not been written.
    page: String,
    totals: TraceTotals,
}

impl TraceWriter {
    /// Writes the calls to `output` until the recording stops, and returns how many there were.
    ///
    /// It blocks the thread. Run it on a thread of its own or with `tokio::task::spawn_blocking`, not in an async
    /// function. It collects up to 64 KiB before it writes, so `output` needs no buffer. Whenever there is no more to
    /// write, it writes and flushes everything that it has collected, and waits for the next call. After the
    /// [`Recorder`](super::Recorder) has been dropped, it writes the calls that are in the buffer, flushes, and
    /// returns.
    ///
    /// # Errors
    ///
    /// Returns the first error of `output`. The recording then stops, and the calls in the buffer are lost. A panic of
    /// `output` stops it too, and reaches the caller.
    ///
    /// ```
    /// use breaker_runtime::recorder::{Recorder, Recording};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let Recording { recorder, writer } = Recorder::builder("payment").start(&registry)?;
    /// payment.force_open();
    /// assert!(payment.try_acquire().is_err());
    /// drop(recorder);
    ///
    /// let mut trace = Vec::new();
    /// writer.run(&mut trace)?;
    /// let trace = String::from_utf8(trace)?;
    /// assert!(trace.contains("# failure_threshold = 5\n"));
    /// assert!(trace.contains(",0,rejected,\n"));
    /// assert!(trace.ends_with("# end: wrote 0 calls and 1 rejections, lost 0 calls and 0 rejections\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(mut self, output: impl Write) -> Result<TraceTotals, TraceError> {
        let page = std::mem::take(&mut self.heading) + HEADER;
        let trace = OpenTrace { session: &self.session, output, page, totals: TraceTotals::default() };
        trace.write_all(&self.entries).map_err(|error| TraceError::new(&self.session.breaker_name, error))
    }
}

impl<W: Write> OpenTrace<'_, W> {
    fn write_all(mut self, entries: &Receiver<Entry>) -> io::Result<TraceTotals> {
        self.write_page()?;
        self.output.flush()?;
        while let Some(entry) = self.next(entries)? {
            match entry {
                Entry::Call(call) => self.add(&call),
                Entry::Stop => {}
            }
            if self.page.len() >= PAGE {
                self.write_page()?;
            }
        }
        self.add_losses();
        let totals = self.totals;
        _ = writeln!(self.page, "# end: {totals}");
        self.write_page()?;
        self.output.flush()?;
        Ok(totals)
    }

    /// Returns the next entry, or `None` if the recording has stopped and the buffer is empty. Writes what has been
    /// collected before it waits.
    fn next(&mut self, entries: &Receiver<Entry>) -> io::Result<Option<Entry>> {
        match entries.try_recv() {
            Ok(entry) => return Ok(Some(entry)),
            Err(TryRecvError::Disconnected) => return Ok(None),
            Err(TryRecvError::Empty) => {}
        }
        self.add_losses();
        self.write_page()?;
        self.output.flush()?;
        if !self.session.is_recording() {
            // The last calls may have been added before the recording stopped.
            return Ok(entries.try_recv().ok());
        }
        Ok(entries.recv().ok())
    }

    fn add(&mut self, call: &RecordedCall) {
        call.write_to(&mut self.page);
        match call.outcome {
            RecordedOutcome::Ended(_) => self.totals.calls += 1,
            RecordedOutcome::Rejected => {
                self.totals.rejections += 1;
                self.session.buffer.release_rejection();
            }
        }
    }

    /// Adds a comment about the losses that no comment has stated yet.
    fn add_losses(&mut self) {
        let Losses { calls, rejections } = self.session.buffer.losses();
        let new_calls = calls - self.totals.lost_calls;
        let new_rejections = rejections - self.totals.lost_rejections;
        if new_calls + new_rejections > 0 {
            _ = writeln!(
                self.page,
                "# lost here because the buffer was full: {new_calls} calls, {new_rejections} rejections"
            );
        }
        (self.totals.lost_calls, self.totals.lost_rejections) = (calls, rejections);
    }

    fn write_page(&mut self) -> io::Result<()> {
        self.output.write_all(self.page.as_bytes())?;
        self.page.clear();
        Ok(())
    }
}

impl Drop for TraceWriter {
    fn drop(&mut self) {
        self.session.stop();
    }
}

impl fmt::Debug for TraceWriter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TraceWriter").field("circuit", &self.session.breaker_name).finish_non_exhaustive()
    }
}
