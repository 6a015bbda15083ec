//! The picture of the fleet in the terminal: one line per moment, one letter per process.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this file prints to the terminal")]

use std::env;
use std::io::{IsTerminal as _, stdout};
use std::time::{Duration, Instant};

use breaker_runtime::State;

use crate::report::Report;

#[derive(Clone, Copy)]
pub(crate) struct Picture {
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

pub(crate) fn reject_arguments(arguments: &[String]) {
    let unknown = arguments.join(" ");
    eprintln!("fleet_node: unknown arguments `{unknown}`; use --nodes with a number from 2 to 32, or none");
}

impl Picture {
    pub(crate) fn new() -> Self {
        let allows_color = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let palette = if allows_color && stdout().is_terminal() { Palette::Color } else { Palette::Plain };
        Self { start: Instant::now(), palette }
    }

    pub(crate) fn welcome(self, nodes: usize) {
        println!();
        println!("  {}", self.paint(Style::Bold, "A fleet of processes that share one circuit"));
        println!(
            "  one letter per process: {} closed, {} open, {} half-open, {} not heard of; * has the lease",
            self.letter(State::Closed),
            self.letter(State::Open),
            self.letter(State::HalfOpen),
            self.paint(Style::Dim, "."),
        );
        println!();
        println!(
            "{}",
            self.paint(
                Style::Dim,
                &format!(
                    "{:>9}  {:<width$}  calls of the service",
                    "time",
                    "processes",
                    width = nodes.max(9) + 1
                )
            )
        );
    }

    pub(crate) fn announce(self, title: &str) {
        println!("\n  {}", self.paint(Style::Bold, title));
    }

    /// Prints the fleet at this moment, and how many calls the service got since the line before.
    pub(crate) fn show(self, reports: &[Option<Report>], calls: u64) {
        const MAX_BAR: u64 = 40;
        const CALLS_PER_CHARACTER: u64 = 5;
        let mut letters: String = reports.iter().map(|report| self.letter_of(*report)).collect();
        if reports.iter().flatten().any(|report| report.holds_lease) {
            letters.push('*');
        } else {
            letters.push(' ');
        }
        let padding = " ".repeat(9_usize.saturating_sub(reports.len()));
        let length = calls.div_ceil(CALLS_PER_CHARACTER).min(MAX_BAR);
        let bar = "#".repeat(usize::try_from(length).unwrap_or_default());
        let time = self.start.elapsed().as_secs_f64();
        println!("{time:>7.2} s  {letters}{padding}  {calls:>4} {bar}");
    }

    /// Prints whether something is as it must be.
    pub(crate) fn judge(self, is_right: bool, text: &str) {
        let mark = if is_right { self.paint(Style::Green, "ok") } else { self.paint(Style::Red, "WRONG") };
        println!("{:>9}  {mark}: {text}", "");
    }

    fn letter_of(self, report: Option<Report>) -> String {
        report.map_or_else(|| self.paint(Style::Dim, "."), |report| self.letter(report.state))
    }

    fn letter(self, state: State) -> String {
        match state {
            State::Closed => self.paint(Style::Green, "C"),
            State::Open => self.paint(Style::Red, "O"),
            State::HalfOpen => self.paint(Style::Yellow, "H"),
            State::ForcedOpen => self.paint(Style::Red, "F"),
            State::Disabled => self.paint(Style::Dim, "D"),
        }
    }

    fn paint(self, style: Style, text: &str) -> String {
        match self.palette {
            Palette::Color => format!("\x1b[{}m{text}\x1b[0m", style as u8),
            Palette::Plain => text.to_owned(),
        }
    }
}

/// Returns a time in seconds, as text.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
