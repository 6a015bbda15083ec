//! The timeline of a trace as an SVG image: calls and failures above, and below them one bar for each configuration
//! that shows when its circuits were open.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are those of pixels"
)]

use std::fmt::Write as _;
use std::time::Duration;

use crate::shown::counted;
use crate::sweep::Candidate;
use crate::table::at;
use crate::trace::{Trace, TracedOutcome};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 16.0;
const CHART: f64 = 140.0;
const ROW: f64 = 34.0;
/// Number of columns of the chart.
const BINS: usize = 160;
/// Maximum number of configurations that are drawn.
const MAX_ROWS: usize = 20;

const STYLE: &str = "text{font:12px sans-serif;fill:#333}.calls{fill:#c9d4df}.failed{fill:#d1495b}\
    .open{fill:#d1495b}.bar{fill:#e8f0e4}.axis{stroke:#999}";

/// The calls of one column.
#[derive(Clone, Copy, Default)]
struct Bin {
    calls: usize,
    failed: usize,
}

/// Returns the image.
pub(crate) fn timeline(trace: &Trace, candidates: &[Candidate]) -> String {
    let end =
        trace.calls.iter().map(|call| call.start).max().unwrap_or_default().max(Duration::from_millis(1));
    let shown = candidates.get(..MAX_ROWS.min(candidates.len())).unwrap_or_default();
    let hidden = candidates.len() - shown.len();
    let rows = shown.len() + usize::from(hidden > 0);
    let height = CHART + 60.0 + rows as f64 * ROW;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><title>Timeline of a trace</title><style>{STYLE}</style>"#
    );
    draw_calls(&mut svg, &bins(trace, end));
    _ = write!(
        svg,
        r#"<text x="{LEFT}" y="{y}">{start}</text><text x="{right}" y="{y}" text-anchor="end">{end}</text>"#,
        y = CHART + 36.0,
        start = at(Duration::ZERO),
        right = WIDTH - LEFT,
        end = at(end),
    );
    for (index, candidate) in shown.iter().enumerate() {
        draw_outages(&mut svg, candidate, row_top(index), end);
    }
    if hidden > 0 {
        let (y, hidden) = (row_top(shown.len()), counted(hidden, "more configuration"));
        _ = write!(svg, r#"<text x="{LEFT}" y="{y:.1}">and {hidden}, which the table lists</text>"#);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Returns where the row of the configuration with this index begins.
fn row_top(index: usize) -> f64 {
    CHART + 52.0 + index as f64 * ROW
}

fn bins(trace: &Trace, end: Duration) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BINS];
    for call in &trace.calls {
        let index = (share(call.start, end) * BINS as f64) as usize;
        if let Some(bin) = bins.get_mut(index.min(BINS - 1)) {
            bin.calls += 1;
            bin.failed += usize::from(call.outcome == TracedOutcome::Failure);
        }
    }
    bins
}

fn draw_calls(svg: &mut String, bins: &[Bin]) {
    let most = bins.iter().map(|bin| bin.calls).max().unwrap_or(0).max(1);
    let width = (WIDTH - 2.0 * LEFT) / BINS as f64;
    let base = CHART + 20.0;
    _ = write!(
        svg,
        r#"<text x="{LEFT}" y="14">calls, and failing calls in red; the highest column has {most} calls</text>"#
    );
    for (index, bin) in bins.iter().enumerate() {
        let x = LEFT + index as f64 * width;
        for (class, count) in [("calls", bin.calls), ("failed", bin.failed)] {
            let height = CHART * count as f64 / most as f64;
            if count > 0 {
                let y = base - height;
                _ = write!(
                    svg,
                    r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
                );
            }
        }
    }
    let right = WIDTH - LEFT;
    _ = write!(svg, r#"<line class="axis" x1="{LEFT}" x2="{right}" y1="{base}" y2="{base}"/>"#);
}

fn draw_outages(svg: &mut String, candidate: &Candidate, y: f64, end: Duration) {
    let (label, inner) = (escape(&candidate.label), WIDTH - 2.0 * LEFT);
    let top = y + 6.0;
    _ = write!(
        svg,
        r#"<text x="{LEFT}" y="{y:.1}">{label}: {} spared, {} lost</text><rect class="bar" x="{LEFT}" y="{top:.1}" width="{inner:.1}" height="12"/>"#,
        candidate.replay.spared, candidate.replay.lost
    );
    for outage in &candidate.replay.outages {
        let from = LEFT + inner * share(outage.opened, end);
        let width = (inner * share(outage.closed.unwrap_or(end).min(end), end) + LEFT - from).max(1.0);
        let title = escape(&format!("opened at {}: {}", at(outage.opened), outage.reason));
        _ = write!(
            svg,
            r#"<rect class="open" x="{from:.1}" y="{top:.1}" width="{width:.1}" height="12"><title>{title}</title></rect>"#
        );
    }
}

fn share(time: Duration, end: Duration) -> f64 {
    (time.as_secs_f64() / end.as_secs_f64()).min(1.0)
}

/// Escapes a text for XML, and replaces characters that XML does not allow.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
