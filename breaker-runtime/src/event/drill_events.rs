//! The events of drills.

use std::fmt;

use crate::config::{CircuitId, SettingDuration};
use crate::drill::{ActiveDrill, DrillEnd, Fault};

/// The start of a drill of one circuit, or of all circuits of a keyed breaker, which then has no key.
///
/// ```
/// # #[cfg(feature = "chaos")]
/// # {
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use breaker_runtime::chaos::Drill;
/// use breaker_runtime::{Config, Event, Fault, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let (sender, events) = mpsc::channel();
/// let _listener = registry.listen(move |event: &Event| {
///     if let Event::DrillStarted(event) = event {
///         _ = sender.send(event.clone());
///     }
/// });
/// Drill::new(Fault::fail(0.3), Duration::from_secs(60)).operator("alice").start(&registry, "search")?;
/// let started = events.recv()?;
/// let text = r#"circuit breaker "search": a drill by alice fails 30% of the calls, for 1m"#;
/// assert_eq!(started.to_string(), text);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DrillStarted {
    pub(super) id: CircuitId,
    drill: ActiveDrill,
}

/// The end of a drill of one circuit, or of all circuits of a keyed breaker, which then has no key.
///
/// A drill that ends by itself ends exactly at its time, without a task or a timer. Its end is reported by the next
/// call of the circuit, which may come later.
///
/// ```
/// # #[cfg(feature = "chaos")]
/// # {
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use breaker_runtime::chaos::{self, Drill};
/// use breaker_runtime::{Config, Event, Fault, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let (sender, events) = mpsc::channel();
/// let _listener = registry.listen(move |event: &Event| {
///     if let Event::DrillEnded(event) = event {
///         _ = sender.send(event.clone());
///     }
/// });
/// Drill::new(Fault::fail(0.3), Duration::from_secs(60)).operator("alice").start(&registry, "search")?;
/// chaos::stop(&registry, "search", None)?;
/// let ended = events.recv()?;
/// let text = r#"circuit breaker "search": the drill has ended: it was stopped"#;
/// assert_eq!(ended.to_string(), text);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DrillEnded {
    pub(super) id: CircuitId,
    fault: Fault,
    end: DrillEnd,
}

impl DrillStarted {
    #[allow(dead_code, reason = "only the feature `chaos` starts drills")]
    pub(crate) const fn new(id: CircuitId, drill: ActiveDrill) -> Self {
        Self { id, drill }
    }

    /// Returns what the drill injects, for how long, and who started it.
    ///
    /// ```
    /// # #[cfg(feature = "chaos")]
    /// # {
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use breaker_runtime::chaos::Drill;
    /// use breaker_runtime::{Config, Event, Fault, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let (sender, events) = mpsc::channel();
    /// let _listener = registry.listen(move |event: &Event| {
    ///     if let Event::DrillStarted(event) = event {
    ///         _ = sender.send(event.clone());
    ///     }
    /// });
    /// Drill::new(Fault::fail(0.3), Duration::from_secs(60)).operator("alice").start(&registry, "search")?;
    /// assert_eq!(&*events.recv()?.drill().initiator, "alice");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn drill(&self) -> &ActiveDrill {
        &self.drill
    }
}

impl DrillEnded {
    pub(crate) const fn new(id: CircuitId, fault: Fault, end: DrillEnd) -> Self {
        Self { id, fault, end }
    }

    /// Returns what the drill injected.
    ///
    /// ```
    /// # #[cfg(feature = "chaos")]
    /// # {
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use breaker_runtime::chaos::{self, Drill};
    /// use breaker_runtime::{Config, Event, Fault, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let (sender, events) = mpsc::channel();
    /// let _listener = registry.listen(move |event: &Event| {
    ///     if let Event::DrillEnded(event) = event {
    ///         _ = sender.send(event.clone());
    ///     }
    /// });
    /// Drill::new(Fault::fail(0.3), Duration::from_secs(60)).operator("alice").start(&registry, "search")?;
    /// chaos::stop(&registry, "search", None)?;
    /// assert_eq!(events.recv()?.fault(), Fault::fail(0.3));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// Returns why the drill ended.
    ///
    /// ```
    /// # #[cfg(feature = "chaos")]
    /// # {
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use breaker_runtime::chaos::{self, Drill};
    /// use breaker_runtime::{Config, DrillEnd, Event, Fault, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let (sender, events) = mpsc::channel();
    /// let _listener = registry.listen(move |event: &Event| {
    ///     if let Event::DrillEnded(event) = event {
    ///         _ = sender.send(event.clone());
    ///     }
    /// });
    /// Drill::new(Fault::fail(0.3), Duration::from_secs(60)).operator("alice").start(&registry, "search")?;
    /// chaos::stop(&registry, "search", None)?;
    /// assert_eq!(events.recv()?.end(), DrillEnd::Stopped);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn end(&self) -> DrillEnd {
        self.end
    }
}

impl fmt::Display for DrillStarted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ActiveDrill { fault, remaining, initiator } = &self.drill;
        let length = SettingDuration(*remaining);
        write!(out, "{}: a drill by {initiator} {fault}, for {length}", self.id)
    }
}

impl fmt::Display for DrillEnded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_fmt(format_args!("{}: the drill has ended: ", self.id))?;
        out.write_str(match self.end {
            DrillEnd::Elapsed => "its time is over",
            DrillEnd::Stopped => "it was stopped",
            DrillEnd::Replaced => "another drill replaced it",
            DrillEnd::Removed => "the circuit of its key was removed",
        })
    }
}
