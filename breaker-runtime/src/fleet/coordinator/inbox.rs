//! The changes by an answer or a message of the store.

use std::time::Duration;

use super::cache::CacheUpdate;
use super::event::{Notice, Output};
use super::exchange::{Exchange, PendingCommand};
use super::link::LinkChange;
use super::member::Member;
use super::pace::MAX_REPORTS;
use super::store_clock::StoreClock;
use super::{Coordinator, Departure};
use crate::fleet::protocol::{Push, Reply, SharedName};
use crate::fleet::store::StoreErrorKind;

impl Coordinator {
    pub(super) fn receive_reply(&mut self, now: Duration, reply: Reply, outputs: &mut Vec<Output>) {
        let exchange = self.exchange.take();
        finish_commands(exchange.as_ref(), None, outputs);
        let sent = exchange.as_ref().map_or(0, |exchange| exchange.cursor);
        self.cache.has_asserted(exchange.map(|exchange| exchange.asserted).unwrap_or_default());
        let is_back = self.link.succeed() == LinkChange::Up;
        if is_back {
            self.pace.set_connected(now);
            outputs.push(Output::Notice(Notice::Connected));
        }
        self.knows_time = true;
        // Otherwise, decisions depend on what has changed alone.
        let concerns_all = std::mem::take(&mut self.is_read_only) || is_back || reply.is_new_server;
        let has_more = reply.has_more;
        let changed = self.receive_records(now, reply, sent, outputs);
        let tick = self.pace.tick();
        let jittered = tick.mul_f64(0.8) + self.random.time_below(tick.mul_f64(0.4));
        self.next_sync = now.saturating_add(jittered);
        let must_go_on = has_more || changed.is_none() || self.cache.must_assert();
        if must_go_on || !self.commands.is_empty() || self.departure == Departure::Wanted {
            self.next_sync = now;
        }
        if self.departure == Departure::Sent {
            self.leave(now, outputs);
        }
        self.decide_after(now, &changed.unwrap_or_default(), concerns_all, outputs);
    }

    /// Decides about the circuits whose records have changed, or about all.
    fn decide_after(
        &mut self,
        now: Duration,
        changed: &[SharedName],
        concerns_all: bool,
        outputs: &mut Vec<Output>,
    ) {
        self.decide_changed(now, changed, outputs);
        if concerns_all {
            self.decide_all(now, outputs);
        }
        self.hasten_if_urgent(now);
    }

    /// Decides about the circuits whose records have changed. Those that this process has not looked at so far are
    /// looked at at once, if the fleet is now concerned with them.
    fn decide_changed(&mut self, now: Duration, changed: &[SharedName], outputs: &mut Vec<Output>) {
        for name in changed {
            if self.members.contains_key(name) {
                self.decide(now, name, outputs);
            } else {
                self.plan_unknown(name, now);
            }
        }
    }

    /// Applies what the store has sent, and returns the names of the records that have changed; `None` if all records
    /// must be read again.
    fn receive_records(
        &mut self,
        now: Duration,
        reply: Reply,
        sent: u64,
        outputs: &mut Vec<Output>,
    ) -> Option<Vec<SharedName>> {
        self.clock = Some(StoreClock::new(reply.now, now));
        self.pace.set_alive(reply.alive);
        for name in &reply.unreadable {
            outputs.push(Output::Notice(Notice::Unreadable(name.clone())));
        }
        for conflict in &reply.conflicts {
            if self.conflicts.len() < MAX_REPORTS && self.conflicts.insert(conflict.name.clone()) {
                outputs.push(Output::Notice(Notice::Conflict(conflict.clone())));
            }
        }
        let closed = self.closings.news(&reply.records, &self.cache);
        let has_more = reply.has_more;
        match self.cache.receive(reply, sent) {
            CacheUpdate::Applied(changed) => {
                self.closings.add(closed, &changed);
                if !has_more {
                    self.closings.begin();
                }
                Some(changed)
            }
            CacheUpdate::ReadAgain { has_lost_data } => {
                if has_lost_data {
                    outputs.push(Output::Notice(Notice::DataLost));
                }
                None
            }
        }
    }

