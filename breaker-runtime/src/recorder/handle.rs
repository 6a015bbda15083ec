//! The handle that stops a recording, and its settings.

use std::fmt::{self, Write as _};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use super::error::{MAX_CAPACITY, RecorderError};
use super::session::Session;
use super::tap::{Buffer, RecorderTaps};
use super::writer::TraceWriter;
use crate::breaker::TapsStart;
use crate::config::{Config, Setting};
use crate::printable::Quoted;
use crate::registry::Registry;

/// Default of [`RecorderBuilder::capacity`].
const DEFAULT_CAPACITY: usize = 10_000;

/// A running recording. Dropping it stops the recording, and [`TraceWriter::run`] returns. See the [module](super).
///
/// ```
/// use breaker_runtime::recorder::{Recorder, Recording};
/// use breaker_runtime::{Config, Outcome, Registry};
///
/// let registry = Registry::new();
/// let payment = registry.register("payment", Config::default())?;
/// let Recording { recorder, writer } = Recorder::builder("payment").capacity(1).start(&registry)?;
/// payment.try_acquire()?.settle(Outcome::Success);
/// payment.try_acquire()?.settle(Outcome::Success);
/// assert_eq!((recorder.circuit(), recorder.lost_calls()), ("payment", 1));
/// assert!(recorder.is_recording());
/// drop(recorder);
/// assert_eq!(writer.run(std::io::sink())?.calls, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a recorder stops the recording"]
pub struct Recorder {
    session: Arc<Session>,
}

/// The settings of a recording. [`start`](Self::start) starts it.
///
/// ```
/// use breaker_runtime::recorder::Recorder;
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let recording = Recorder::builder("search").capacity(50_000).one_in(10).start(&registry)?;
/// assert!(recording.recorder.is_recording());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until start() is called"]
pub struct RecorderBuilder {
    circuit: Arc<str>,
    capacity: usize,
    one_in: u64,
}

/// A recording that has started: the handle that stops it, and the writer, which is moved to a thread.
///
/// ```
/// use breaker_runtime::recorder::{Recorder, Recording};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let Recording { recorder, writer } = Recorder::builder("search").start(&registry)?;
/// let thread = std::thread::spawn(move || writer.run(std::io::sink()));
/// drop(recorder);
/// assert_eq!(thread.join().unwrap()?.calls, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recording {
    /// Stops the recording when it is dropped.
    pub recorder: Recorder,
    /// Writes the calls.
    pub writer: TraceWriter,
}

impl Recorder {
    /// Returns the settings of a recording of the calls of this breaker.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    ///
    /// let builder = Recorder::builder("payment").one_in(100);
    /// # _ = builder;
    /// ```
    pub fn builder(circuit: impl Into<Arc<str>>) -> RecorderBuilder {
        RecorderBuilder { circuit: circuit.into(), capacity: DEFAULT_CAPACITY, one_in: 1 }
    }

    /// Returns the name of the breaker.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let recording = Recorder::builder("payment").start(&registry)?;
    /// assert_eq!(recording.recorder.circuit(), "payment");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn circuit(&self) -> &str {
        &self.session.breaker_name
    }

    /// Returns `false` if the recording has stopped because the writer was dropped or its output failed.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let recording = Recorder::builder("payment").start(&registry)?;
    /// assert!(recording.recorder.is_recording());
    /// drop(recording.writer);
    /// assert!(!recording.recorder.is_recording());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.session.is_recording()
    }

    /// Returns the number of calls that have been lost so far because the buffer was full. Rejections are not in it.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    /// use breaker_runtime::{Config, Outcome, Registry};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// let recording = Recorder::builder("payment").capacity(1).start(&registry)?;
    /// for _ in 0..3 {
    ///     payment.try_acquire()?.settle(Outcome::Success);
    /// }
    /// assert_eq!(recording.recorder.lost_calls(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lost_calls(&self) -> u64 {
        self.session.buffer.losses().calls
    }
}

