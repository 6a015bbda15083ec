//! Text from outside in messages: characters that a reader cannot see, or that change the order of the others,
//! are written as escapes such as `\u{202e}`.
//!
//! Names, keys, failure texts and names of operators may come from users. Without escapes, such a text could
//! forge a line of a log, move the cursor of a terminal, or look like another text. Failure texts are cleaned
//! when stored (`failure_text.rs`); everything else is escaped when written.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

/// A text whose hidden characters are escaped.
#[derive(Clone, Copy)]
pub(crate) struct Printable<'a>(pub(crate) &'a str);

/// A text in double quotes whose hidden characters, quotes and backslashes are escaped.
#[derive(Clone, Copy)]
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

/// The start of a text in double quotes, with the same escapes. Two dots follow if it has been cut.
#[derive(Clone, Copy)]
pub(crate) struct QuotedStart<'a>(pub(crate) &'a str);

/// A number of things: `1 call`, `2 calls`.
#[derive(Clone, Copy)]
pub(crate) struct Counted(pub(crate) u64, pub(crate) &'static str);

/// The first of several problems, one line for each, and how many follow.
#[derive(Clone, Copy)]
pub(crate) struct Excerpt<'a, T>(pub(crate) &'a [T]);

/// Maximum number of problems in an excerpt.
const MAX_PROBLEMS: usize = 20;
/// Maximum length of these problems, in bytes. The whole text has at most 8 KiB.
const MAX_PROBLEMS_BYTES: usize = 8 * 1024 - 64;

/// Maximum length of the start of a text, in bytes before it is escaped.
const MAX_START: usize = 64;

/// The characters without a shape of their own: controls, separators of lines, marks of the writing
/// direction, and those that Unicode lists as ignorable. Sorted.
const HIDDEN: [RangeInclusive<char>; 22] = [
    '\0'..='\u{1f}',           // controls
    '\u{7f}'..='\u{9f}',       // controls
    '\u{ad}'..='\u{ad}',       // soft hyphen
    '\u{34f}'..='\u{34f}',     // combining grapheme joiner
    '\u{61c}'..='\u{61c}',     // Arabic letter mark, which sets the direction
    '\u{115f}'..='\u{1160}',   // Hangul fillers
    '\u{17b4}'..='\u{17b5}',   // Khmer inherent vowels
    '\u{180b}'..='\u{180f}',   // Mongolian variation selectors
    '\u{200b}'..='\u{200f}',   // zero-width characters, marks of the direction
    '\u{2028}'..='\u{202e}', // separators of lines and paragraphs, embeddings and overrides of the direction
    '\u{2060}'..='\u{206f}', // word joiner, invisible operators, isolates of the direction
    '\u{2800}'..='\u{2800}', // blank Braille pattern
    '\u{3164}'..='\u{3164}', // Hangul filler
    '\u{fe00}'..='\u{fe0f}', // variation selectors
    '\u{feff}'..='\u{feff}', // byte order mark
    '\u{ffa0}'..='\u{ffa0}', // Hangul filler
    '\u{fff0}'..='\u{fffb}', // reserved, annotation marks
    '\u{13430}'..='\u{1343f}', // Egyptian format controls
    '\u{1bca0}'..='\u{1bca3}', // shorthand format controls
    '\u{1d159}'..='\u{1d159}', // musical note without a head
    '\u{1d173}'..='\u{1d17a}', // musical format controls
    '\u{e0000}'..='\u{e0fff}', // tags, further variation selectors
];

/// Returns `true` if a reader cannot see the character, or if it reorders or breaks a line.
pub(crate) fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    HIDDEN.iter().any(|range| range.contains(&character))
}

/// Returns `true` if the character alone has a shape. Spaces, combining marks and unassigned characters have none.
#[allow(dead_code, reason = "only commands need it")]
pub(crate) fn has_glyph(character: char) -> bool {
    // `escape_debug` escapes combining marks, everything that cannot be printed, and these three.
    let is_printed = matches!(character, '"' | '\'' | '\\') || character.escape_debug().eq([character]);
    is_printed && !character.is_whitespace() && !is_hidden(character)
}

/// Returns the text with escapes, or the text itself if it needs none.
pub(crate) fn escape_hidden(text: &str) -> Cow<'_, str> {
    if text.contains(is_hidden) { Cow::Owned(Printable(text).to_string()) } else { Cow::Borrowed(text) }
}

/// Returns the text with escapes for hidden characters and backslashes, so that different texts stay different.
#[allow(dead_code, reason = "only metrics need it")]
pub(crate) fn escape_hidden_and_backslash(text: &str) -> Cow<'_, str> {
    let needs_escape = |it: char| it == '\\' || is_hidden(it);
    if !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    let escape = |it: char| if needs_escape(it) { it.escape_default().to_string() } else { it.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(self.0, is_hidden, out)
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        write_escaped(self.0, |it| matches!(it, '"' | '\\') || is_hidden(it), out)?;
        out.write_char('"')
    }
}

