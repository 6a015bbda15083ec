//! Finds the name that a misspelled one resembles.

/// Returns the known name that is nearest to `written`, without regard to case, if at most a third of the characters
/// differ, and at most four.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are at most 255 bytes long; a longer text resembles none of them.
    if written.len() > 255 {
        return None;
    }
    let written = written.to_lowercase();
    let length = written.chars().count();
    let most = (length / 3).min(4);
    let distance = |name: &str| {
        let name = name.to_lowercase();
        // Each character more or less is one edit, so these lengths are compared before the names.
        (name.chars().count().abs_diff(length) <= most).then(|| strsim::damerau_levenshtein(&written, &name))
    };
    let distances = known.into_iter().filter_map(|name| Some((distance(name)?, name)));
    let (found, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (found <= most).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelled_name_resembles_the_nearest_one() {
        let known = ["payment", "search", "jitter", "ramp", "db"];
        for (written, expected) in [
            ("paymnet", Some("payment")),
            ("SERACH", Some("search")),
            ("serch", Some("search")),
            ("rmap", Some("ramp")),
            ("DB", Some("db")),
            ("name", None),
            ("dc", None),
            ("stock", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
        assert_eq!(nearest(&"x".repeat(300), known), None);
    }
}
