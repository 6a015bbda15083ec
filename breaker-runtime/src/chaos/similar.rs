//! Names that are similar to a misspelled one.

/// Maximum number of names in an error.
const MAX_NAMES: usize = 3;

/// Returns the names that are similar to `name`, or some others if none is, at most three. Those that differ least are
/// first.
pub(super) fn similar_names<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known = known.map(|other| (distance(name, other), other));
    let (similar, others): (Vec<_>, Vec<_>) =
        known.partition(|(distance, other)| is_near(name, other, *distance));
    let mut names = if similar.is_empty() { others } else { similar };
    names.sort_unstable();
    names.into_iter().take(MAX_NAMES).map(|(_, other)| other.to_owned()).collect()
}

/// Returns `true` if at most a third of the characters differ, or if one name contains the other.
pub(super) fn is_similar(name: &str, other: &str) -> bool {
    is_near(name, other, distance(name, other))
}

fn is_near(name: &str, other: &str, distance: usize) -> bool {
    distance <= name.chars().count() / 3 || contains(other, name)
}

fn contains(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && (one.contains(other) || other.contains(one))
}

/// Returns the number of characters to insert, remove or replace (Levenshtein distance).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, left) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, right) in row.iter_mut().zip(std::iter::once(None).chain(other.chars().map(Some))) {
            let above = *cell;
            *cell = match right {
                None => before,
                Some(right) => {
                    let replaced = diagonal + usize::from(left != right);
                    replaced.min(above + 1).min(before + 1)
                }
            };
            // The first cell of a row has no diagonal.
            diagonal = above;
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, is_similar, similar_names};

    #[test]
    fn the_distance_counts_changed_characters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("payment", "paymant", 1),
            ("stock", "stocks", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn similar_names_leave_out_others_which_are_named_only_if_no_name_is_similar() {
        let known = ["payment", "payments", "search", "payment-eu"];
        assert_eq!(similar_names("paymen", known.into_iter()), ["payment", "payments", "payment-eu"]);
        assert_eq!(similar_names("weather", known.into_iter()), ["search", "payment", "payment-eu"]);
        assert!(known.iter().all(|other| !is_similar("weather", other)));
        assert!(
            is_similar("serach", "search") && is_similar("pay", "payment") && !is_similar("name", "ramp")
        );
        assert!(similar_names("weather", std::iter::empty()).is_empty());
    }
}
