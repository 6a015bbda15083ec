//! What the stream tells: circuits are looked at once a second for all clients together, by whichever client
//! is the first to want to know. No task runs for it.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;

use super::Panel;
use super::look::{self, Watched};
use super::shape::{Breaker, News};
use crate::clock::Moment;
use crate::random;
use crate::sync::{Mutex, lock};

pub(super) const PERIOD: Duration = Duration::from_secs(1);

/// So many keys are looked at in one look, on average.
const KEYS_A_LOOK: usize = 1000;

#[derive(Debug)]
pub(super) struct Feed {
    /// Another one in each process, so that no client takes the looks of another for ours.
    epoch: u32,
    latest: Mutex<Latest>,
}

/// A number for each look. A client names the last one that it has seen.
pub(super) type Look = u64;

/// What was seen last.
#[derive(Debug, Default)]
struct Latest {
    look: Look,
    taken: Option<Moment>,
    entries: Vec<Entry>,
    /// What is new in this look; nearly every client has seen the one before.
    delta: Bytes,
}

/// A breaker, and at which looks its parts were new.
#[derive(Debug)]
struct Entry {
    breaker: Breaker,
    figures: Look,
    settings: Look,
    transitions: Look,
    next: Look,
}

#[derive(Serialize)]
struct Snapshot<'a> {
    age: f64,
    controls: bool,
    circuits: Vec<News<'a>>,
}

#[derive(Serialize)]
struct Delta<'a> {
    circuits: Vec<News<'a>>,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { epoch: (random::bits() >> 32) as u32, latest: Mutex::new(Latest::default()) }
    }

    /// Which look a client has seen last, by the id that it names.
    pub(super) fn seen(&self, id: &str) -> Option<Look> {
        let (epoch, look) = id.split_once('-')?;
        let look: Look = look.parse().ok()?;
        (epoch == self.epoch.to_string() && look <= lock(&self.latest).look).then_some(look)
    }

    /// How long until there is something new.
    pub(super) fn wait(&self, now: Moment) -> Duration {
        let taken = lock(&self.latest).taken;
        taken.map_or(Duration::ZERO, |taken| taken.after(PERIOD).since(now))
    }

    /// What is new to a client who has seen the look `seen`, or everything. The latest look, and its text.
    pub(super) fn tell(&self, panel: &Panel, seen: Option<Look>) -> (Look, Bytes) {
        let now = panel.registry.clock().now();
        let mut latest = lock(&self.latest);
        let age = match latest.taken {
            Some(taken) if now < taken.after(PERIOD) => now.since(taken),
            Some(_) | None => {
                latest.look_again(panel, now, self.epoch);
                Duration::ZERO
            }
        };
        let text = match seen {
            Some(seen) if seen + 1 == latest.look => latest.delta.clone(),
            Some(seen) => latest.delta_since(seen, self.epoch),
            None => latest.snapshot(age, panel.token.is_some(), self.epoch),
        };
        (latest.look, text)
    }
}

impl Latest {
    fn look_again(&mut self, panel: &Panel, now: Moment, epoch: u32) {
        self.look += 1;
        self.taken = Some(now);
        let mut before = std::mem::take(&mut self.entries).into_iter().peekable();
        for watched in look::all(&panel.registry) {
            // Both are sorted by name, and a registry forgets none.
            let same = before.next_if(|entry| entry.breaker.name() == watched.name());
            self.entries.push(Entry::new(&watched, same, self.look, panel));
        }
        self.delta = self.delta_since(self.look - 1, epoch);
    }

    fn snapshot(&self, age: Duration, controls: bool, epoch: u32) -> Bytes {
        let circuits = self.entries.iter().map(|entry| News::whole(&entry.breaker)).collect();
        let data = Snapshot { age: age.as_secs_f64(), controls, circuits };
        event("snapshot", (epoch, self.look), &data)
    }

    fn delta_since(&self, seen: Look, epoch: u32) -> Bytes {
        let circuits = self.entries.iter().filter_map(|entry| entry.news_since(seen)).collect();
        event("delta", (epoch, self.look), &Delta { circuits })
    }
}

impl Entry {
    fn new(watched: &Watched, before: Option<Self>, look: Look, panel: &Panel) -> Self {
        if let Some(before) = before {
            return if before.next > look { before } else { before.again(watched, look, panel) };
        }
        let breaker = watched.look(&panel.log);
        Self { breaker, figures: look, settings: look, transitions: look, next: next_look(watched, look) }
    }

    fn again(self, watched: &Watched, look: Look, panel: &Panel) -> Self {
        let breaker = watched.look(&panel.log);
        let at = |is_same: bool, before: Look| if is_same { before } else { look };
        Self {
            figures: at(breaker.has_figures_of(&self.breaker), self.figures),
            settings: at(breaker.settings == self.breaker.settings, self.settings),
            transitions: at(breaker.transitions == self.breaker.transitions, self.transitions),
            next: next_look(watched, look),
            breaker,
        }
    }

    fn news_since(&self, seen: Look) -> Option<News<'_>> {
        let mut news = News::whole(&self.breaker);
        news.settings = news.settings.filter(|_| self.settings > seen);
        news.transitions = news.transitions.filter(|_| self.transitions > seen);
        (self.figures.max(self.settings).max(self.transitions) > seen).then_some(news)
    }
}

/// A look at many keys takes a while, so they get fewer.
fn next_look(watched: &Watched, look: Look) -> Look {
    look + 1 + (watched.keys() / KEYS_A_LOOK) as Look
}

/// A server-sent event. JSON has no raw line break, so its text is one line.
fn event(name: &str, (epoch, look): (u32, Look), data: &impl Serialize) -> Bytes {
    let mut text = format!("event: {name}\nid: {epoch}-{look}\ndata: ");
    let data = serde_json::to_string(data).unwrap_or_default();
    _ = write!(text, "{data}\n\n");
    Bytes::from(text)
}
