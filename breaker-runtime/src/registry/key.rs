//! The text of a key. A key that is `AsRef<str>` is borrowed. Any other key is formatted with `Display`, on
//! the stack if the text has at most 64 bytes. A text that is too long for a circuit of its own is not written further.

use std::fmt::{self, Display, Write as _};
use std::ops::Deref;

/// Maximum length of a key with a circuit of its own, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 255;
/// Maximum length of a formatted key on the stack, in bytes.
const MAX_ON_STACK: usize = 64;
/// The text of the key `None`.
const NONE: &str = "none";
/// The character between the texts of a tuple.
const SEPARATOR: char = '/';
/// The character before a separator, or this character itself, in the text of one element of a tuple.
const ESCAPE: char = '\\';
/// The text of `None` in a tuple, if it differs from that of every value. An escape precedes no letter of a value.
const DISTINCT_NONE: &str = "\\none";

/// The value of a `key`, whose type the macro does not know. Method resolution finds `__breaker_key` here for
/// a type that is `AsRef<str>`, and through `Deref` on `KeyedByOption` for an `Option`, and on `KeyedByDisplay`
/// for any other type.
#[derive(Debug)]
pub struct KeyValue<'a, T: ?Sized> {
    value: KeyedByOption<'a, T>,
}

/// The value of a `key` that is not `AsRef<str>`, and may be an `Option`.
#[derive(Debug)]
pub struct KeyedByOption<'a, T: ?Sized>(KeyedByDisplay<'a, T>);

/// The value of a `key` that is neither `AsRef<str>` nor an `Option`, and is formatted with `Display`.
#[derive(Debug)]
pub struct KeyedByDisplay<'a, T: ?Sized>(&'a T);

/// The text of a key.
#[derive(Debug)]
pub struct KeyText<'a>(TextStorage<'a>);

#[derive(Debug)]
enum TextStorage<'a> {
    /// The text of `None`.
    Absent,
    Borrowed(&'a str),
    OnStack {
        bytes: [u8; MAX_ON_STACK],
        length: usize,
    },
    OnHeap(String),
}

/// Wraps a key, like the constructor of a tuple struct.
#[expect(non_snake_case, reason = "it replaces the constructor of a tuple struct")]
#[inline]
pub const fn KeyValue<T: ?Sized>(value: &T) -> KeyValue<'_, T> {
    KeyValue { value: KeyedByOption(KeyedByDisplay(value)) }
}

impl<'a, T: AsRef<str> + ?Sized> KeyValue<'a, T> {
    /// Returns the borrowed text of the key.
    #[must_use]
    #[inline]
    pub fn __breaker_key(&self) -> KeyText<'a> {
        KeyText(TextStorage::Borrowed(self.value.0.0.as_ref()))
    }
}

impl<T> KeyedByOption<'_, Option<T>> {
    /// Returns the text of the value, or "none".
    #[must_use]
    pub fn __breaker_key(&self) -> KeyText<'static>
    where
        T: DisplayKey,
    {
        text_of_option(self.0.0.as_ref())
    }
}

impl<T> KeyedByOption<'_, &Option<T>> {
    /// Returns the text of the value, or "none".
    #[must_use]
    pub fn __breaker_key(&self) -> KeyText<'static>
    where
        T: DisplayKey,
    {
        text_of_option(self.0.0.as_ref())
    }
}

impl<T: ?Sized> KeyedByDisplay<'_, T> {
    /// Returns the formatted text of the key. A panic in `Display` reaches the caller before any circuit is
    /// used.
    #[must_use]
    pub fn __breaker_key(&self) -> KeyText<'static>
    where
        T: DisplayKey,
    {
        text_of(|text| self.0.write_key(text))
    }
}

/// Returns the text of a tuple: those of its elements, with a `/` between them. A `/` or `\` in an element has a
/// `\` before it, so that different tuples have different texts, except that `None` has the text of `Some("none")`.
#[must_use]
pub fn join_keys(elements: &[KeyText<'_>]) -> KeyText<'static> {
    join(elements, NONE)
}

/// Returns the text of a tuple like [`join_keys`], but `None` has a text of its own.
pub(crate) fn join_distinct(elements: &[KeyText<'_>]) -> KeyText<'static> {
    join(elements, DISTINCT_NONE)
}

/// Returns the text of a tuple like [`join_keys`], with another text for `None`.
fn join(elements: &[KeyText<'_>], none: &str) -> KeyText<'static> {
    text_of(|text| {
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                text.write_char(SEPARATOR)?;
            }
            if element.is_absent() {
                text.write_str(none)?;
                continue;
            }
            for character in element.as_str().chars() {
                if matches!(character, SEPARATOR | ESCAPE) {
                    text.write_char(ESCAPE)?;
                }
                text.write_char(character)?;
            }
        }
        Ok(())
    })
}

fn text_of_option<T: DisplayKey>(value: Option<&T>) -> KeyText<'static> {
    value.map_or(KeyText(TextStorage::Absent), |value| text_of(|text| value.write_key(text)))
}

fn text_of(write: impl FnOnce(&mut TextStorage<'static>) -> fmt::Result) -> KeyText<'static> {
    let mut text = TextStorage::OnStack { bytes: [0; MAX_ON_STACK], length: 0 };
    // An error comes from a text that is too long, which stays longer than a key may be, or from `Display` itself. The
    // text so far is the key.
    _ = write(&mut text);
    KeyText(text)
}

/// A type that can be formatted as a key. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key: it implements neither `Display` nor `AsRef<str>`",
    label = "this key cannot be converted to text",
    note = "implement `Display` for it, or use a field that implements it: `key = tenant.name`",
    note = "list the elements of a tuple: `key = (pair.0, pair.1)`"
)]
pub trait DisplayKey {
    #[doc(hidden)]
    fn write_key(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> DisplayKey for T {
    fn write_key(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl<'a, T: ?Sized> Deref for KeyValue<'a, T> {
    type Target = KeyedByOption<'a, T>;

    fn deref(&self) -> &KeyedByOption<'a, T> {
        &self.value
    }
}

impl<'a, T: ?Sized> Deref for KeyedByOption<'a, T> {
    type Target = KeyedByDisplay<'a, T>;

    fn deref(&self) -> &KeyedByDisplay<'a, T> {
        &self.0
    }
}

impl KeyText<'_> {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns `true` for the key `None`.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self.0, TextStorage::Absent)
    }
}

impl TextStorage<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Absent => NONE,
            Self::Borrowed(text) => text,
            Self::OnStack { bytes, length } => {
                bytes.get(..*length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
            }
            Self::OnHeap(text) => text,
        }
    }
}

/// Returns the start of `more` with which a text of this length is too long, or all of it.
fn needed(more: &str, length: usize) -> &str {
    let mut ends = more.char_indices().map(|(index, _)| index);
    let end = ends.find(|index| length + index > MAX_KEY_BYTES);
    end.and_then(|end| more.get(..end)).unwrap_or(more)
}

impl fmt::Write for TextStorage<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if let Self::OnStack { bytes, length } = self
            && let Some(free) = bytes.get_mut(*length..*length + more.len())
        {
            free.copy_from_slice(more.as_bytes());
            *length += more.len();
            return Ok(());
        }
        let text = self.as_str();
        if text.len() > MAX_KEY_BYTES {
            return Err(fmt::Error);
        }
        let more = needed(more, text.len());
        match self {
            Self::OnHeap(text) => text.push_str(more),
            Self::OnStack { .. } | Self::Borrowed(_) | Self::Absent => {
                *self = Self::OnHeap([self.as_str(), more].concat());
            }
        }
        Ok(())
    }
}
