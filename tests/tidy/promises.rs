//! The pages that say which test holds which promise: every row names one, every test that is named is there,
//! and so is every promise.

use crate::source::Source;
use crate::tokens::Token;

/// What stands in the last column instead of tests where a promise was not made yet.
const LATER: &str = "belongs to a later change";

/// With these words begins a row each; a promise does not go away with its row.
pub(crate) const TITLES: &[&str] = &[
    "1. A permit cannot be lost",
    "2. Exactly one result per permit, and only in its own generation",
    "3. Never more than `half_open_max_calls` trials at once",
    "4. A panic is a failure and goes on unwinding",
    "5. No lock is held while user code runs",
    "6. Time is monotonic, every sum of times saturates, `Duration::MAX` means never",
    "7. Counts add up",
    "8. Two declarations of one name agree, or the conflict names both places",
    "9. `apply` changes a live breaker without losing its state or counts",
    "Equal is enough",
    "When a failure or a slow call is recorded, every rule is asked",
    "A call enters the window, and is timed, when it ends",
    "A trial lease that ran out has re-opened the circuit at that moment",
    "Late results count in the totals always, in rules never",
    "Reading the state changes nothing",
    "`force_close`, `release` and `reset` each begin a new generation",
    "`failure_threshold`",
    "`consecutive_failures`",
    "`failure_rate`",
    "`slow_call`, `slow_call_rate`",
    "`minimum_calls`: how many",
    "A window of calls is exactly the last so many",
    "A window of time is the last so many seconds, in parts",
    "Several rules",
    "An ignored outcome is in no count",
    "A success that is not slow never opens",
    "No rule",
    "`recovery_timeout`",
    "`backoff`, `max_recovery_timeout`",
    "`jitter` spreads it",
    "`success_threshold`",
    "One failed or slow trial opens it again",
    "An ignored trial gives its place back and decides nothing",
    "One circuit for each key",
    "`key` is asked once a call, before the body",
    "At most `max_keys` circuits",
    "An idle, closed and clean circuit is let go, never an open one",
    "If none can go, the call shares the overflow circuit",
    "The lookup of a known key allocates nothing",
    "A circuit of a key is small",
    "`breaker` is asked for at every call",
    "Its limits hold",
    "`registry` is asked for at the first call",
    "`call_timeout`",
    "`max_concurrent`",
    "`max_wait`",
    "The breaker is asked first, then the bulkhead",
    "A call that finds no room gives a trial's place back",
    "`fallback_on = failure`",
    "The fallback gets the arguments as they were",
    "`force_open`, `disable`, `release`",
    "`force_close`, `reset`",
    "Each command begins a new generation",
    "Who gave it is told",
    "`closed().await`",
    "`listen`",
    "`subscribe`",
    "`Registry`",
    "`Registry::declared`",
    "`Snapshot`",
    "`shadow` counts, changes state, reports, and never rejects",
    "`shadow` begins and ends on a live breaker",
    "`critical` is told to those who report health",
    "A scope has its own registry",
    "Threads and tasks are in the scope",
    "The clock of a scope stands still",
    "With tokio's paused clock",
    "`trip` and `assert_state`",
    "JSON is exactly as documented",
    "Health is for readiness",
    "The stream: everything, then what changes, and what was missed",
    "Circuits are looked at once a second for all who watch",
    "The dashboard shows within two seconds what happens",
    "Commands need a token and a header that no form can send",
    "The router goes anywhere, and its page loads nothing from elsewhere",
    "NaN, and rates out of range",
    "Zero windows, and other numbers out of range",
    "`Duration::ZERO` and",
    "`minimum_calls` beyond a window of calls",
    "Names that are empty, or 10 kB long",
    "`max_keys` of zero",
    "A predicate that panics",
    "A listener that panics",
    "A key whose `Display` panics",
    "A permit that is forgotten",
    "Names, keys, errors and operators with quotes, line breaks or markup",
    "A circuit or a command that is not there, an address that is no text",
    "Ten thousand clients, and clients that do not read",
    "A cancelled or panicked trial never gave its place back",
    "A hung trial blocked recovery",
    "A late success closed the circuit, a late failure re-opened it",
    "More trials than allowed under threads",
    "A sliding window of calls never slid",
    "One good call in each idle period opened or stuck",
    "A window met by a success tripped",
    "A panic was not counted as a failure",
    "An error that is no failure counted as success, or left the circuit half-open",
    "The call after the cooldown hung",
    "`Duration::MAX` panicked",
    "Memory grew",
    "Counts went negative under load",
    "Off by one",
    "A breaker built for each request never tripped",
    "A fallback ran for ignored errors",
    "A fallback ran twice, for the timeout and for the late error",
    "A fallback's signature drifted and nobody noticed until it ran",
    "The annotation ignored async, `?` and early return",
    "Reconfiguring lost state and orphaned listeners",
    "Keyed breakers were never evicted",
    "Rates were -1 or NaN without calls",
    "Features did nothing",
    "An open breaker made the pod DOWN, and it was restarted",
    "Tests shared the state of a breaker",
    "Retries hid failures, or hammered",
    "Shared state",
];

