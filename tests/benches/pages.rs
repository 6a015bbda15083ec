//! The marked parts of pages, which benches write with `-- --write`.
//!
//! A part begins after the line `<!-- NAME: written by COMMAND -->` and ends before `<!-- end of NAME -->`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const PERFORMANCE: &str = "breaker-runtime/src/docs/performance.md";

/// Replaces the part `name` of the page at `path`, from the root of the repository.
///
/// # Panics
///
/// Panics if the page has no such part or cannot be written.
pub(crate) fn replace(path: &str, name: &str, part: &str) {
    let file = file(path);
    let page = fs::read_to_string(&file).expect("the page exists");
    let begin = format!("<!-- {name}: written by ");
    let end = format!("<!-- end of {name} -->");
    let (before, rest) = page.split_once(&begin).expect("the page has a line where the part begins");
    let (command, rest) = rest.split_once('\n').expect("the part has lines");
    let (_, after) = rest.split_once(&end).expect("the page has a line where the part ends");
    write(path, &format!("{before}{begin}{command}\n{}\n\n{end}{after}", part.trim_end()));
}

/// Writes the file at `path`, from the root of the repository.
///
/// # Panics
///
/// Panics if the file cannot be written.
pub(crate) fn write(path: &str, text: &str) {
    fs::write(file(path), text).expect("the checkout can be written to");
    println!("wrote {path}");
}

/// Returns the date, the compiler and the number of cores, such as "2026-11-28, rustc 1.95.0, 2 cores".
pub(crate) fn conditions() -> String {
    let rustc = Command::new("rustc").arg("--version").output().expect("rustc can be run");
    let version = String::from_utf8_lossy(&rustc.stdout);
    let version = version.split(' ').nth(1).expect("rustc prints its version");
    let cores = std::thread::available_parallelism().expect("the system knows its processors");
    format!("{}, rustc {version}, {cores} cores", today())
}

fn file(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Returns the date in UTC, by the algorithm `civil_from_days` of Howard Hinnant.
fn today() -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let days = time.as_secs() / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month < 3);
    format!("{year}-{month:02}-{day:02}")
}
