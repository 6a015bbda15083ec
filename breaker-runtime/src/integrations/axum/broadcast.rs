//! The events of the stream: reads all breakers once a second for all clients together.
//!
//! The first client that is due for an event reads them, the others wait for it without blocking a thread. No
//! task runs, and nothing is read without a client.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::Mutex as AsyncMutex;

use super::bearer::Tokens;
use super::cache::Reader;
use super::error::HttpError;
use super::json::{CircuitJson, ConfigStatusJson};
use super::response::encode;
use super::view::{RegistryView, View, cost_of};
use crate::clock::Moment;
use crate::integrations::fleet_json::{FleetReading, FleetSummary};
use crate::registry::RegistryEntry;

/// Time between two readings.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of keys of one breaker that are read per second, on average.
const KEYS_PER_SECOND: usize = 1000;

#[derive(Debug)]
pub(super) struct Broadcast {
    /// Chosen at random, so that the event ids of another process are recognized as foreign.
    epoch: u32,
    accepts_commands: bool,
    latest: Arc<AsyncMutex<Latest>>,
}

/// The number of times the breakers have been read.
pub(super) type Version = u64;

/// The event to send, and the version of the client after it.
pub(super) struct StreamMessage {
    pub(super) version: Version,
    /// The first part of the text; empty for a delta.
    pub(super) head: Bytes,
    /// The rest of the text, which clients share.
    pub(super) rest: Bytes,
}

/// The latest reading.
#[derive(Debug, Default)]
struct Latest {
    version: Version,
    read_at: Option<Moment>,
    breakers: Vec<VersionedView>,
    /// The fleet of the registry, if it belongs to one.
    fleet: Option<FleetSummary>,
    /// The status of the configuration, if one was loaded.
    config: Option<ConfigStatusJson>,
    /// The version in which a configuration was loaded for the last time. Its error may be long.
    config_loaded: Version,
    /// The delta since the previous version, which is the version of nearly every client.
    delta: Bytes,
    /// The circuits of a snapshot, once a client has needed them.
    all: Option<Bytes>,
    /// The number of commands that had run before.
    commands: u64,
}

/// The latest view of a breaker, and the versions in which its parts changed.
#[derive(Debug)]
struct VersionedView {
    view: View,
    figures: Version,
    settings: Version,
    transitions: Version,
    /// The version in which it is read again.
    next: Version,
}

/// The id of an event: epoch and version.
#[derive(Clone, Copy)]
struct EventId {
    epoch: u32,
    version: Version,
}

#[derive(Serialize)]
struct DeltaEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fleet: Option<&'a FleetSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a ConfigStatusJson>,
    circuits: Vec<CircuitJson<'a>>,
}

impl Broadcast {
    /// Creates a broadcast. Clients show the controls if there is a token for commands.
    pub(super) fn new(tokens: &Tokens) -> Self {
        let accepts_commands = tokens.commands.is_some();
        Self { epoch: fastrand::Rng::new().u32(..), accepts_commands, latest: Arc::default() }
    }

    /// Returns the version in the id of an event; `None` if the id is not from this process.
    pub(super) async fn version_of(&self, id: &str) -> Option<Version> {
        let (epoch, version) = id.split_once('-')?;
        let version: Version = version.parse().ok()?;
        let is_own = epoch == self.epoch.to_string() && version <= self.latest.lock().await.version;
        is_own.then_some(version)
    }

    /// Returns the time until the next reading.
    pub(super) async fn wait(&self, now: Moment) -> Duration {
        let read_at = self.latest.lock().await.read_at;
        read_at.map_or(Duration::ZERO, |read_at| read_at.after(READ_INTERVAL).since(now))
    }

    /// Returns the changes since the version of the client, or all circuits if it has none. Reads the
    /// breakers if the latest reading is older than a second or than the last command.
    ///
    /// # Errors
    ///
    /// Returns an error if reading panicked, or if the runtime is shutting down.
    pub(super) async fn message(
        &self,
        registry_view: &Arc<RegistryView>,
        reader: &Arc<Reader>,
        since: Option<Version>,
    ) -> Result<StreamMessage, HttpError> {
        let (cost, commands) = (registry_view.cost(), reader.commands());
        let mut latest = Arc::clone(&self.latest).lock_owned().await;
        if let Some(message) = latest.prepared(registry_view.clock().now(), commands, since) {
            return Ok(message);
        }
        let (epoch, accepts_commands) = (self.epoch, self.accepts_commands);
        let (registry_view, reader_for_run) = (Arc::clone(registry_view), Arc::clone(reader));
        // The lock moves into the reading, which may outlive this client.
        let work = move || {
            let (now, commands) = (registry_view.clock().now(), reader_for_run.commands());
            if !latest.is_current(now, commands) {
                latest.read(&registry_view, now, commands, epoch);
            }
            match since {
                Some(since) => latest.changes(since, epoch),
                None => latest.snapshot(now, epoch, accepts_commands),
            }
        };
        reader.run(cost, work).await
    }
}

impl Latest {
    /// Returns `true` if nothing has to be read.
    fn is_current(&self, now: Moment, commands: u64) -> bool {
        self.commands == commands && self.read_at.is_some_and(|read_at| now < read_at.after(READ_INTERVAL))
    }

