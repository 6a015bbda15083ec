//! The pages that say which test holds which promise: every row names one, and every test that is named is
//! there.

use crate::source::Source;
use crate::tokens::Token;

/// `page` is a page in Markdown; its tables have the tests in their last column. `sources` are all files with
/// tests in them.
pub(crate) fn complaints(path: &str, page: &str, sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (nth, row) in rows(page) {
        let names = names(row);
        if names.is_empty() {
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

/// What stands in backticks in the last column.
fn names(row: &str) -> Vec<&str> {
    let cell = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default();
    cell.split('`').skip(1).step_by(2).collect()
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
    use super::complaints;
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
    }
}
