//! The checkable part of the style guide: how doc comments open, and words to avoid. It reads lines, not syntax, and
//! cannot judge whether a sentence is clear.

use crate::source::Source;

/// The beginnings of doc comments of an item, and of those of a file.
const OUTER: &str = "///";
const INNER: &str = "//!";

/// Limits in percent.
const MAX_HEADLESS: usize = 3;
const MIN_VERBS: usize = 90;

/// Openings of doc comments that are indirect questions, each of which is refused.
const QUESTIONS: &[&str] = &["How", "What", "When", "Where", "Whether", "Who", "Whoever", "Whose", "Why"];

/// Openings of doc comments that are not a sentence or a noun phrase, of which a few are accepted.
const HEADLESS: &[&str] = &[
    "After", "Again", "Also", "As", "At", "Before", "By", "Else", "For", "From", "In", "Likewise", "Nobody",
    "Nothing", "Of", "On", "Once", "So", "Such", "That", "The same", "There", "This is", "Those", "To",
    "Under", "With", "Without",
];

/// Words that end like a third-person verb.
const NOT_VERBS: &[&str] = &[
    "Always",
    "Breakers",
    "Circuits",
    "Counts",
    "Durations",
    "Errors",
    "Features",
    "Its",
    "Milliseconds",
    "Names",
    "Rejections",
    "Seconds",
    "Settings",
    "This",
    "Totals",
];

/// Words and phrases to avoid: archaic words, persons for code, metaphors, fillers.
const AVOIDED: &[&str] = &[
    "lest",
    "whoever",
    "whosoever",
    "somebody",
    "nobody",
    "for ever",
    "kin",
    "albeit",
    "hitherto",
    "thereof",
    "wherein",
    "of it only",
    "and no other",
    "but for",
    "he",
    "him",
    "his",
    "she",
    "her",
    "obey",
    "obeys",
    "house",
    "room",
    "rooms",
    "neighbour",
    "neighbours",
    "door",
    "doors",
    "so many of",
    "so many that",
    "so many bytes",
    "so many calls",
    "so much of",
    "so much that",
    "so long of",
    "so long that",
    "takes its time",
    "goes badly",
    "go badly",
    "the like of",
    "the likes of",
];

/// The first line of a `///` or `//!` block, and the item below it, which a `//!` block does not have.
struct DocComment<'a> {
    line: usize,
    opening: &'a str,
    item: &'a str,
}

/// Returns the doc comments that do not open as the style guide requires, if they are too many.
pub(crate) fn openings(sources: &[&Source]) -> Vec<String> {
    let (mut headless, mut verbless) = (Vec::new(), Vec::new());
    let (mut comments, mut functions) = (0, 0);
    let mut problems = Vec::new();
    for source in sources {
        let blocks = [OUTER, INNER].into_iter().flat_map(|marker| doc_comments(&source.text, marker));
        for DocComment { line, opening, .. } in blocks {
            if QUESTIONS.iter().any(|word| starts_with_words(opening, word)) {
                problems.push(source.problem(line, &format!("not a sentence or a noun phrase: {opening}")));
            }
        }
        for DocComment { line, opening, item } in doc_comments(&source.text, OUTER) {
            comments += 1;
            if HEADLESS.iter().any(|words| starts_with_words(opening, words)) {
                headless.push(source.problem(line, &format!("not a sentence or a noun phrase: {opening}")));
            }
            if is_function(item) {
                functions += 1;
                if !opens_with_verb(opening) {
                    verbless.push(source.problem(line, &format!("open with a third-person verb: {opening}")));
                }
            }
        }
    }
    if headless.len() * 100 > comments * MAX_HEADLESS {
        problems.append(&mut headless);
    }
    if (functions - verbless.len()) * 100 < functions * MIN_VERBS {
        problems.append(&mut verbless);
    }
    problems
}

/// Returns a problem for each word to avoid in the comments, messages and function names of Rust code.
pub(crate) fn words_of_code(path: &str, text: &str) -> Vec<String> {
    // This file lists the words.
    let lines = text.lines().filter(|_| path != "tests/tidy/prose.rs").map(prose_of);
    (1..).zip(lines).flat_map(|(line, prose)| problems(path, line, &prose)).collect()
}

/// Returns a problem for each word to avoid in a page.
pub(crate) fn words_of_page(path: &str, page: &str) -> Vec<String> {
    (1..).zip(page.lines()).flat_map(|(line, text)| problems(path, line, text)).collect()
}

fn problems(path: &str, line: usize, text: &str) -> Vec<String> {
    avoided(text).map(|word| format!("{path}:{line}: avoid `{word}`: {}", text.trim())).collect()
}

