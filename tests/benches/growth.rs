//! Growth of cost with the length of a window, the number of keys, threads, circuits, listeners and annotated functions.
//!
//! `cargo bench -p breaker-benches --features integrations --bench growth`
//!
//! It prints a table for each chart. Each curve has the order of growth that the documentation states, and the measured
//! exponent: the slope of a line through the last three decades, or through all points if there are fewer, with both axes
//! logarithmic. It is 0 for a constant cost. A linear one is measured above its lowest point and has an exponent of 1.
//! Caches of the processor make a curve rise once its data exceeds them.
//!
//! It takes about six minutes; `-- keys`, for example, measures only one of the parts. `--write` measures all of them,
//! and writes the tables and the drawing of the performance page. Figures are never checked.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

#[path = "growth/circuits.rs"]
mod circuits;
#[path = "growth/curves.rs"]
mod curves;
#[path = "growth/drawing.rs"]
mod drawing;
#[path = "growth/functions.rs"]
mod functions;
#[path = "growth/keys.rs"]
mod keys;
#[path = "growth/listeners.rs"]
mod listeners;
mod median;
mod pages;
#[path = "observers/processor.rs"]
mod processor;
#[path = "compile/samples.rs"]
#[allow(dead_code, reason = "the bench `compile` uses the rest")]
mod samples;
#[path = "growth/threads.rs"]
mod threads;
mod throughput;
#[path = "growth/windows.rs"]
mod windows;
#[allow(dead_code, reason = "the bench `table` uses the rest")]
mod work;

use curves::Chart;

const DRAWING: &str = "breaker-runtime/src/docs/growth.svg";
const LINK: &str = "breaker-runtime/src/docs/growth.link";

type Charts = (&'static str, fn() -> Vec<Chart>);

/// The charts in the order of the page, with the name that selects them.
const CHARTS: [Charts; 6] = [
    ("windows", windows::charts),
    ("keys", keys::charts),
    ("threads", threads::charts),
    ("circuits", circuits::charts),
    ("listeners", listeners::charts),
    ("functions", functions::charts),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let writes = args.iter().any(|arg| arg == "--write");
    let is_selected = |name: &str| writes || args.is_empty() || args.iter().any(|arg| arg == name);
    let mut charts = Vec::new();
    for (_, measure) in CHARTS.iter().filter(|(name, _)| is_selected(name)) {
        for chart in measure() {
            println!("{}", chart.table());
            charts.push(chart);
        }
    }
    if writes {
        let tables: Vec<String> = charts.iter().map(Chart::table).collect();
        pages::replace(
            pages::PERFORMANCE,
            "growth",
            &format!("{}.\n\n{}", pages::conditions(), tables.join("\n")),
        );
        let drawing = drawing::draw(&charts);
        pages::write(DRAWING, &drawing);
        pages::write(LINK, &drawing::link(&drawing));
    }
}
