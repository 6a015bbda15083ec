//! The text that describes a failure: one line of at most 1,024 bytes.
//!
//! The text comes from `Display` or `Debug` of a user's value, which may write any number of bytes. The line
//! never grows beyond its limit. A write that exceeds the limit returns an error, at which a formatter
//! normally stops. A panic of the user's code is not caught here.

use std::fmt::{self, Display, Write as _};
use std::sync::Arc;

use crate::printable::is_hidden;

/// Maximum length of a failure text, in bytes.
const MAX_FAILURE_TEXT: usize = 1024;

/// Formats a value as one line that ends at [`MAX_FAILURE_TEXT`]. Each tab and line break becomes a space, and
/// each other character that could disturb the lines around it becomes a replacement character.
///
/// A value that fails to format itself leaves the text that it has written before.
#[cold]
pub(crate) fn failure_text(value: impl Display) -> Arc<str> {
    let mut line = FailureLine::default();
    // A value returns an error if it exceeds the limit, and it may also return one of its own.
    _ = write!(line, "{value}");
    Arc::from(line.text)
}

/// The target of the formatter.
#[derive(Debug, Default)]
struct FailureLine {
    text: String,
    is_full: bool,
}

impl fmt::Write for FailureLine {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        part.chars().map(shown).try_for_each(|character| {
            self.is_full |= self.text.len() + character.len_utf8() > MAX_FAILURE_TEXT;
            if self.is_full {
                return Err(fmt::Error);
            }
            self.text.push(character);
            Ok(())
        })
    }
}

fn shown(character: char) -> char {
    match character {
        '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        // Joiners, which some languages and emoji need.
        '\u{200c}' | '\u{200d}' => character,
        _ if is_hidden(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fmt::{self, Display};

    use super::{MAX_FAILURE_TEXT, failure_text};

    /// Writes `part` until the formatter refuses it, `limit` times at most, and counts the writes.
    struct Repeated<'a> {
        part: &'a str,
        limit: usize,
        stops_at_error: bool,
        writes: &'a Cell<usize>,
    }

    impl Display for Repeated<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            for _ in 0..self.limit {
                self.writes.set(self.writes.get() + 1);
                let written = out.write_str(self.part);
                if self.stops_at_error {
                    written?;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn a_text_of_any_length_is_not_written_beyond_the_limit() {
        let writes = Cell::new(0);
        let text = failure_text(Repeated {
            part: "0123456789",
            limit: 1 << 24,
            stops_at_error: true,
            writes: &writes,
        });
        assert_eq!((text.len(), writes.get()), (MAX_FAILURE_TEXT, MAX_FAILURE_TEXT.div_ceil(10)));
    }

    #[test]
    fn a_display_that_ignores_the_end_of_the_line_adds_nothing() {
        let writes = Cell::new(0);
        for part in ["0123456789", "\u{1f980}", "\n", "\u{0}", "\u{e4}b"] {
            let limit = if cfg!(miri) { MAX_FAILURE_TEXT / part.len() + 50 } else { 10_000 };
            let value = Repeated { part, limit, stops_at_error: false, writes: &writes };
            assert!(failure_text(value).len() <= MAX_FAILURE_TEXT, "{part:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for (part, length) in [("\u{1f980}", 1024), ("\u{20ac}", 1023), ("\u{0}", 1023)] {
            let text = failure_text(part.repeat(2000));
            assert_eq!(text.len(), length, "{part:?}");
        }
        assert!(failure_text(format_args!("a{}", "\u{1f980}".repeat(300))).ends_with('\u{1f980}'));
        assert_eq!(failure_text("x".repeat(1024)).len(), 1024);
    }

    #[test]
    fn a_display_that_fails_keeps_what_it_has_written() {
        struct Fails;
        impl Display for Fails {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("no route")?;
                Err(fmt::Error)
            }
        }
        assert_eq!(&*failure_text(Fails), "no route");
    }

    #[test]
    fn every_text_is_one_line() {
        let texts = [
            ("no route\r\n\tto host", "no route   to host"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f", "a b c d e f"),
            ("\u{1b}[31mred\u{0}\u{7f}", "\u{fffd}[31mred\u{fffd}\u{fffd}"),
            ("\u{202e}txt\u{200b}\u{feff}", "\u{fffd}txt\u{fffd}\u{fffd}"),
            ("\u{939}\u{93f}\u{1f468}\u{200d}\u{1f469}", "\u{939}\u{93f}\u{1f468}\u{200d}\u{1f469}"),
            (r#""quoted" \n"#, r#""quoted" \n"#),
            ("", ""),
        ];
        for (written, shown) in texts {
            assert_eq!(&*failure_text(written), shown, "{written:?}");
        }
        assert_eq!(&*failure_text(format_args!("{:#?}", Some(1))), "Some(     1, )");
    }
}