/// Returns the blocks of lines that begin with `marker`.
fn doc_comments<'a>(text: &'a str, marker: &str) -> Vec<DocComment<'a>> {
    let mut comments: Vec<DocComment<'_>> = Vec::new();
    let mut inside = false;
    let mut complete = true;
    for (line, text) in (1..).zip(text.lines().map(str::trim)) {
        match text.strip_prefix(marker) {
            Some(opening) if !inside => {
                comments.push(DocComment { line, opening: opening.trim(), item: "" });
                (inside, complete) = (true, false);
            }
            Some(_) => {}
            None => {
                inside = false;
                // Attributes may stand between the comment and its item.
                if let Some(comment) = comments.last_mut().filter(|_| !complete && !text.starts_with("#[")) {
                    comment.item = text;
                    complete = true;
                }
            }
        }
    }
    comments
}

fn is_function(item: &str) -> bool {
    let before = item.split_once("fn ").map(|(before, _)| before);
    before.is_some_and(|before| {
        let mut words = before.split_whitespace();
        words.all(|word| {
            matches!(word, "const" | "async" | "unsafe" | "extern" | "\"C\"") || word.starts_with("pub")
        })
    })
}

fn opens_with_verb(opening: &str) -> bool {
    let word = opening.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_capitalised = word.starts_with(|letter: char| letter.is_ascii_uppercase());
    is_capitalised
        && word.len() > 2
        && word.ends_with('s')
        && !word.ends_with("ss")
        && !NOT_VERBS.contains(&word)
}

/// Returns the prose of a line: its comment, otherwise its long literals and the name of its function.
fn prose_of(line: &str) -> String {
    if let Some((_, comment)) = line.split_once("//") {
        return comment.to_owned();
    }
    let literals = line.split('"').skip(1).step_by(2).filter(|literal| literal.len() >= 12);
    let name = line.split_once("fn ").map(|(_, rest)| rest.split(['(', '<']).next().unwrap_or_default());
    let words: Vec<String> =
        literals.map(str::to_owned).chain(name.map(|name| name.replace('_', " "))).collect();
    words.join(" ")
}

fn avoided(text: &str) -> impl Iterator<Item = &'static str> {
    let text = text.to_lowercase();
    AVOIDED.iter().copied().filter(move |words| {
        text.match_indices(words).any(|(start, _)| {
            let end = start + words.len();
            let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
            let before = text.get(..start).and_then(|text| text.chars().next_back());
            let after = text.get(end..).and_then(|text| text.chars().next());
            !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
        })
    })
}

fn starts_with_words(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::{openings, words_of_code, words_of_page};
    use crate::source::Source;

    fn source(text: &str) -> Source {
        Source::parse("src/a.rs", text).unwrap()
    }

    #[test]
    fn doc_comments_open_with_a_noun_or_a_verb() {
        let good = "/// The settings of a circuit.\nstruct S;\n/// Returns the state.\n#[must_use]\npub(crate) fn f() {}\n";
        assert_eq!(openings(&[&source(good)]), [""; 0]);
        for (text, line) in [
            ("/// Whether it is open.\n///\n/// More.\nstruct S;\n", 1),
            ("/// The state.\n#[must_use]\nconst fn f() {}\n", 1),
            ("struct S;\n/// Totals of all calls.\nfn f() {}\n", 2),
        ] {
            crate::assert_one_problem(&openings(&[&source(text)]), &format!("src/a.rs:{line}"));
        }
    }

    #[test]
    fn an_opening_that_is_a_question_is_found_among_many_others() {
        let good = "/// The settings of a circuit.\nstruct S;\n".repeat(100);
        for text in [format!("{good}/// Why it opened.\nstruct S;\n"), format!("//! What it is.\n\n{good}")] {
            let line = if text.starts_with("//!") { 1 } else { 201 };
            crate::assert_one_problem(&openings(&[&source(&text)]), &format!("src/a.rs:{line}"));
        }
        assert_eq!(openings(&[&source("//! The parts.\n//! What it is.\n")]), [""; 0]);
    }

    #[test]
    fn words_to_avoid_are_found_in_comments_messages_and_names() {
        for text in [
            "// He records it.",
            "/// Nobody waits.\nfn f() {}",
            "fn f() { g(\"no one but for the caller\") }",
            "fn nobody_waits() {}",
        ] {
            crate::assert_one_problem(&words_of_code("a.rs", text), "a.rs:1");
        }
        assert_eq!(words_of_code("a.rs", "fn f(her: u8) {} // The theory of houses."), [""; 0]);
        crate::assert_one_problem(&words_of_page("a.md", "ok\nThe door is open.\n"), "a.md:2");
    }
}
