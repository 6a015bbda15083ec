//! Traces as CSV: `time,duration,outcome` and an optional `key`. The first line may be a header. A call without a key
//! has nothing in the last column, and one whose key is empty has two quotes there.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use crate::lines::{BARE_RETURN, content, for_each_line};
use crate::shown::shown;
use crate::time::{parse_duration, parse_time};
use crate::trace::{Trace, TracedCall, TracedOutcome};

/// Maximum length of a call whose key has line breaks, in bytes. A key has at most 255 bytes, which may all be quotes.
const MAX_CALL: usize = 1024;

/// Reads a trace. Lines that begin with `#` are comments. A value in quotes may contain commas and line breaks, and two
/// quotes for one.
pub(crate) fn read_csv(input: impl Read) -> Trace {
    let mut reader = CsvReader { trace: Trace::default(), is_first: true, open: OpenLines::default() };
    for_each_line(input, |number, line| match line {
        Ok(line) => reader.read(Line { number, text: line.to_owned() }),
        Err(problem) => {
            reader.finish();
            reader.add(number, Err(problem));
        }
    });
    reader.finish();
    reader.trace.sorted()
}

/// The part of a trace that has been read.
struct CsvReader {
    trace: Trace,
    /// Set until a header or anything else has been read that is neither a comment nor empty.
    is_first: bool,
    open: OpenLines,
}

/// The lines of a call that ends in quotes on a later line.
#[derive(Default)]
struct OpenLines {
    lines: Vec<Line>,
    bytes: usize,
    /// The part of a value at their end.
    end: ValuePart,
}

/// A line with its line break.
struct Line {
    number: u64,
    text: String,
}

/// The part of a value that a character belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ValuePart {
    #[default]
    Start,
    Plain,
    InQuotes,
    /// A quote that ends the value, unless a second one follows.
    QuoteInQuotes,
    /// The rest after a quote that ended the value, but neither a comma nor a line break followed.
    Stray,
}

impl CsvReader {
    fn read(&mut self, line: Line) {
        // Continues at the end of the open lines, so that no line is read again for each one that follows it.
        let end = self.open.end.after(&line.text);
        if self.open.lines.is_empty() {
            let is_comment = content(&line.text).starts_with('#');
            if is_comment || end != ValuePart::InQuotes {
                return self.read_record(line.number, &line.text);
            }
            return self.open.push(line, end);
        }
        self.open.push(line, end);
        match end {
            ValuePart::InQuotes if self.open.bytes <= MAX_CALL => {}
            ValuePart::InQuotes | ValuePart::Stray => self.read_first_alone(),
            ValuePart::Start | ValuePart::Plain | ValuePart::QuoteInQuotes => {
                let text = self.open.text();
                let text = content(&text);
                match split(text).and_then(|record| parse(&record, text)) {
                    Ok(call) => {
                        let lines = std::mem::take(&mut self.open).lines;
                        self.add(lines.first().map_or(0, |line| line.number), Ok(call));
                    }
                    Err(_) => self.read_first_alone(),
                }
            }
        }
    }

    /// Reads the first open line by itself, and then those after it, so that a stray quote hides no other lines.
    fn read_first_alone(&mut self) {
        let mut lines = std::mem::take(&mut self.open).lines.into_iter();
        if let Some(Line { number, text }) = lines.next() {
            self.read_record(number, &text);
        }
        lines.for_each(|line| self.read(line));
    }

    /// Reads the open lines, after which no line belongs to their call.
    fn finish(&mut self) {
        while !self.open.lines.is_empty() {
            self.read_first_alone();
        }
    }

    /// Reads a call, a header, a comment or an empty line.
    fn read_record(&mut self, number: u64, text: &str) {
        let text = content(text);
        if text.is_empty() || (text.starts_with('#') && !text.contains('\r')) {
            return;
        }
        match split(text) {
            Ok(record) if self.is_first && is_header(&record) => self.is_first = false,
            Ok(record) => self.add(number, parse(&record, text)),
            Err(problem) => self.add(number, Err(problem)),
        }
    }

    /// Adds a call or a broken line, after which no line is a header.
    fn add(&mut self, number: u64, read: Result<TracedCall, String>) {
        self.is_first = false;
        self.trace.add(number, read);
    }
}

impl OpenLines {
    fn push(&mut self, line: Line, end: ValuePart) {
        self.bytes += line.text.len();
        self.end = end;
        self.lines.push(line);
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }
}

impl ValuePart {
    /// Returns the part at the end of a text that continues this part.
    fn after(self, text: &str) -> Self {
        text.chars().fold(self, |part, character| match (part, character) {
            (Self::Stray, _) => Self::Stray,
            (Self::InQuotes, '"') | (Self::QuoteInQuotes, '\r' | '\n') => Self::QuoteInQuotes,
            (Self::InQuotes, _) | (Self::Start | Self::QuoteInQuotes, '"') => Self::InQuotes,
            (_, ',') => Self::Start,
            (Self::QuoteInQuotes, _) => Self::Stray,
            (Self::Start | Self::Plain, _) => Self::Plain,
        })
    }
}

/// Splits one record into its columns. Text after the end of the record is an error, so that it is not lost.
fn split(line: &str) -> Result<StringRecord, String> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    let mut read = |record: &mut StringRecord| reader.read_record(record).map_err(|error| error.to_string());
    read(&mut record)?;
    if read(&mut StringRecord::new())? { Err(BARE_RETURN.to_owned()) } else { Ok(record) }
}

fn is_header(record: &StringRecord) -> bool {
    record
        .get(0)
        .is_some_and(|first| first.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case("time"))
}

/// Parses a call. `text` is the record as it is written.
fn parse(record: &StringRecord, text: &str) -> Result<TracedCall, String> {
    let column = |index: usize, name: &str| {
        let text = record.get(index).map(str::trim);
        text.filter(|text| !text.is_empty()).ok_or_else(|| format!("column {}: {name} is missing", index + 1))
    };
    let located = |index: usize| move |problem: String| format!("column {}: {problem}", index + 1);
    if record.len() > 4 {
        return Err(format!("{} columns; expected time,duration,outcome and an optional key", record.len()));
    }
    let start = parse_time(column(0, "the time")?).map_err(located(0))?;
    let duration = parse_duration(column(1, "the duration")?).map_err(located(1))?;
    let outcome = column(2, "the outcome")?;
    let outcome = TracedOutcome::parse(outcome).ok_or_else(|| {
        format!(
            "column 3: the outcome {} is none of success, failure, timeout, ignored, cancelled and rejected",
            shown(outcome)
        )
    })?;
    // A record has no quotes, so it does not tell an empty key from a missing one.
    let key = record.get(3).filter(|key| !key.is_empty() || text.ends_with('"')).map(str::to_owned);
    Ok(TracedCall { start, duration, outcome, key })
}