impl RecorderBuilder {
    /// Sets how many calls the buffer holds that the writer has not read: 1 to 1,000,000, by default 10,000. Each takes
    /// about 70 bytes, which are allocated at the start. Further calls are lost and counted. Rejections use at most half
    /// of the buffer, so one for a single call holds none, and they are only counted.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::recorder::Recorder;
    ///
    /// let error = Recorder::builder("payment").capacity(2_000_000).start(&Registry::new()).unwrap_err();
    /// assert!(error.to_string().ends_with("it must be between 1 and 1000000"));
    /// ```
    pub const fn capacity(mut self, calls: usize) -> Self {
        self.capacity = calls;
        self
    }

    /// Records one in `n` of the calls, chosen at random: at least 1, by default 1, which records every call.
    ///
    /// The other calls are not in the trace, so settings that count calls, such as `failure_threshold`, `window` and
    /// `minimum_calls`, mean `n` times as many calls of the service.
    ///
    /// ```
    /// use breaker_runtime::recorder::Recorder;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let recording = Recorder::builder("payment").one_in(100).start(&registry)?;
    /// drop(recording.recorder);
    /// let mut trace = Vec::new();
    /// recording.writer.run(&mut trace)?;
    /// assert!(String::from_utf8(trace)?.contains("one in 100 of its calls"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn one_in(mut self, n: u64) -> Self {
        self.one_in = n;
        self
    }

    /// Starts the recording of the calls that begin from now on. With keys, it records the calls of all keys.
    ///
    /// Like [`Registry::get`], it registers the breaker of an annotated function that has not been called yet. Several
    /// recordings of one breaker are independent of each other.
    ///
    /// # Errors
    ///
    /// Returns an error if the registry has no breaker of this name, or if a setting is out of range.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::recorder::Recorder;
    ///
    /// let error = Recorder::builder("payment").start(&Registry::new()).unwrap_err();
    /// assert_eq!(error.to_string(), r#"the registry has no circuit breaker "payment"; register it first"#);
    /// ```
    pub fn start(self, registry: &Registry) -> Result<Recording, RecorderError> {
        let Self { circuit: breaker_name, capacity, one_in } = self;
        let circuit = || breaker_name.as_ref().to_owned();
        let unknown = || RecorderError::UnknownBreaker { circuit: circuit() };
        let invalid_one_in = || RecorderError::InvalidOneIn { circuit: circuit() };
        if !(1..=MAX_CAPACITY).contains(&capacity) {
            return Err(RecorderError::InvalidCapacity { circuit: circuit(), capacity });
        }
        let one_in = NonZeroU64::new(one_in).ok_or_else(invalid_one_in)?;
        let live = registry.store().get(&breaker_name).ok_or_else(unknown)?;
        let heading = heading(&breaker_name, &live.config(), capacity, one_in);
        let (sender, entries) = sync_channel(capacity);
        let buffer = Arc::new(Buffer::new(TapsStart::now(registry.clock()), sender, capacity, one_in));
        let taps = RecorderTaps { breaker_name: Arc::clone(&breaker_name), buffer: Arc::clone(&buffer) };
        let registration = registry.shared_store().attach_taps(Arc::new(taps));
        let session = Arc::new(Session::new(breaker_name, buffer, registration));
        let recorder = Recorder { session: Arc::clone(&session) };
        Ok(Recording { recorder, writer: TraceWriter { session, entries, heading } })
    }
}

/// Returns the comments at the start of a trace.
fn heading(breaker_name: &str, config: &Config, capacity: usize, one_in: NonZeroU64) -> String {
    let mut text = format!(
        "# trace of the circuit breaker {}: one in {one_in} of its calls, buffer for {capacity} calls\n",
        Quoted(breaker_name)
    );
    for setting in Setting::ALL {
        if let Some(value) = config.value(*setting) {
            _ = writeln!(text, "# {setting} = {value}");
        }
    }
    text
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.session.stop();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Recorder").field("circuit", &self.circuit()).finish_non_exhaustive()
    }
}