    pub(super) fn receive_failure(
        &mut self,
        now: Duration,
        kind: StoreErrorKind,
        partial: Option<Box<Reply>>,
        outputs: &mut Vec<Output>,
    ) {
        let exchange = self.exchange.take();
        finish_commands(exchange.as_ref(), Some(kind), outputs);
        // The time may have jumped, which would make every later request too late.
        self.knows_time = false;
        self.members.values_mut().for_each(Member::has_lost_report);
        let sent = exchange.map_or(0, |exchange| exchange.cursor);
        let has_records = partial.is_some();
        let changed = partial.and_then(|reply| self.receive_records(now, *reply, sent, outputs));
        let tick = self.pace.tick();
        let mut concerns_all = false;
        // A store that can only be read is still followed.
        if has_records && kind != StoreErrorKind::TimedOut && self.link.is_up() {
            if !std::mem::replace(&mut self.is_read_only, true) {
                outputs.push(Output::Notice(Notice::ReadOnly(kind)));
                self.recover_alone(now, outputs);
                concerns_all = true;
            }
            self.next_sync = now.saturating_add(tick);
        } else {
            let had_link = self.link.is_up();
            if self.link.fail(kind) == LinkChange::Down {
                outputs.push(Output::Notice(Notice::Disconnected(kind)));
            }
            self.next_sync = now.saturating_add(self.link.retry_wait(kind, tick, &mut self.random));
            if had_link && !self.link.is_up() {
                self.recover_alone(now, outputs);
                concerns_all = true;
            }
        }
        self.urgent_sync = None;
        if self.is_read_only || !self.link.is_up() {
            // A command that is executed much later would surprise.
            self.refuse_commands(kind, outputs);
        }
        match self.departure {
            Departure::Sent => self.leave(now, outputs),
            Departure::Wanted => self.next_sync = now,
            Departure::None | Departure::Done => {}
        }
        self.decide_after(now, &changed.unwrap_or_default(), concerns_all, outputs);
    }

    pub(super) fn receive_push(&mut self, now: Duration, push: Push, outputs: &mut Vec<Output>) {
        for name in &push.unreadable {
            outputs.push(Output::Notice(Notice::Unreadable(name.clone())));
        }
        if !self.link.is_up() || !self.cache.accepts(&push) {
            return;
        }
        if let Some(clock) = &mut self.clock {
            clock.advance(push.now, now);
        }
        self.pace.set_alive(push.alive);
        let closed = self.closings.news(&push.records, &self.cache);
        let changed = self.cache.receive_push(push);
        self.closings.add(closed, &changed);
        self.decide_changed(now, &changed, outputs);
        if self.cache.must_assert() {
            self.next_sync = self.next_sync.min(self.soonest_sync(now));
        }
    }

    /// Lets all circuits recover by themselves, because the fleet no longer decides.
    fn recover_alone(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let store_time = self.store_time(now);
        for (name, member) in &mut self.members {
            if let Some(change) = member.recover_alone(self.cache.get(name), store_time, &mut self.random) {
                outputs.push(Output::Circuit { name: name.clone(), change });
            }
        }
    }

    fn refuse_commands(&mut self, kind: StoreErrorKind, outputs: &mut Vec<Output>) {
        for PendingCommand { id, .. } in self.commands.drain(..) {
            outputs.push(Output::Commanded { id, error: Some(kind) });
        }
    }

    fn leave(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        self.departure = Departure::Done;
        self.recover_alone(now, outputs);
        outputs.extend(self.release_commands());
        self.refuse_commands(StoreErrorKind::Unreachable, outputs);
        outputs.push(Output::Left);
    }
}

fn finish_commands(exchange: Option<&Exchange>, error: Option<StoreErrorKind>, outputs: &mut Vec<Output>) {
    let ids = exchange.map(|exchange| exchange.commands.iter()).into_iter().flatten();
    outputs.extend(ids.map(|&id| Output::Commanded { id, error }));
}