/// Which of `titles` no row begins with, or more than one.
pub(crate) fn missing(path: &str, page: &str, titles: &[&str]) -> Vec<String> {
    let rows = rows(page);
    let count = |title| rows.iter().filter(|(_, row)| begins_with(row, title)).count();
    let missing = titles.iter().filter(|title| count(title) != 1);
    missing.map(|title| format!("{path}:1: one row must begin with `{title}`")).collect()
}

/// `page` is a page in Markdown; its tables have the tests in their last column. `sources` are all files with
/// tests in them.
pub(crate) fn complaints(path: &str, page: &str, sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (nth, row) in rows(page) {
        let names = names(row);
        if names.is_empty() && last_cell(row) != LATER {
            complaints.push(format!("{path}:{nth}: names no test; say which one holds it"));
        }
        for name in names {
            if !sources.iter().any(|source| has(source, name)) {
                complaints.push(format!("{path}:{nth}: `{name}` is no test; name the one that holds it"));
            }
        }
    }
    complaints
}

/// The rows of all tables but for their heads, with the numbers of their lines.
fn rows(page: &str) -> Vec<(usize, &str)> {
    let (mut rows, mut is_below_head) = (Vec::new(), false);
    for (nth, line) in (1..).zip(page.lines()) {
        if !line.starts_with('|') {
            is_below_head = false;
        } else if line.starts_with("|---") {
            is_below_head = true;
        } else if is_below_head {
            rows.push((nth, line));
        }
    }
    rows
}

fn begins_with(row: &str, title: &str) -> bool {
    row.trim_start_matches('|').trim_start().starts_with(title)
}

fn last_cell(row: &str) -> &str {
    row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim()
}

/// What stands in backticks in the last column.
fn names(row: &str) -> Vec<&str> {
    last_cell(row).split('`').skip(1).step_by(2).collect()
}

/// Whether `place::function` is a test of this file: the place is the file, or a folder that it is in.
fn has(source: &Source, name: &str) -> bool {
    let Some((place, function)) = name.split_once("::") else {
        return false;
    };
    let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    stem.split('/').any(|part| part == place) && has_test(&source.row, function)
}

fn has_test(row: &[Token], function: &str) -> bool {
    let starts = row
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [keyword, name] if keyword.text == "fn" && name.text == function));
    starts.map(|(start, _)| row.get(..start).unwrap_or_default()).any(is_marked)
}

/// Whether one of the attributes at the end of `before` says that a test follows.
fn is_marked(before: &[Token]) -> bool {
    let before = match before {
        [rest @ .., last] if last.text == "async" => rest,
        all => all,
    };
    let attributes = before.iter().rev().take_while(|token| !matches!(token.text.as_str(), "}" | ";" | "{"));
    attributes.map(|token| token.text.as_str()).any(|text| text == "test")
}

#[cfg(test)]
mod tests {
    use super::{complaints, missing};
    use crate::source::Source;

    const HEAD: &str = "| what | tests |\n|---|---|\n";

    fn judged(row: &str) -> Vec<String> {
        let text = "#[test]\nfn one() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\nfn three() {}\n\
                    proptest! { #[test] fn four(a in b()) {} }\n";
        let source = Source::parse("tests/it/a.rs", text).unwrap();
        complaints("page.md", &format!("{HEAD}{row}\n"), &[&source])
    }

    #[test]
    fn tests_that_are_there_are_found() {
        for row in ["| x | `a::one` `a::two` |", "| `y` | `a::four` |", "| z | `it::one` |"] {
            assert_eq!(judged(row), [""; 0]);
        }
        assert_eq!(judged("no table"), [""; 0]);
    }

    #[test]
    fn a_name_without_a_test_is_found() {
        for name in ["a::three", "a::five", "b::one", "one", "a::one::two"] {
            crate::complains(&judged(&format!("| x | `{name}` |")), "page.md:3");
        }
    }

    #[test]
    fn a_row_without_a_test_is_found() {
        crate::complains(&judged("| `a::one` | later |"), "page.md:3");
        crate::complains(&judged("| belongs to a later change | later |"), "page.md:3");
        assert_eq!(judged("| x | belongs to a later change |"), [""; 0]);
    }

    #[test]
    fn a_promise_without_a_row_is_found() {
        let page = format!("{HEAD}| one thing | `a::one` |\n| another thing | `a::two` |\nthree\n");
        assert_eq!(missing("page.md", &page, &["one", "another thing"]), [""; 0]);
        for gone in ["three", "what", "thing"] {
            crate::complains(&missing("page.md", &page, &["one", gone]), "page.md:1");
        }
        let twice = format!("{page}\n{HEAD}| one thing | `a::one` |\n");
        crate::complains(&missing("page.md", &twice, &["one thing"]), "page.md:1");
    }
}
