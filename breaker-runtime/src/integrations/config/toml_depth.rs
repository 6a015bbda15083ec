//! Limits the depth of a TOML document before it is parsed, because the parser calls itself for each level.
//!
//! The text is divided into tokens as the parser does it, also where it is not valid, so that no bracket or dot is
//! missed.

/// Maximum number of levels of a document: the parts of dotted keys and the brackets around a value. Settings have 5.
pub(super) const MAX_LEVELS: usize = 32;

/// The levels of the text that has been read.
#[derive(Default)]
struct Levels {
    /// The levels of each bracket that is open: itself and the key before it.
    open: Vec<usize>,
    /// The sum of them.
    total: usize,
    /// The dots of the key whose value begins.
    key: usize,
    /// The dots since the last separator.
    dots: usize,
}

/// Returns the offset at which a document becomes too deep.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut levels = Levels::default();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while let Some(first) = rest.chars().next() {
        let offset = text.len() - rest.len();
        levels.read(first);
        if levels.total + levels.key + levels.dots > MAX_LEVELS {
            return Some(offset);
        }
        rest = rest.get(token_length(rest, first)..).unwrap_or_default();
    }
    None
}

impl Levels {
    fn read(&mut self, first: char) {
        match first {
            '.' => self.dots += 1,
            '=' => self.key = std::mem::take(&mut self.dots),
            '{' | '[' => {
                let levels = 1 + self.key + self.dots;
                self.open.push(levels);
                self.total += levels;
                self.end_key();
            }
            '}' | ']' => {
                self.total -= self.open.pop().unwrap_or_default();
                self.end_key();
            }
            ',' => self.end_key(),
            // Inside brackets, a line need not end a key.
            '\r' | '\n' if self.open.is_empty() => self.end_key(),
            _ => {}
        }
    }

    const fn end_key(&mut self) {
        (self.key, self.dots) = (0, 0);
    }
}

/// Returns the length of the token at the start of a text.
fn token_length(text: &str, first: char) -> usize {
    let end = match first {
        '\'' if text.starts_with("'''") => return end_of_lines(text, "'''", false),
        '"' if text.starts_with("\"\"\"") => return end_of_lines(text, "\"\"\"", true),
        '\'' => return end_of_string(text, b'\'', false),
        '"' => return end_of_string(text, b'"', true),
        '#' => text.find(['\r', '\n']),
        '.' | '=' | ',' | '[' | ']' | '{' | '}' | ' ' | '\t' | '\r' | '\n' => Some(1),
        // A quotation mark inside of a word begins no string.
        _ => text.find(['.', '=', ',', '[', ']', '{', '}', ' ', '\t', '#', '\r', '\n']),
    };
    end.unwrap_or(text.len())
}

/// Returns the end of a string, which is at the latest the end of its line.
fn end_of_string(text: &str, quote: u8, has_escapes: bool) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((index, byte)) = bytes.next() {
        if byte == quote {
            return index + 1;
        }
        if byte == b'\n' {
            return index;
        }
        if byte == b'\\' && has_escapes && escapes_next(text, index) {
            bytes.next();
        }
    }
    text.len()
}

/// Returns the end of a string of several lines. It can end with two more quotation marks, which are part of it.
fn end_of_lines(text: &str, quotes: &str, has_escapes: bool) -> usize {
    let mut bytes = text.bytes().enumerate().skip(quotes.len());
    while let Some((index, byte)) = bytes.next() {
        if let Some(after) = text.get(index..).and_then(|rest| rest.strip_prefix(quotes)) {
            let more = after.bytes().take(2).take_while(|next| *next == byte).count();
            return text.len() - after.len() + more;
        }
        if byte == b'\\' && has_escapes && escapes_next(text, index) {
            bytes.next();
        }
    }
    text.len()
}

