//! The output in the terminal: aligned lines, in color if standard output is a terminal.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this file prints to the terminal")]

use std::env;
use std::io::{IsTerminal as _, stdout};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use breaker_runtime::{Snapshot, State};

use crate::story::{Checkout, Purchase, Role, Source};
use crate::summary::{Latency, Saved, Summary};

#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    start: Instant,
    palette: Palette,
}

#[derive(Clone, Copy)]
enum Palette {
    Color,
    Plain,
}

/// The ANSI codes of the text styles.
#[derive(Clone, Copy)]
enum Style {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

pub(crate) fn reject_argument(unknown: &str) {
    eprintln!("checkout: unknown argument `{unknown}`; use --serve to repeat until Ctrl-C, or no argument");
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let allows_color = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let palette = if allows_color && stdout().is_terminal() { Palette::Color } else { Palette::Plain };
        Self { start: Instant::now(), palette }
    }

    pub(crate) fn welcome(self, shop: SocketAddr) {
        println!();
        println!("  {}", self.paint(Style::Bold, "A shop, its payment provider, and a circuit breaker"));
        println!("  watch     http://{shop}/");
        println!("  buy       http://{shop}/checkout?sku=tea");
        println!("  circuits  http://{shop}/circuits");
        println!("  metrics   http://{shop}/metrics");
        println!();
        let head = format!("{:>9}  {:>10}  {:<9} {:<9} result", "time", "latency", "source", "circuit");
        println!("{}", self.paint(Style::Dim, &head));
    }

    pub(crate) fn announce(self, title: &str) {
        println!("\n  {}", self.paint(Style::Bold, title));
    }

    pub(crate) fn show(self, purchase: &Purchase, circuit: Option<&Snapshot>) {
        let time = self.start.elapsed().as_secs_f64();
        let latency = millis(purchase.latency);
        let (style, source) = source_label(purchase.source);
        let source = self.paint(style, &format!("{source:<9}"));
        let state = self.circuit_text(purchase.checkout, circuit);
        let text = &purchase.text;
        let role = self.paint(Style::Dim, &role_text(&purchase.role));
        println!("{time:>7.2} s  {latency}  {source} {state} {text}{role}");
    }

    /// Prints a line if the circuit changed its state between the two snapshots.
    pub(crate) fn show_transition(self, before: Option<&Snapshot>, after: Option<&Snapshot>) {
        let Some(after) = after else { return };
        let Some(last) = &after.last_transition else { return };
        if before.is_some_and(|before| before.generation == after.generation) {
            return;
        }
        // A failed trial call changes the state twice: to half-open and back to open.
        let skipped = before.is_some_and(|before| before.state != last.from);
        let from = if skipped { format!("open → {}", last.from) } else { last.from.to_string() };
        let change = self.paint(state_style(last.to), &format!("{from} → {}", last.to));
        let wait = after
            .retry_after
            .map_or(String::new(), |wait| format!("; next trial call in {:.1} s", wait.as_secs_f64()));
        let reason = last.trip.map_or_else(|| last.cause.to_string(), |trip| trip.to_string());
        println!("{:>21}  ── {change}: {reason}{wait} ──", "");
    }

    pub(crate) fn summarize(self, summary: &Summary, circuit: &Snapshot) {
        self.announce("The benefit of the circuit breaker, measured in this run");
        show_latency("without a breaker", "failed", summary.unprotected.as_ref());
        show_latency("with it, admitted", "failed", summary.failed.as_ref());
        show_latency("with it, rejected", "by the fallback", summary.fallback.as_ref());
        if let Some(Saved { each, total }) = summary.saved() {
            let total = self.paint(Style::Green, &format!("{:.1} s", total.as_secs_f64()));
            let each = each.as_secs_f64() * 1e3;
            println!("  {:<19} {total} of waiting in total, {each:.1} ms per purchase", "saved");
        }
        let totals = circuit.totals;
        println!(
            "  {:<19} {} calls succeeded, {} failed, {} rejected; {} state changes, now {}",
            format!("circuit {}", circuit.name()),
            totals.successes,
            totals.failed(),
            totals.rejected,
            circuit.generation,
            circuit.state,
        );
        println!(
            "  {:<19} keeps running with `cargo run -p breaker-examples --example checkout -- --serve`",
            "dashboard"
        );
    }

    pub(crate) fn invite(self, shop: SocketAddr, pause: Duration) {
        let address = self.paint(Style::Bold, &format!("http://{shop}/"));
        println!(
            "\n  The next run starts in {pause:?}; the provider is healthy until then. Watch {address}; Ctrl-C ends the example."
        );
    }

    fn circuit_text(self, checkout: Checkout, circuit: Option<&Snapshot>) -> String {
        match (checkout, circuit) {
            (Checkout::Protected, Some(circuit)) => {
                self.paint(state_style(circuit.state), &format!("{:<9}", circuit.state))
            }
            (Checkout::Protected, None) | (Checkout::Unprotected, _) => self.paint(Style::Dim, "none     "),
        }
    }

    fn paint(self, style: Style, text: &str) -> String {
        match self.palette {
            Palette::Color => format!("\x1b[{}m{text}\x1b[0m", style as u8),
            Palette::Plain => text.to_owned(),
        }
    }
}

fn show_latency(label: &str, result: &str, latency: Option<&Latency>) {
    let Some(Latency { purchases, mean, shortest, longest }) = latency else { return };
    let (mean, shortest, longest) = (millis(*mean), millis(*shortest), millis(*longest));
    println!(
        "  {label:<19} {purchases:>2} purchases {result:<15}  mean {mean}  from {shortest} to {longest}"
    );
}

fn millis(time: Duration) -> String {
    format!("{:>7.1} ms", time.as_secs_f64() * 1e3)
}

fn role_text(role: &Role) -> String {
    match role {
        Role::Call => String::new(),
        Role::Failure(count) => format!("  (failure {count} in a row)"),
        Role::Trial => "  (trial call)".to_owned(),
    }
}

fn source_label(source: Source) -> (Style, &'static str) {
    match source {
        Source::Provider => (Style::Green, "provider"),
        Source::Fallback => (Style::Yellow, "fallback"),
        Source::Failed => (Style::Red, "failed"),
    }
}

fn state_style(state: State) -> Style {
    match state {
        State::Closed => Style::Green,
        State::HalfOpen => Style::Yellow,
        State::Open | State::ForcedOpen => Style::Red,
        State::Disabled => Style::Dim,
    }
}
