//! The lines of a file, one at a time, so that a file of any size can be read.

use std::io::{BufRead, BufReader, Read};

/// The mistake of a line that contains the line break of old text files.
pub(crate) const BARE_RETURN: &str = "a carriage return in the line; end each line with a line feed";

/// Calls `visit` for each line, with its number and with the line break at its end. A line that is not UTF-8 is an
/// error, and so is one that cannot be read, after which there are no others.
pub(crate) fn for_each_line(input: impl Read, mut visit: impl FnMut(u64, Result<&str, String>)) {
    let mut input = BufReader::new(input);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) => return,
            Ok(_) => match std::str::from_utf8(&bytes) {
                Ok(text) => visit(number, Ok(text)),
                Err(_) => visit(number, Err("the line is not UTF-8".to_owned())),
            },
            Err(error) => return visit(number, Err(error.to_string())),
        }
    }
}

/// Returns the text of a line without spaces at its ends. It is empty if nothing else is on the line.
pub(crate) fn content(line: &str) -> &str {
    const BYTE_ORDER_MARK: char = '\u{feff}';
    line.trim_start_matches(BYTE_ORDER_MARK).trim()
}