/// Returns `true` if the backslash at `index` escapes a quotation mark or another backslash.
fn escapes_next(text: &str, index: usize) -> bool {
    matches!(text.as_bytes().get(index + 1), Some(b'\\' | b'"'))
}

#[cfg(test)]
mod tests {
    use toml::de::{DeTable, DeValue};

    use super::{MAX_LEVELS, too_deep};

    fn nested(levels: usize) -> String {
        format!("a = {}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn the_parts_of_dotted_keys_and_the_brackets_around_a_value_are_levels() {
        for text in [nested(MAX_LEVELS), format!("a{} = 1", ".a".repeat(MAX_LEVELS))] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
        for text in [
            nested(MAX_LEVELS + 1),
            format!("a{} = 1", ".a".repeat(MAX_LEVELS + 1)),
            format!("[a{}]", ". 'a' .a".repeat(MAX_LEVELS / 2)),
            format!("{}1{}", "a.b.c = {".repeat(11), "}".repeat(11)),
            format!("x = [\n{}", "a.\n[\n".repeat(17)),
            format!("\u{feff}x = 'a\n{}", "[".repeat(MAX_LEVELS + 1)),
            format!("x\"y = {}", "[".repeat(MAX_LEVELS + 1)),
            format!("x = \"\\\\\" {}", "[".repeat(MAX_LEVELS + 1)),
            format!("x = \"\"\"\\\"\"\"\"\"\" {}", "[".repeat(MAX_LEVELS + 1)),
            format!("x = '''\\''''' {}", "[".repeat(MAX_LEVELS + 1)),
        ] {
            assert!(too_deep(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn brackets_and_dots_of_strings_and_comments_are_not_levels() {
        let text = "[".repeat(100) + &".".repeat(100);
        for text in [
            format!("x = \"{text}\\\"{text}\""),
            format!("x = '{text}' # {text}"),
            format!("x = \"\"\"{text}\n{text}\\\"\"\"{text}\"\"\"\"\""),
            format!("x = '''{text}\n\"{text}'''"),
            format!("\"{text}\".'{text}' = 1"),
            "x = 1.5\n".repeat(100),
            "[a.b.c.d]\nx = [1.5, { y = 2.5 }]\n".repeat(100),
            format!("x = [{}]", "1.5,".repeat(100)),
            "[breakers.payment\njitter = 0.5\n".repeat(9),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
    }

    fn depth(value: &DeValue<'_>) -> usize {
        let of_all = |values: &mut dyn Iterator<Item = usize>| 1 + values.max().unwrap_or_default();
        match value {
            DeValue::Table(table) => of_all(&mut table.values().map(|value| depth(value.get_ref()))),
            DeValue::Array(values) => of_all(&mut values.iter().map(|value| depth(value.get_ref()))),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => 0,
        }
    }

    #[test]
    fn no_text_that_is_accepted_has_more_levels_for_the_parser() {
        const PIECES: &[&str] = &[
            "a", "\"", "'", "\"\"\"", "'''", "\\", "#", "\n", "\r", "\r\n", " ", ".", "=", ",", "[", "]",
            "{", "}", "\u{feff}", "x=", "\n[a]\n", "é", "1",
        ];
        const RUNS: usize = 20_000;
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below).unwrap_or_default()
        };
        let mut accepted = 0;
        for _ in 0..RUNS {
            let mut text = String::new();
            for opening in ["", "a.a={", "a={", "[", "a=[{", "\na=["] {
                text.extend((0..random(6)).filter_map(|_| PIECES.get(random(23)).copied()));
                if random(3) == 0 {
                    text += &opening.repeat(70);
                }
            }
            if too_deep(&text).is_none() {
                let (root, _) = DeTable::parse_recoverable(&text);
                accepted += 1;
                assert!(
                    root.get_ref().values().all(|value| depth(value.get_ref()) <= 2 * MAX_LEVELS),
                    "{text}"
                );
            }
        }
        assert!(accepted > RUNS / 100, "{accepted}");
    }
}
