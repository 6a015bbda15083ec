//! Plays a trace of calls through the circuit breaker of the library, and tells when it would have opened, what it
//! would have spared and what it would have cost.
//!
//! ```text
//! cargo run -p breaker-examples --example replay -- --generate incident.csv
//! cargo run -p breaker-examples --example replay -- incident.csv --set failure_threshold=5
//! cargo run -p breaker-examples --example replay -- incident.csv --set failure_rate=0.5 \
//!     --sweep window=20,100,60s --sweep recovery_timeout=5s,30s --svg timeline.svg
//! ```
//!
//! Without arguments it generates an incident, and compares a few settings.
//!
//! | file | contents |
//! |---|---|
//! | `options.rs` | the command line |
//! | `number.rs` | numbers in traces and on the command line |
//! | `status.rs` | the HTTP statuses that fail |
//! | `time.rs` | times in traces |
//! | `lines.rs` | the lines of a file |
//! | `shown.rs` | texts in errors |
//! | `trace.rs` | the calls of a trace |
//! | `csv_trace.rs` | traces as CSV |
//! | `nginx.rs` | access logs of nginx |
//! | `generate.rs` | a generated incident |
//! | `play.rs` | plays a trace |
//! | `sweep.rs` | compares settings |
//! | `table.rs` | the results as a table |
//! | `svg.rs` | the timeline as an image |
//! | `tests.rs` | tests with small traces |
//! | `mistakes.rs` | tests with files that have mistakes |
//! | `recorded.rs` | tests with traces that the feature `recorder` has written |

mod csv_trace;
mod generate;
mod lines;
#[cfg(test)]
mod mistakes;
mod nginx;
mod number;
mod options;
mod play;
#[cfg(test)]
mod recorded;
mod shown;
mod status;
mod svg;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod trace;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use breaker_runtime::{Config, Setting};

use crate::options::{HELP, ReplayOptions, Task};
use crate::shown::counted;
use crate::status::FailureStatuses;
use crate::sweep::{Range, sweep};
use crate::trace::Trace;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let result = if arguments.is_empty() { demonstrate() } else { options::parse(arguments).and_then(run) };
    match result.and_then(|text| write_result(io::stdout(), &text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // A program that cannot write to stderr has no other way to report that.
            _ = writeln!(io::stderr(), "replay: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the result. A reader that has read enough, such as `head`, is no error.
fn write_result(mut output: impl Write, text: &str) -> Result<(), String> {
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("the result: {error}")),
        _ => Ok(()),
    }
}

fn run(task: Task) -> Result<String, String> {
    match task {
        Task::Help => Ok(HELP.to_owned()),
        Task::Generate(path) => {
            let calls = generate::incident();
            let text = if is_csv(&path) { generate::csv(&calls) } else { generate::nginx_log(&calls) };
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(format!("wrote {} to {}\n", counted(calls.len(), "call"), path.display()))
        }
        Task::Replay(options) => replay(&options),
    }
}

fn replay(options: &ReplayOptions) -> Result<String, String> {
    let ReplayOptions { trace, settings, ranges, failures, svg } = options;
    let trace = read(trace, failures)?;
    let candidates = sweep(&trace, settings, ranges)?;
    if let Some(path) = svg {
        fs::write(path, svg::timeline(&trace, &candidates))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mut text = summary(&trace);
    text.push_str(&table::comparison(&candidates));
    if let [only] = candidates.as_slice() {
        text.push_str(&table::outages(&only.replay));
    }
    text.push('\n');
    text.push_str(table::LEGEND);
    Ok(text)
}

/// Reads a trace. A file without a call is an error.
fn read(path: &Path, failures: &FailureStatuses) -> Result<Trace, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let trace = if is_csv(path) { csv_trace::read_csv(file) } else { nginx::read_nginx(file, failures) };
    if trace.calls.is_empty() {
        return Err(format!("{} contains no call that can be replayed\n{}", path.display(), trace.broken));
    }
    Ok(trace)
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// Describes a trace and everything in it that cannot be replayed.
fn summary(trace: &Trace) -> String {
    let failed = trace.calls.iter().filter(|call| call.outcome == trace::TracedOutcome::Failure).count();
    let mut text = format!("{}, {failed} of them failed\n", counted(trace.calls.len(), "call"));
    if trace.unsorted > 0 {
        let unsorted = counted(trace.unsorted, "call");
        _ = writeln!(text, "the trace has been sorted: {unsorted} started before the one of an earlier line");
    }
    if trace.rejected > 0 {
        _ = writeln!(
            text,
            "the replay is without {}, because the outcome is unknown",
            counted(trace.rejected, "rejected call")
        );
    }
    if trace.broken.count > 0 {
        let broken = counted(trace.broken.count, "line");
        _ = write!(text, "the replay is without {broken} that cannot be read:\n{}", trace.broken);
    }
    text
}

/// Generates an incident and compares a few settings.
fn demonstrate() -> Result<String, String> {
    let trace = csv_trace::read_csv(generate::csv(&generate::incident()).as_bytes());
    let values = |setting, values: &[&str]| Range {
        setting,
        values: values.iter().map(|it| (*it).to_owned()).collect(),
    };
    let ranges = [
        values(Setting::FailureRate, &["0.2", "0.5", "0.8"]),
        values(Setting::RecoveryTimeout, &["5s", "30s"]),
    ];
    let candidates = sweep(&trace, &Config::builder().window_calls(100), &ranges)?;
    Ok(format!("{}{}\n{}", summary(&trace), table::comparison(&candidates), table::LEGEND))
}
