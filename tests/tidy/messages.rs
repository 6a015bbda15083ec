//! Every message that a compile error can contain is shown in the expected output of a case under `tests/ui/fail`.
//!
//! A message is a string literal of at least two words. Its fixed parts, those between the placeholders, follow each
//! other on one line of the output. No output contains the path of a private module.

use syn::visit::Visit;
use syn::{Attribute, Meta};

use crate::source::{Literal, Source, literals_in};

/// The expected output of the compiler for one case.
pub(crate) struct CompilerOutput {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The messages that no case can show, and the reasons.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("call_timeout needs the feature `tokio` of breaker-runtime", WITHOUT_FEATURE),
    ("max_wait of an async function needs the feature `tokio` of breaker-runtime", WITHOUT_FEATURE),
    ("shared needs the feature `redis` of breaker-runtime", WITHOUT_FEATURE),
];

const WITHOUT_FEATURE: &str =
    "the cases are built with the feature; a unit test of breaker-runtime covers it";

/// Returns a problem for each message of the macro that is not shown by exactly one case.
pub(crate) fn shown_once(sources: &[&Source], outputs: &[CompilerOutput]) -> Vec<String> {
    sources
        .iter()
        .flat_map(|source| check(source, &source.literals(), outputs, |count| count == 1, "one"))
        .collect()
}

/// Returns a problem for each compile-time message of the runtime that no case shows.
pub(crate) fn shown(sources: &[&Source], outputs: &[CompilerOutput]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut messages = Vec::new();
    for source in sources {
        let mut diagnostics = Diagnostics::default();
        diagnostics.visit_file(&source.syntax);
        let found: Vec<Literal> = source.literals().into_iter().chain(diagnostics.found).collect();
        problems.extend(check(source, &found, outputs, |count| count > 0, "at least one"));
        messages.extend(found.into_iter().map(|message| message.text));
    }
    let unused = NOT_SHOWN.iter().filter(|(text, _)| !messages.iter().any(|message| message == text));
    problems.extend(unused.map(|(text, _)| format!("tests/tidy/messages.rs:1: no source contains `{text}`")));
    problems
}

/// Returns a problem for each path of a private module, which a user cannot name. Paths of files are no such paths.
pub(crate) fn private_paths(outputs: &[CompilerOutput]) -> Vec<String> {
    let lines = outputs.iter().flat_map(|output| {
        output.text.lines().enumerate().map(|(index, line)| (&output.path, index + 1, line))
    });
    lines
        .filter(|(_, _, line)| line.contains("__private::"))
        .map(|(path, number, line)| {
            format!("{path}:{number}: re-export the item in breaker-runtime/src/docs.rs: `{}`", line.trim())
        })
        .collect()
}

fn check(
    source: &Source,
    messages: &[Literal],
    outputs: &[CompilerOutput],
    is_right: impl Fn(usize) -> bool,
    wanted: &str,
) -> Vec<String> {
    let mut problems = Vec::new();
    for Literal { line, text } in messages.iter().filter(|message| is_message(&message.text)) {
        let parts = fixed_parts(text);
        let found: Vec<&str> = outputs
            .iter()
            .filter(|output| contains(output, &parts))
            .map(|output| output.path.as_str())
            .collect();
        if !is_right(found.len()) && !NOT_SHOWN.iter().any(|(excused, _)| excused == text) {
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            let what = format!("`{text}` must be shown by {wanted} case under tests/ui/fail; found {found}");
            problems.push(source.problem(*line, &what));
        }
    }
    problems
}

/// Collects the literals in `#[diagnostic::on_unimplemented(..)]`.
#[derive(Default)]
struct Diagnostics {
    found: Vec<Literal>,
}

impl<'ast> Visit<'ast> for Diagnostics {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta
            && list.path.segments.last().is_some_and(|last| last.ident == "on_unimplemented")
        {
            self.found.extend(literals_in(list.tokens.clone()));
        }
    }
}

fn is_message(text: &str) -> bool {
    let parts = fixed_parts(text);
    let words = parts.iter().flat_map(|part| part.split_whitespace());
    words.filter(|word| word.contains(char::is_alphabetic)).count() >= 2
}

/// Splits `the {name} is {{so}}` into `the ` and ` is {so}`.
fn fixed_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = matches!(letter, '{' | '}') && letters.peek() == Some(&letter);
        if escaped {
            letters.next();
        }
        if letter == '{' && !escaped {
            letters.by_ref().find(|letter| *letter == '}');
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

/// Returns `true` if the parts follow each other on one line.
fn contains(output: &CompilerOutput, parts: &[String]) -> bool {
    output.text.lines().any(|line| {
        let rest =
            parts.iter().try_fold(line, |rest, part| rest.split_once(part.as_str()).map(|(_, rest)| rest));
        rest.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::{CompilerOutput, private_paths, shown, shown_once};
    use crate::source::Source;

    const MACRO: &str = "#![expect(x, reason = \"not a message\")]\n/// not a message\nfn f() {\n    \
        g(\"`{key}` must be a number of {{so}}; found {}\");\n    h(\"word\", \"; found \");\n}\n\
        #[cfg(test)]\nmod tests {\n    const T: &str = \"not a message\";\n}\n";

    fn outputs(texts: &[&str]) -> Vec<CompilerOutput> {
        let output = |text: &&str| CompilerOutput { path: "a.stderr".to_owned(), text: (*text).to_owned() };
        texts.iter().map(output).collect()
    }

    #[test]
    fn a_message_of_the_macro_is_shown_once() {
        let source = Source::parse("src/a.rs", MACRO).unwrap();
        let shown = "error: `size` must be a number of {so}; found 5";
        assert_eq!(shown_once(&[&source], &outputs(&[shown, "error: other\n"])), [""; 0]);
        for texts in [&["must be a number", "found 5"][..], &[shown, shown], &["found 5 `x` must be"]] {
            crate::assert_one_problem(&shown_once(&[&source], &outputs(texts)), "src/a.rs:4");
        }
    }

    #[test]
    fn a_private_path_is_a_problem() {
        let shown = outputs(&[
            "error: x\n --> $WORKSPACE/breaker-runtime/src/__private/run.rs\n  required by `run`\n",
        ]);
        assert_eq!(private_paths(&shown), [""; 0]);
        let shown = outputs(&["error: x\n  required by `breaker_runtime::__private::run`\n"]);
        crate::assert_one_problem(&private_paths(&shown), "a.stderr:2");
    }

    #[test]
    fn a_message_of_a_diagnostic_attribute_is_shown() {
        let text = "#[diagnostic::on_unimplemented(label = \"`{Self}` is not a key\")]\ntrait Key {}\n";
        let source = Source::parse("src/a.rs", text).unwrap();
        let problems = |texts: &[&str]| {
            let problems = shown(&[&source], &outputs(texts)).into_iter();
            problems.filter(|problem| problem.starts_with("src/")).collect::<Vec<_>>()
        };
        assert_eq!(problems(&["  | ^^^ `Name` is not a key"]), [""; 0]);
        crate::assert_one_problem(&problems(&["`Name` is a key"]), "src/a.rs:1");
    }
}