    /// Returns the event for a client if it exists already.
    fn prepared(&self, now: Moment, commands: u64, since: Option<Version>) -> Option<StreamMessage> {
        let is_usual = since.is_some_and(|since| since + 1 == self.version);
        (is_usual && self.is_current(now, commands)).then(|| self.message(Bytes::new(), self.delta.clone()))
    }

    fn changes(&self, since: Version, epoch: u32) -> StreamMessage {
        let is_usual = since + 1 == self.version;
        let delta = if is_usual { self.delta.clone() } else { self.delta_since(since, epoch) };
        self.message(Bytes::new(), delta)
    }

    /// Returns the event with all circuits. Their text is shared, so that many clients need little memory.
    fn snapshot(&mut self, now: Moment, epoch: u32, accepts_commands: bool) -> StreamMessage {
        let all = self.all.take().unwrap_or_else(|| self.encode_all());
        self.all = Some(all.clone());
        let age = self.read_at.map_or(0.0, |read_at| now.since(read_at).as_secs_f64());
        let mut head = event_head("snapshot", EventId { epoch, version: self.version });
        // Writing to a String never fails.
        _ = write!(head, r#"{{"age":{age:?},"controls":{accepts_commands},"#);
        let mut head = head.into_bytes();
        if let Some(fleet) = &self.fleet {
            head.extend([b"\"fleet\":", &*encode(fleet), b","].concat());
        }
        if let Some(config) = &self.config {
            head.extend([b"\"config\":", &*encode(config), b","].concat());
        }
        head.extend(b"\"circuits\":");
        self.message(Bytes::from(head), all)
    }

    /// Encodes the end of the event with all circuits.
    fn encode_all(&self) -> Bytes {
        let circuits: Vec<_> = self.breakers.iter().map(|it| CircuitJson::complete(&it.view)).collect();
        Bytes::from([&encode(&circuits), b"}\n\n".as_slice()].concat())
    }

    fn message(&self, head: Bytes, rest: Bytes) -> StreamMessage {
        StreamMessage { version: self.version, head, rest }
    }

    fn read(&mut self, registry_view: &RegistryView, now: Moment, commands: u64, epoch: u32) {
        self.version += 1;
        self.read_at = Some(now);
        self.all = None;
        let had_command = std::mem::replace(&mut self.commands, commands) != commands;
        let fleet = registry_view.fleet();
        let mut previous = std::mem::take(&mut self.breakers).into_iter().peekable();
        for entry in registry_view.entries() {
            // Both lists are sorted by name, and a registry never removes a name.
            let mut same = previous.next_if(|breaker| breaker.view.snapshot.name() == entry.name());
            if let Some(breaker) = same.as_mut().filter(|_| had_command) {
                breaker.next = self.version;
            }
            self.breakers.push(VersionedView::read(registry_view, &entry, &fleet, self.version, same));
        }
        self.fleet = fleet.summary();
        let config = registry_view.config_status().map(ConfigStatusJson::from);
        let is_same =
            |new: &ConfigStatusJson| self.config.as_ref().is_some_and(|old| old.has_same_loads(new));
        if !config.as_ref().is_some_and(is_same) {
            self.config_loaded = self.version;
        }
        self.config = config;
        self.delta = self.delta_since(self.version - 1, epoch);
    }

    fn delta_since(&self, since: Version, epoch: u32) -> Bytes {
        let circuits = self.breakers.iter().filter_map(|breaker| breaker.changes_since(since)).collect();
        let head = event_head("delta", EventId { epoch, version: self.version });
        let config = self.config.as_ref().filter(|_| self.config_loaded > since);
        let delta = DeltaEvent { fleet: self.fleet.as_ref(), config, circuits };
        Bytes::from([head.as_bytes(), &encode(&delta), b"\n\n"].concat())
    }
}

impl VersionedView {
    /// Reads a breaker, or returns its previous view if it is not due yet.
    fn read(
        registry_view: &RegistryView,
        entry: &RegistryEntry,
        fleet: &FleetReading,
        version: Version,
        previous: Option<Self>,
    ) -> Self {
        let next = version + 1 + (cost_of(entry) / KEYS_PER_SECOND) as Version;
        let Some(previous) = previous else {
            let view = registry_view.view(entry, fleet);
            return Self { view, figures: version, settings: version, transitions: version, next };
        };
        if previous.next > version {
            return previous;
        }
        let view = registry_view.view(entry, fleet);
        let last_change = |is_same: bool, previous: Version| if is_same { previous } else { version };
        Self {
            figures: last_change(view.has_same_figures(&previous.view), previous.figures),
            settings: last_change(view.has_same_settings(&previous.view), previous.settings),
            transitions: last_change(view.has_same_transitions(&previous.view), previous.transitions),
            next,
            view,
        }
    }

    /// Returns the JSON of the changes since a version; `None` if there are none.
    fn changes_since(&self, since: Version) -> Option<CircuitJson<'_>> {
        if self.figures.max(self.settings).max(self.transitions) <= since {
            return None;
        }
        let mut json = CircuitJson::figures(&self.view);
        if self.settings > since {
            json = json.with_settings(&self.view);
        }
        if self.transitions > since {
            json = json.with_transitions(&self.view);
        }
        Some(json)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.epoch, self.version)
    }
}

/// Returns the start of a server-sent event. `serde_json` escapes line breaks, so the data that follows is one
/// line.
fn event_head(name: &str, id: EventId) -> String {
    format!("event: {name}\nid: {id}\ndata: ")
}
