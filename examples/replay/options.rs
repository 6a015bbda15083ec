//! The command line.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use breaker_runtime::{Config, ConfigBuilder, Setting};
use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

use crate::shown::shown;
use crate::status::FailureStatuses;
use crate::sweep::Range;

/// The task of the program.
#[derive(Debug)]
pub(crate) enum Task {
    Help,
    /// Writes a generated incident.
    Generate(PathBuf),
    Replay(Box<ReplayOptions>),
}

/// A trace, and the settings to play it with.
#[derive(Debug)]
pub(crate) struct ReplayOptions {
    pub(crate) trace: PathBuf,
    pub(crate) settings: ConfigBuilder,
    pub(crate) ranges: Vec<Range>,
    pub(crate) failures: FailureStatuses,
    pub(crate) svg: Option<PathBuf>,
}

pub(crate) const HELP: &str = "\
Plays a trace of calls through a circuit breaker and tells what it would have done.

Usage: replay [OPTIONS] TRACE

TRACE is a CSV file (time,duration,outcome and an optional key) or, with another ending than .csv,
an access log of nginx (combined, with $request_time at the end of each line).

  --set SETTING=VALUE          a setting of the attribute, such as failure_rate=0.5 or window=60s
  --sweep SETTING=A,B,..       compares values of a setting; several combine
  --fail STATUSES              the statuses of a log that fail (5xx)
  --svg FILE                   draws the timeline
  --generate FILE              writes a generated incident to a .csv file or an access log
";

/// Parses the command line, without the name of the program.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task, String> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut settings = Config::builder();
    let (mut ranges, mut failures) = (Vec::new(), FailureStatuses::default());
    let (mut trace, mut svg) = (None::<PathBuf>, None::<PathBuf>);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Short('h') | Long("help") => return Ok(Task::Help),
            Long("generate") => return Ok(Task::Generate(value(&mut parser)?.into())),
            Long("set") => {
                let Range { setting, values } = parse_range(&value(&mut parser)?)?;
                settings =
                    settings.set_text(setting, &values.join(",")).map_err(|error| error.to_string())?;
            }
            Long("sweep") => ranges.push(parse_range(&value(&mut parser)?)?),
            Long("fail") => failures = FailureStatuses::parse(&value(&mut parser)?)?,
            Long("svg") => svg = Some(value(&mut parser)?.into()),
            Value(path) if trace.is_none() => trace = Some(path.into()),
            other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().to_string()),
        }
    }
    let trace = trace.ok_or("no trace; see --help")?;
    if svg.as_ref().is_some_and(|svg| *svg == trace || are_same_file(svg, &trace)) {
        return Err("--svg names the trace, which it would overwrite; choose another file".to_owned());
    }
    let repeated = |(index, range): &(usize, &Range)| {
        ranges.iter().take(*index).any(|earlier| earlier.setting == range.setting)
    };
    if let Some((_, Range { setting, .. })) = ranges.iter().enumerate().find(repeated) {
        return Err(format!(
            "two options --sweep for {setting}; write all values in one, as in {setting}=3,5"
        ));
    }
    Ok(Task::Replay(Box::new(ReplayOptions { trace, settings, ranges, failures, svg })))
}

/// Returns `true` if both paths lead to the same file, also by a link. A file that does not exist is none.
#[cfg(unix)]
fn are_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    id(one).is_some_and(|one| id(other) == Some(one))
}

#[cfg(not(unix))]
fn are_same_file(one: &Path, other: &Path) -> bool {
    let target = |path: &Path| fs::canonicalize(path).ok();
    target(one).is_some_and(|one| target(other) == Some(one))
}

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().and_then(ValueExt::string).map_err(|error| error.to_string())
}

/// Parses `failure_threshold=3,5`.
fn parse_range(text: &str) -> Result<Range, String> {
    let (name, values) =
        text.split_once('=').ok_or_else(|| format!("{} is not of the form setting=value", shown(text)))?;
    let setting = name.trim().parse::<Setting>().map_err(|_| {
        let names: Vec<_> = Setting::ALL.iter().map(|setting| setting.label()).collect();
        format!("there is no setting {}; expected one of {}", shown(name.trim()), names.join(", "))
    })?;
    Ok(Range { setting, values: values.split(',').map(|value| value.trim().to_owned()).collect() })
}
