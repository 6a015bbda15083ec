//! The names that a section of a configuration applies to.

use std::cmp::Reverse;

/// The names that a text selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamePattern {
    text: String,
    kind: PatternKind,
}

/// The interpretation of the text of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternKind {
    /// A name, in which each `*` stands for any text.
    Wildcards,
    /// A name, in which `*` stands for itself.
    Name,
    /// The part of a variable of the environment that stands for a name.
    Variable,
}

impl NamePattern {
    /// Returns the pattern of a text. Without a wildcard, it equals that [of the name](Self::of_name).
    pub(super) fn new(text: String) -> Self {
        let kind = if text.contains('*') { PatternKind::Wildcards } else { PatternKind::Name };
        Self { text, kind }
    }

    /// Returns a pattern that matches this name only.
    #[allow(dead_code, reason = "only commands over HTTP name one breaker exactly")]
    pub(super) const fn of_name(text: String) -> Self {
        Self { text, kind: PatternKind::Name }
    }

    /// Returns a pattern that matches the names which variables of the environment write like this.
    #[allow(dead_code, reason = "only the feature `config` reads the environment")]
    pub(super) fn of_variable(text: &str) -> Self {
        Self { text: variable_form(text), kind: PatternKind::Variable }
    }

    pub(super) const fn is_variable(&self) -> bool {
        matches!(self.kind, PatternKind::Variable)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns `true` if the pattern is exactly this name, or matches it.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self.kind {
            PatternKind::Wildcards => self.text == name || matches_wildcards(&self.text, name),
            PatternKind::Name => self.text == name,
            PatternKind::Variable => self.text == variable_form(name),
        }
    }

    /// Returns a key that sorts patterns from general to specific: patterns with fewer characters first, then names.
    pub(super) fn specificity(&self) -> impl Ord + use<> {
        let wildcards = match self.kind {
            PatternKind::Wildcards => self.text.matches('*').count(),
            PatternKind::Name | PatternKind::Variable => 0,
        };
        (Reverse(wildcards.min(1)), self.text.chars().count() - wildcards)
    }
}

/// Returns a name as variables of the environment write it: in uppercase, with `_` for each character that is neither
/// an ASCII letter nor a digit.
pub(super) fn variable_form(name: &str) -> String {
    let write = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
    name.chars().map(write).collect()
}

fn matches_wildcards(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else {
        return false; // without a wildcard
    };
    let Some(rest) = name.strip_prefix(first) else {
        return false;
    };
    let middle = parts.try_fold(rest, |rest, part| rest.split_once(part).map(|(_, after)| after));
    middle.is_some_and(|rest| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        NamePattern::new(pattern.to_owned()).matches(name)
    }

    #[test]
    fn a_wildcard_stands_for_any_text_and_everything_else_for_itself() {
        for (pattern, name) in
            [("*", ""), ("*", "a"), ("pay*", "pay"), ("*::get", "shop::get"), ("a*b*c", "a1bb2c")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("pay", "payment"), ("a*a", "a"), ("a*b*c", "ac"), ("*b*", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches("ü*ß", "üaß") && !matches("ü*ß", "ü"));
    }

    #[test]
    fn a_text_without_wildcards_and_the_same_name_are_equal_so_their_sections_replace_each_other() {
        let of_name = |text: &str| NamePattern::of_name(text.to_owned());
        assert_eq!(NamePattern::new("pay".to_owned()), of_name("pay"));
        assert_ne!(NamePattern::new("pay*".to_owned()), of_name("pay*"));
    }

    #[test]
    fn a_name_of_one_breaker_contains_no_wildcards() {
        let exact = NamePattern::of_name("pay*".to_owned());
        assert!(exact.matches("pay*") && !exact.matches("payment"));
    }

    #[test]
    fn a_variable_matches_names_without_regard_to_case_and_punctuation() {
        let variable = NamePattern::of_variable("SHOP__GET");
        for name in ["shop::get", "Shop  Get", "shop__get"] {
            assert!(variable.matches(name), "{name}");
        }
        assert!(!variable.matches("shop:get") && !variable.matches("shop"));
        assert!(NamePattern::of_variable("stra_e").matches("Stra\u{df}e"));
    }

    #[test]
    fn a_longer_pattern_is_more_specific_and_a_name_is_the_most_specific() {
        let sorted = ["*", "a*", "\u{e9}\u{e9}*", "*abc*", "x"].map(|text| NamePattern::new(text.to_owned()));
        assert!(sorted.is_sorted_by_key(NamePattern::specificity));
    }
}
