//! A key as text. What is text already is borrowed; anything else is written down by its `Display`, on the
//! stack if that takes no more than 64 bytes.

use std::fmt::{self, Display};
use std::ops::Deref;

const ON_STACK: usize = 64;

/// The value of a `key`, of a type that only the compiler knows. What is `AsRef<str>` finds
/// `__breaker_key` here; for anything else the compiler goes on through `Deref`.
#[derive(Debug)]
pub struct Key<'a, T: ?Sized> {
    value: WithDisplay<'a, T>,
}

/// The same, where it is no text: it must show itself.
#[derive(Debug)]
pub struct WithDisplay<'a, T: ?Sized>(&'a T);

/// A key as text.
#[derive(Debug)]
pub struct KeyText<'a>(Text<'a>);

#[derive(Debug)]
enum Text<'a> {
    Borrowed(&'a str),
    OnStack { bytes: [u8; ON_STACK], length: usize },
    OnHeap(String),
}

/// Like the constructor of a tuple struct.
#[expect(non_snake_case, reason = "it stands for the constructor of a tuple struct")]
#[inline]
pub const fn Key<T: ?Sized>(value: &T) -> Key<'_, T> {
    Key { value: WithDisplay(value) }
}

impl<'a, T: AsRef<str> + ?Sized> Key<'a, T> {
    /// As it is.
    #[must_use]
    #[inline]
    pub fn __breaker_key(&self) -> KeyText<'a> {
        KeyText(Text::Borrowed(self.value.0.as_ref()))
    }
}

impl<T: ?Sized> WithDisplay<'_, T> {
    /// As it shows itself. If that panics, the caller gets the panic: no circuit was asked yet.
    #[must_use]
    pub fn __breaker_key(&self) -> KeyText<'static>
    where
        T: Shown,
    {
        let mut text = Text::OnStack { bytes: [0; ON_STACK], length: 0 };
        // An error here is the `Display`'s own; what it has written so far is the key.
        _ = self.0.show(&mut text);
        KeyText(text)
    }
}

#[diagnostic::on_unimplemented(
    message = "a key is text, and `{Self}` is neither `Display` nor `AsRef<str>`",
    label = "this has no text",
    note = "implement `Display` for it, or give a part of it that has one: `key = tenant.name`"
)]
pub trait Shown {
    #[doc(hidden)]
    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> Shown for T {
    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl<'a, T: ?Sized> Deref for Key<'a, T> {
    type Target = WithDisplay<'a, T>;

    fn deref(&self) -> &WithDisplay<'a, T> {
        &self.value
    }
}

impl KeyText<'_> {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Text<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::OnStack { bytes, length } => {
                bytes.get(..*length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
            }
            Self::OnHeap(text) => text,
        }
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        match self {
            Self::OnStack { bytes, length } => {
                if let Some(free) = bytes.get_mut(*length..*length + more.len()) {
                    free.copy_from_slice(more.as_bytes());
                    *length += more.len();
                    return Ok(());
                }
                let mut text = self.as_str().to_owned();
                text.push_str(more);
                *self = Self::OnHeap(text);
            }
            Self::OnHeap(text) => text.push_str(more),
            Self::Borrowed(text) => *self = Self::OnHeap(format!("{text}{more}")),
        }
        Ok(())
    }
}
