//! Every message is shown. What the macro says stands in exactly one answer of the compiler under `ui/fail`:
//! a rule has one case, and a case one rule. What the runtime says while the user's crate compiles stands in
//! at least one.
//!
//! A message is a literal of two words or more, but for those in attributes such as `#[expect]`. Its fixed
//! parts, those between the placeholders, follow each other on a line of the answer. What has fewer words is
//! glue between messages.

use syn::LitStr;

use crate::source::Source;
use crate::tokens::{Token, inside, places};

/// What the compiler says to one case.
pub(crate) struct Answer {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// No case can show these, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("set either window_calls or window_time, and only once", "the attribute has one key for both"),
    ("slow_call_rate needs slow_call, the duration from which a call is slow", THE_MACRO),
    ("failure_rate and slow_call need a window; set window_calls or window_time", THE_MACRO),
    ("minimum_calls applies to rates only; set failure_rate or slow_call", THE_MACRO),
    ("max_wait needs max_concurrent; without it no call waits", THE_MACRO),
    ("max_recovery_timeout needs backoff; without it the recovery timeout does not grow", THE_MACRO),
    ("call_timeout needs the feature `tokio` of breaker-runtime", THE_FEATURE),
    ("max_wait of an async function needs the feature `tokio` of breaker-runtime", THE_FEATURE),
];

const THE_MACRO: &str = "the macro sees it first, and says it at the key";
const THE_FEATURE: &str =
    "the cases have it; `a_wait_that_needs_tokio_is_refused_without_it_and_a_time_limit_too`";

struct Message {
    line: usize,
    text: String,
}

/// `sources` are the macro's.
pub(crate) fn shown_once(sources: &[&Source], answers: &[Answer]) -> Vec<String> {
    complaints(sources, answers, said, |count| count == 1, "must stand in one answer under tests/ui/fail")
}

/// `sources` are those of the runtime that a compile error can come from.
pub(crate) fn shown(sources: &[&Source], answers: &[Answer]) -> Vec<String> {
    let all = |source: &Source| said(source).into_iter().chain(advised(source)).collect();
    let mut complaints =
        complaints(sources, answers, all, |count| count > 0, "must stand in an answer under tests/ui/fail");
    let texts: Vec<_> = sources.iter().flat_map(|source| all(source)).map(|message| message.text).collect();
    let gone = NOT_SHOWN.iter().filter(|(text, _)| !texts.iter().any(|said| said == text));
    complaints.extend(gone.map(|(text, _)| format!("tests/tidy/messages.rs:1: nobody says `{text}`")));
    complaints
}

fn complaints(
    sources: &[&Source],
    answers: &[Answer],
    messages: impl Fn(&Source) -> Vec<Message>,
    is_right: impl Fn(usize) -> bool,
    wanted: &str,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for Message { line, text } in messages(source) {
            let parts = fixed_parts(&text);
            let places: Vec<_> = answers
                .iter()
                .filter(|answer| stands_in(&parts, answer))
                .map(|one| one.path.as_str())
                .collect();
            if !is_right(places.len()) && !is_excused(&text) {
                let found = if places.is_empty() { "none".to_owned() } else { places.join(", ") };
                complaints.push(source.complain(line, &format!("`{text}` {wanted}; found {found}")));
            }
        }
    }
    complaints
}

fn is_excused(text: &str) -> bool {
    NOT_SHOWN.iter().any(|(excused, _)| *excused == text)
}

/// In code.
fn said(source: &Source) -> Vec<Message> {
    let mut code = Vec::new();
    let mut rest = source.row.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        match after {
            [bang, open, ..] if first.text == "#" && bang.text == "!" && open.text == "[" => {
                rest = after.get(inside(after, 1).len() + 3..).unwrap_or_default();
            }
            [open, ..] if first.text == "#" && open.text == "[" => {
                rest = after.get(inside(after, 0).len() + 2..).unwrap_or_default();
            }
            _ => code.extend(message(first).filter(|_| !source.is_for_tests(first.line))),
        }
    }
    code
}

/// In `#[diagnostic::on_unimplemented(..)]`.
fn advised(source: &Source) -> Vec<Message> {
    let found = places(&source.row, &["on_unimplemented", "("]);
    found.flat_map(|place| inside(&source.row, place + 1)).filter_map(message).collect()
}

fn message(token: &Token) -> Option<Message> {
    let text = syn::parse_str::<LitStr>(&token.text).ok()?.value();
    let parts = fixed_parts(&text);
    let words = parts.iter().flat_map(|part| part.split_whitespace());
    let count = words.filter(|word| word.contains(char::is_alphabetic)).count();
    (count >= 2).then_some(Message { line: token.line, text })
}

/// `the {name} is {{so}}` is made of `the `, ` is {so}`.
fn fixed_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_twice = matches!(letter, '{' | '}') && letters.peek() == Some(&letter);
        if is_twice {
            letters.next();
        }
        if letter == '{' && !is_twice {
            letters.by_ref().find(|letter| *letter == '}');
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

fn stands_in(parts: &[String], answer: &Answer) -> bool {
    answer.text.lines().any(|line| {
        let after = parts.iter().try_fold(line, |rest, part| {
            rest.find(part.as_str()).and_then(|place| rest.get(place + part.len()..))
        });
        after.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, shown, shown_once};
    use crate::source::Source;

    const SAYS: &str = "#![expect(x, reason = \"not a message\")]\n/// nor this one\nfn f() {\n    \
        g(\"`{key}` must be a number of {{so}}; found {}\");\n    h(\"glue\", \"; found \");\n}\n\
        #[cfg(test)]\nmod tests {\n    const T: &str = \"this is free\";\n}\n";

    fn answers(texts: &[&str]) -> Vec<Answer> {
        let answer = |text: &&str| Answer { path: "a.stderr".to_owned(), text: (*text).to_owned() };
        texts.iter().map(answer).collect()
    }

    #[test]
    fn a_message_that_is_shown_once_is_fine() {
        let source = Source::parse("src/a.rs", SAYS).unwrap();
        let answers = answers(&["error: `size` must be a number of {so}; found 5\n", "error: other\n"]);
        assert_eq!(shown_once(&[&source], &answers), [""; 0]);
    }

    #[test]
    fn a_message_that_is_never_or_twice_shown_is_found() {
        let source = Source::parse("src/a.rs", SAYS).unwrap();
        let shown = "error: `size` must be a number of {so}; found 5";
        for texts in [&["must be a number", "found 5"][..], &[shown, shown], &["found 5 `x` must be"]] {
            crate::complains(&shown_once(&[&source], &answers(texts)), "src/a.rs:4");
        }
    }

    #[test]
    fn advice_that_is_never_shown_is_found() {
        let text = "#[diagnostic::on_unimplemented(label = \"`{Self}` is no door\")]\ntrait Door {}\n";
        let source = Source::parse("src/a.rs", text).unwrap();
        let about_advice = |texts: &[&str]| {
            let complaints = shown(&[&source], &answers(texts)).into_iter();
            complaints.filter(|complaint| complaint.starts_with("src/")).collect::<Vec<_>>()
        };
        assert_eq!(about_advice(&["  | ^^^ `Wall` is no door"]), [""; 0]);
        crate::complains(&about_advice(&["`Wall` is a door"]), "src/a.rs:1");
        // The list of what is not shown holds nothing that nobody says.
        assert!(shown(&[&source], &[]).len() > 1);
    }
}