impl fmt::Display for QuotedStart<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = start_of(self.0, MAX_START);
        Quoted(start).fmt(out)?;
        out.write_str(if start.len() < self.0.len() { ".." } else { "" })
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        let ending = match count {
            1 => "",
            _ if noun.ends_with('s') => "es",
            _ => "s",
        };
        write!(out, "{count} {noun}{ending}")
    }
}

impl<T: fmt::Display> fmt::Display for Excerpt<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut text, mut shown) = (String::new(), 0);
        for problem in self.0.iter().take(MAX_PROBLEMS) {
            let separator = if shown == 0 { "" } else { "\n" };
            write!(text, "{separator}{problem}")?;
            shown += 1;
            if text.len() > MAX_PROBLEMS_BYTES {
                text.truncate(start_of(&text, MAX_PROBLEMS_BYTES).len());
                text.push_str(" ..");
                break;
            }
        }
        out.write_str(&text)?;
        match self.0.len() - shown {
            0 => Ok(()),
            more => write!(out, "\nand {more} more"),
        }
    }
}

/// Returns the longest start of a text that has at most this many bytes.
pub(crate) fn start_of(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// Writes a text, with an escape for each character that `needs_escape` selects.
fn write_escaped(
    text: &str,
    needs_escape: impl Fn(char) -> bool,
    out: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for piece in text.split_inclusive(&needs_escape) {
        match piece.chars().next_back().filter(|last| needs_escape(*last)) {
            Some(last) => {
                out.write_str(piece.strip_suffix(last).unwrap_or_default())?;
                // `\n`, `\"` and the like for ASCII, otherwise `\u{202e}`.
                write!(out, "{}", last.escape_default())?;
            }
            None => out.write_str(piece)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        Counted, HIDDEN, Printable, Quoted, QuotedStart, escape_hidden, has_glyph, is_hidden, start_of,
    };

    #[test]
    fn hidden_characters_of_every_kind_are_known() {
        assert!(HIDDEN.windows(2).all(|pair| matches!(pair, [one, next] if one.end() < next.start())));
        let hidden = [
            '\0',
            '\n',
            '\r',
            '\t',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{206a}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
        ];
        assert_eq!(hidden.into_iter().find(|it| !is_hidden(*it)), None);
        // No later character is ever a control character: Unicode does not change its set.
        assert!((char::MIN..='\u{9f}').filter(|it| it.is_control()).all(is_hidden));
    }

    #[test]
    fn visible_characters_of_every_script_are_not_hidden() {
        let visible = "az AZ 09 ~!\"'\\ \u{a0} ß é e\u{301} я Ω ع ש अ ก 中 한 か \u{1f980} € – … \u{202f} \u{3000} \u{fffd}";
        assert_eq!(visible.chars().find(|it| is_hidden(*it)), None);
        assert_eq!(escape_hidden(visible), visible);
    }

    #[test]
    fn spaces_marks_and_fillers_have_no_glyph() {
        let without = " \t\u{a0}\u{2003}\u{3000}\u{200b}\u{2060}\u{301}\u{345}\u{20dd}\u{e31}\u{115f}\u{3164}\u{ffa0}\u{2800}\u{fe0f}\u{1d159}\u{e0100}\u{378}";
        assert_eq!(without.chars().find(|it| has_glyph(*it)), None);
        let with = "aZ09~!\"'\\ßéяΩعשअก中한か\u{1f980}€–…\u{fffd}";
        assert_eq!(with.chars().find(|it| !has_glyph(*it)), None);
    }

    #[test]
    fn a_number_of_things_is_singular_only_for_one() {
        let texts = [0, 1, 2].map(|count| [Counted(count, "call"), Counted(count, "process")]);
        let expected = [["0 calls", "0 processes"], ["1 call", "1 process"], ["2 calls", "2 processes"]];
        assert_eq!(texts.map(|texts| texts.map(|text| text.to_string())), expected);
    }

    #[test]
    fn the_start_of_a_text_ends_between_two_characters() {
        let starts = [0, 1, 2, 3, 9].map(|max| start_of("aé€", max));
        assert_eq!(starts, ["", "a", "a", "aé", "aé€"]);
        assert_eq!(QuotedStart("a\n").to_string(), r#""a\n""#);
        assert_eq!(QuotedStart(&"x".repeat(65)).to_string(), format!("\"{}\"..", "x".repeat(64)));
    }

    #[test]
    fn hidden_characters_are_escaped_and_others_unchanged() {
        let text = "\u{202e}a\"b\\c\n\u{1b}[2J é\u{200b}";
        assert_eq!(Printable(text).to_string(), r#"\u{202e}a"b\c\n\u{1b}[2J é\u{200b}"#);
        assert_eq!(Quoted(text).to_string(), r#""\u{202e}a\"b\\c\n\u{1b}[2J é\u{200b}""#);
        assert_eq!((Printable("").to_string(), Quoted("").to_string()), (String::new(), "\"\"".to_owned()));
    }
}
