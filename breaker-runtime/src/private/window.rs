//! A const window, of calls or of time: which of the two, its type says.

use core::marker::PhantomData;
use core::ops::Deref;
use core::time::Duration;

use crate::config::ConfigBuilder;

/// A window. The compiler looks for its `set` here first, where it is one of calls or of time, and otherwise
/// goes on through `Deref`.
#[derive(Debug)]
pub struct Window<T> {
    length: T,
    other: Other<T>,
}

/// Something else.
#[derive(Debug)]
pub struct Other<T>(PhantomData<T>);

/// Like the constructor of a tuple struct.
#[expect(non_snake_case, reason = "it stands for the constructor of a tuple struct")]
pub const fn Window<T>(length: T) -> Window<T> {
    Window { length, other: Other(PhantomData) }
}

#[diagnostic::on_unimplemented(
    message = "a window is a number of calls or a time, and `{Self}` is neither",
    label = "this must be a `u32` or a `Duration`",
    note = "write `window = 100`, `window = \"60s\"`, or a const of one of these types"
)]
pub trait Length {}

impl Length for u32 {}

impl Length for Duration {}

impl Window<u32> {
    /// Of calls.
    pub const fn set(self, settings: ConfigBuilder) -> ConfigBuilder {
        settings.window_calls(self.length)
    }
}

impl Window<Duration> {
    /// Of time.
    pub const fn set(self, settings: ConfigBuilder) -> ConfigBuilder {
        settings.window_time(self.length)
    }
}

impl<T> Other<T> {
    /// Of nothing that there is: only there to be refused.
    #[expect(clippy::unused_self, reason = "it stands in for the method of a window")]
    pub const fn set(&self, settings: ConfigBuilder) -> ConfigBuilder
    where
        T: Length,
    {
        settings
    }
}

impl<T> Deref for Window<T> {
    type Target = Other<T>;

    fn deref(&self) -> &Other<T> {
        &self.other
    }
}
