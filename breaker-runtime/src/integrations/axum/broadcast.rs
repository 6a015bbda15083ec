//! The events of the stream: reads all breakers once a second for all clients together.
//!
//! The first client that is due for an event reads them. No task runs, and nothing is read without a client.

use std::fmt::{self, Write as _};
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;

use super::json::CircuitJson;
use super::token::CommandToken;
use super::view::{RegistryView, View};
use crate::clock::Moment;
use crate::registry::{AnyBreaker, RegistryEntry};
use crate::sync::{Mutex, lock};

/// Time between two readings.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of keys of one breaker that are read per second, on average.
const KEYS_PER_SECOND: usize = 1000;

#[derive(Debug)]
pub(super) struct Broadcast {
    /// Chosen at random, so that the event ids of another process are recognized as foreign.
    epoch: u32,
    accepts_commands: bool,
    latest: Mutex<Latest>,
}

/// The number of times the breakers have been read.
pub(super) type Version = u64;

/// The event to send, and the version of the client after it.
pub(super) struct StreamMessage {
    pub(super) version: Version,
    pub(super) text: Bytes,
}

/// The latest reading.
#[derive(Debug, Default)]
struct Latest {
    version: Version,
    read_at: Option<Moment>,
    breakers: Vec<VersionedView>,
    /// The delta since the previous version, which is the version of nearly every client.
    delta: Bytes,
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
struct FullEvent<'a> {
    age: f64,
    #[serde(rename = "controls")]
    accepts_commands: bool,
    circuits: Vec<CircuitJson<'a>>,
}

#[derive(Serialize)]
struct DeltaEvent<'a> {
    circuits: Vec<CircuitJson<'a>>,
}

impl Broadcast {
    /// Creates a broadcast. Clients show the controls if there is a token.
    pub(super) fn new(token: Option<&CommandToken>) -> Self {
        let accepts_commands = token.is_some();
        Self { epoch: fastrand::Rng::new().u32(..), accepts_commands, latest: Mutex::new(Latest::default()) }
    }

    /// Returns the version in the id of an event; `None` if the id is not from this process.
    pub(super) fn version_of(&self, id: &str) -> Option<Version> {
        let (epoch, version) = id.split_once('-')?;
        let version: Version = version.parse().ok()?;
        (epoch == self.epoch.to_string() && version <= lock(&self.latest).version).then_some(version)
    }

    /// Returns the time until the next reading.
    pub(super) fn wait(&self, now: Moment) -> Duration {
        let read_at = lock(&self.latest).read_at;
        read_at.map_or(Duration::ZERO, |read_at| read_at.after(READ_INTERVAL).since(now))
    }

    /// Returns the changes since the version of the client, or all circuits if it has none. Reads the
    /// breakers if the latest reading is older than a second.
    pub(super) fn message(&self, registry_view: &RegistryView, since: Option<Version>) -> StreamMessage {
        let now = registry_view.clock().now();
        let mut latest = lock(&self.latest);
        let age = match latest.read_at {
            Some(read_at) if now < read_at.after(READ_INTERVAL) => now.since(read_at),
            Some(_) | None => {
                latest.read(registry_view, now, self.epoch);
                Duration::ZERO
            }
        };
        let text = match since {
            Some(since) if since + 1 == latest.version => latest.delta.clone(),
            Some(since) => latest.delta_since(since, self.epoch),
            None => {
                let circuits = latest.breakers.iter().map(|it| CircuitJson::complete(&it.view)).collect();
                let data =
                    FullEvent { age: age.as_secs_f64(), accepts_commands: self.accepts_commands, circuits };
                event("snapshot", EventId { epoch: self.epoch, version: latest.version }, &data)
            }
        };
        StreamMessage { version: latest.version, text }
    }
}

impl Latest {
    fn read(&mut self, registry_view: &RegistryView, now: Moment, epoch: u32) {
        self.version += 1;
        self.read_at = Some(now);
        let mut previous = std::mem::take(&mut self.breakers).into_iter().peekable();
        for entry in registry_view.entries() {
            // Both lists are sorted by name, and a registry never removes a name.
            let same = previous.next_if(|breaker| breaker.view.snapshot.name() == entry.name());
            self.breakers.push(VersionedView::read(registry_view, &entry, self.version, same));
        }
        self.delta = self.delta_since(self.version - 1, epoch);
    }

    fn delta_since(&self, since: Version, epoch: u32) -> Bytes {
        let circuits = self.breakers.iter().filter_map(|breaker| breaker.changes_since(since)).collect();
        event("delta", EventId { epoch, version: self.version }, &DeltaEvent { circuits })
    }
}

impl VersionedView {
    /// Reads a breaker, or returns its previous view if it is not due yet.
    fn read(
        registry_view: &RegistryView,
        entry: &RegistryEntry,
        version: Version,
        previous: Option<Self>,
    ) -> Self {
        let next = version + 1 + (key_count(entry) / KEYS_PER_SECOND) as Version;
        let Some(previous) = previous else {
            let view = registry_view.view(entry);
            return Self { view, figures: version, settings: version, transitions: version, next };
        };
        if previous.next > version {
            return previous;
        }
        let view = registry_view.view(entry);
        let last_change = |is_same: bool, previous: Version| if is_same { previous } else { version };
        Self {
            figures: last_change(view.has_same_figures(&previous.view), previous.figures),
            settings: last_change(view.config == previous.view.config, previous.settings),
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

/// Returns the number of keys; zero for a breaker without keys.
fn key_count(entry: &RegistryEntry) -> usize {
    match entry {
        RegistryEntry::Registered(AnyBreaker::Keyed(breaker)) => breaker.len(),
        RegistryEntry::Registered(AnyBreaker::Single(_)) | RegistryEntry::Declared(_) => 0,
    }
}

/// Encodes a server-sent event. `serde_json` escapes line breaks, so the data is one line.
fn event(name: &str, id: EventId, data: &impl Serialize) -> Bytes {
    let mut text = format!("event: {name}\nid: {id}\ndata: ");
    // Encoding cannot fail: every map key is a string, and no `Serialize` of an event returns an error.
    let data = serde_json::to_string(data).unwrap_or_default();
    // Writing to a String never fails.
    _ = write!(text, "{data}\n\n");
    Bytes::from(text)
}
