//! The pages that say which test holds which promise: every row names one, every test that is named is there,
//! and so is every promise.

use crate::source::Source;
use crate::tokens::Token;

/// What stands in the last column instead of tests where a promise was not made yet.
const LATER: &str = "belongs to a later change";

/// With these words begins a row each; a promise does not go away with its row.
pub(crate) const TITLES: &[&str] = &[
    "1. A permit cannot be lost",
    "2. A permit has exactly one outcome, which decides only in the generation of the permit",
    "3. At most `half_open_max_calls` trials run at once",
    "4. A panic counts as a failure and keeps unwinding",
    "5. No lock is held while user code runs",
    "6. Time is monotonic, sums of times saturate, and `Duration::MAX` means never",
    "7. Totals add up",
    "8. Declarations of one name agree, or the conflict names both locations and loses no state",
    "9. `set_config` changes a live breaker without losing its state or counts",
    "Limits are inclusive",
    "A failure or a slow call evaluates every rule",
    "A call enters the window and is timed when it ends",
    "An expired trial lease reopens the circuit at its expiry and increases the backoff",
    "Late outcomes count in the totals and in no rule",
    "Reading the state changes nothing",
    "`force_close`, `release` and `reset` each start a new generation and clear the window, the consecutive failures and the backoff, even of a closed circuit",
    "`failure_threshold`",
    "`consecutive_failures`",
    "`failure_rate`",
    "`slow_call`, `slow_call_rate`",
    "`minimum_calls`: the calls in the window before a rate is evaluated",
    "A window of calls holds exactly the last calls",
    "A window of time holds the calls of the last period, in ten parts",
    "Several rules",
    "An ignored outcome is not counted by any rule",
    "A success that is not slow never opens a circuit",
    "Without a rule, five failures open the circuit",
    "`recovery_timeout`",
    "`backoff`, `max_recovery_timeout`",
    "`jitter` shortens the recovery timeout at random",
    "`success_threshold`",
    "One failed or slow trial reopens the circuit",
    "An ignored trial releases its slot and decides nothing",
    "Each key has its own circuit",
    "The `key` expression is evaluated once per call, before the body",
    "There are at most `max_keys` circuits",
    "Only an idle, closed circuit without recorded state is evicted",
    "If no circuit can be evicted, the call uses the overflow circuit",
    "The lookup of a known key allocates nothing",
    "The circuit of a key is small",
    "The `breaker` expression is evaluated at every call, and its owner can be changed or dropped during the call",
    "The limits of the given breaker apply",
    "The `registry` expression is evaluated at the first call",
    "`call_timeout`",
    "`max_concurrent`",
    "`max_wait`",
    "The circuit is checked before the bulkhead",
    "A trial that finds the bulkhead full releases its trial slot",
    "`fallback_on = failure`",
    "`Totals::fallbacks`",
    "A fallback receives the original arguments",
    "`force_open`, `disable`, `release`",
    "`force_close`, `reset`",
    "Each command starts a new generation",
    "A state change names the initiator of the command",
    "`wait_closed().await` completes when the circuit no longer rejects calls",
    "`listen`",
    "`subscribe`",
    "`Registry`",
    "`Registry::declared`",
    "`Snapshot`",
    "`shadow` counts, changes state and reports, but never rejects",
    "`shadow` can be turned on and off on a live breaker",
    "`critical` is reported to health checks",
    "A scope has its own registry",
    "Threads and tasks can enter a scope",
    "The clock of a scope moves only when the test advances it",
    "Breakers follow the paused clock of tokio",
    "`trip` and `assert_state` work before the first call",
    "The JSON is exactly as documented",
    "Health reports readiness",
    "The stream sends everything first, then changes, and resends what a client missed",
    "Circuits are read once a second for all clients, and not at all without a client",
    "The dashboard shows a change within two seconds",
    "Commands need a token and a header that no form can send, and record their operator",
    "The router can be mounted at any path, and its page loads nothing from other hosts",
    "NaN, and rates out of range",
    "Windows of zero, and other numbers out of range",
    "`Duration::ZERO` and `Duration::MAX`",
    "`minimum_calls` above a window of calls",
    "Empty names, and names of 10 kB",
    "`max_keys` of zero",
    "A panicking predicate",
    "A panicking listener",
    "A key whose `Display` panics",
    "A forgotten permit",
    "Names, keys, errors and operators with quotes, line breaks or markup",
    "Unknown circuits and commands, and invalid URLs",
    "Ten thousand clients, and clients that do not read",
    "A cancelled or panicked trial never released its slot",
    "A hung trial blocked recovery",
    "A late success closed the circuit, a late failure reopened it",
    "Concurrent threads ran more trials than allowed",
    "A sliding window of calls never slid",
    "One success per idle period opened the circuit or kept it open",
    "A success tripped the window, and the first window was not evaluated",
    "A panic was not counted as a failure",
    "An ignored error counted as a success or left the circuit half-open",
    "The call after the recovery timeout hung, and a callback that read the state deadlocked",
    "`Duration::MAX` panicked, windows below a second became zero, and a jump of the wall clock opened the circuit or panicked",
    "Memory grew without bound",
    "Counts went negative under load",
    "A limit of five failures opened at the sixth",
    "A breaker that was built for each request never tripped",
    "A fallback ran for ignored errors",
    "A fallback ran twice, for the timeout and for the late error",
    "A mismatched signature of a fallback was found only when it ran",
    "The annotation ignored async, `?` and early return",
    "A new configuration lost the state and the listeners",
    "Keyed breakers were never evicted",
    "Rates without calls were -1 or NaN",
    "Features had no effect",
    "An open breaker made the pod DOWN, which restarted it",
    "Tests shared the state of a breaker",
    "Retries hid failures or overloaded the dependency",
    "Shared state was reset by a new process, had one namespace for all services, and failed calls by its own errors",
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
