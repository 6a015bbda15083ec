//! The contents of the next request to the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::event::Output;
use super::exchange::{Exchange, PendingCommand};
use super::member::Member;
use super::pace::MAX_REPORTS;
use super::random::Random;
use super::{Coordinator, Departure, surroundings};
use crate::fleet::protocol::{Report, ReportKind, Request, SharedName};

impl Coordinator {
    /// Sends a request at each tick, and earlier if there is something urgent.
    pub(super) fn send_if_due(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let is_over = matches!(self.departure, Departure::Sent | Departure::Done);
        if self.exchange.is_some() || is_over {
            return;
        }
        let is_urgent = self.urgent_sync.is_some_and(|planned| planned <= now);
        if is_urgent {
            self.urgent_sync = None;
        }
        if now < self.next_sync && !(is_urgent && self.has_urgent_report(now)) {
            return;
        }
        let is_leaving = self.departure == Departure::Wanted;
        if is_leaving {
            self.departure = Departure::Sent;
        }
        let cursor = self.cache.cursor();
        let mut exchange = Exchange { cursor, commands: Vec::new(), asserted: Vec::new() };
        // Without a deadline, a delayed report could act much later.
        let (mut reports, mut deadline) = (Vec::new(), 0);
        let patience = self.link.patience().max(self.pace.request_time());
        if self.knows_time {
            deadline = self.store_time(now.saturating_add(patience));
            reports = self.collect_reports(now, &mut exchange);
        }
        let instance = self.instance.clone();
        let request = Request { instance, deadline, patience, cursor, is_leaving, reports };
        outputs.push(Output::Sync(Box::new(request)));
        self.exchange = Some(exchange);
        self.urgent_sync = None;
        self.last_sync = now;
    }

    /// Returns `true` if a report should not wait for the next tick. Another process may have reported in the meantime.
    fn has_urgent_report(&self, now: Duration) -> bool {
        let around = surroundings(&self.instance, self.pace, self.is_read_only, now, self.store_time(now));
        let is_urgent = |name| {
            self.members.get(name).is_some_and(|member| member.is_urgent(self.cache.get(name), &around))
        };
        !self.commands.is_empty() || self.reporters.iter().any(is_urgent)
    }

    fn collect_reports(&mut self, now: Duration, exchange: &mut Exchange) -> Vec<Report> {
        let mut reports = Vec::new();
        for PendingCommand { id, command } in self.commands.drain(..) {
            exchange.commands.push(id);
            reports.push(command);
        }
        for name in self.cache.to_assert().take(MAX_REPORTS) {
            let record = self.cache.get(name).clone();
            exchange.asserted.push(name.clone());
            let (epoch, kind) = (record.epoch, ReportKind::Assert { record: Box::new(record) });
            reports.push(Report { name: name.clone(), epoch, kind });
        }
        // The circuit of an earlier vote has closed, or is gone.
        for name in self.cache.marked().filter(|name| !self.members.contains_key(*name)) {
            if reports.len() >= MAX_REPORTS {
                break;
            }
            let epoch = self.cache.get(name).epoch;
            reports.push(Report { name: name.clone(), epoch, kind: ReportKind::Withdraw });
        }
        self.collect_member_reports(now, &mut reports);
        reports
    }

    fn collect_member_reports(&mut self, now: Duration, reports: &mut Vec<Report>) {
        let store_time = self.store_time(now);
        let mut around = surroundings(&self.instance, self.pace, self.is_read_only, now, store_time);
        // It would take the lease along.
        around.is_leaving = self.departure != Departure::None;
        around.can_lease &= !around.is_leaving;
        let limit = reports.len().saturating_add(self.pace.max_reports()).min(MAX_REPORTS);
        for name in order_of_reports(&self.members, &self.reporters, limit, &mut self.random) {
            if reports.len() >= limit {
                break;
            }
            let Some(member) = self.members.get_mut(&name) else { continue };
            if let Some(report) = member.report(self.cache.get(&name), &around) {
                self.counts.count_report(&report.kind);
                member.has_reported(&report.kind);
                reports.push(report);
            }
        }
    }
}

/// Returns the circuits in the order in which they are reported. The results of trial calls come first. Each process
/// begins elsewhere with the others if they do not fit into one request, so that a large fleet soon has enough votes
/// for every circuit.
fn order_of_reports(
    members: &BTreeMap<SharedName, Member>,
    reporters: &BTreeSet<SharedName>,
    limit: usize,
    random: &mut Random,
) -> Vec<SharedName> {
    let has_lease = |name: &&SharedName| members.get(*name).is_some_and(Member::has_lease);
    let (first, mut others): (Vec<_>, Vec<_>) = reporters.iter().partition(has_lease);
    if others.len() > limit {
        let begin = random.below(others.len() as u64);
        others.rotate_left(usize::try_from(begin).unwrap_or_default());
    }
    first.into_iter().chain(others).cloned().collect()
}
