//! The encoding of texts in the store: percent-encoding, so that a text contains neither separators nor line breaks.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use crate::printable::start_of;

/// The encoding of an empty text.
const EMPTY: &str = "-";

/// The encoding of the text that is a single hyphen.
const HYPHEN: &str = "%2D";

/// Reads the fields of a record, one after the other.
pub(super) struct FieldReader<'a>(std::str::Split<'a, char>);

/// Encodes a text. The result is never empty and has no spaces, commas, slashes, braces or control characters.
pub(crate) fn encode(text: &str) -> String {
    match text {
        "" => return EMPTY.to_owned(),
        "-" => return HYPHEN.to_owned(),
        _ => {}
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Returns `true` for a byte that stands for itself.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._~:-".contains(&byte)
}

/// Decodes a text. Returns `None` if it is no encoded text.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    if encoded == EMPTY {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            // The parser of numbers would accept a sign.
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail;
        } else if is_plain(byte) {
            bytes.push(byte);
        } else {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Encodes texts as one field.
pub(super) fn join<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let encoded: Vec<_> = texts.into_iter().map(encode).collect();
    if encoded.is_empty() { EMPTY.to_owned() } else { encoded.join(",") }
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self(line.split(' '))
    }

    /// Returns the next field as it is written.
    pub(super) fn raw(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// Returns the next field as a number.
    pub(super) fn number<T: FromStr>(&mut self) -> Option<T> {
        self.raw()?.parse().ok()
    }

    /// Returns the next field as a text.
    pub(super) fn text(&mut self) -> Option<Arc<str>> {
        Some(Arc::from(decode(self.raw()?)?))
    }

    /// Returns the start of the next field as a text, at most this many bytes.
    pub(super) fn start_of_text(&mut self, max: usize) -> Option<Arc<str>> {
        Some(Arc::from(start_of(&decode(self.raw()?)?, max)))
    }

    /// Returns the next field as a list of texts.
    pub(super) fn texts(&mut self) -> Option<Vec<Arc<str>>> {
        match self.raw()? {
            EMPTY => Some(Vec::new()),
            list => list.split(',').map(|text| Some(Arc::from(decode(text)?))).collect(),
        }
    }

    /// Returns `Some` if there is no further field.
    pub(super) fn end(&mut self) -> Option<()> {
        self.raw().is_none().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_read_as_it_was_written() {
        let texts = ["", "-", "--", "a b", "a,b", "{x}", "\u{e4}\u{1f980}", "\n\r\0", "100%", "%2D", "a/b"];
        for text in texts {
            let encoded = encode(text);
            assert_eq!(decode(&encoded).as_deref(), Some(text), "{encoded}");
            assert!(
                encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b",/{}".contains(&byte)),
                "{encoded}"
            );
        }
    }

    #[test]
    fn a_text_that_is_not_encoded_is_refused() {
        for broken in ["%", "%2", "%G0", "%FF", "%+1", "%\u{e4}", "a b", "a\nb", "\0", "{", "\u{e4}"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn lists_may_be_empty_and_their_texts_too() {
        for texts in [vec![], vec!["a"], vec!["a", "", "b,c"]] {
            let line = join(texts.iter().copied());
            let read = FieldReader::new(&line).texts().expect("valid");
            // A list of one empty text cannot be told from an empty list, and no such list is written.
            assert_eq!(read.iter().map(|text| &**text).collect::<Vec<_>>(), texts);
        }
    }
}
