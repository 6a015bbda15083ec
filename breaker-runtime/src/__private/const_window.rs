//! The value of the key `window` if it is a constant. Its type determines the kind of window: a number of
//! calls or a duration.

use core::marker::PhantomData;
use core::ops::Deref;
use core::time::Duration;

use crate::config::ConfigBuilder;

/// The value of `window`.
///
/// Method lookup finds `set` here for `u32` and `Duration`. For other types, it finds the `set` of `OtherLength`
/// through `Deref`.
#[derive(Debug)]
pub struct ConstWindow<T> {
    length: T,
    other: OtherLength<T>,
}

/// The value of `window` if its type is neither `u32` nor `Duration`.
#[derive(Debug)]
pub struct OtherLength<T>(PhantomData<T>);

/// Wraps a length in a `ConstWindow`.
#[expect(non_snake_case, reason = "the constructor of a tuple struct has the name of the struct")]
pub const fn ConstWindow<T>(length: T) -> ConstWindow<T> {
    ConstWindow { length, other: OtherLength(PhantomData) }
}

/// A type that `window` accepts.
#[diagnostic::on_unimplemented(
    message = "expected a `u32` or a `Duration`, found `{Self}`",
    label = "this must be a `u32` or a `Duration`",
    note = "write `window = 100`, `window = \"60s\"`, or a constant of one of these types"
)]
pub trait Length {}

impl Length for u32 {}

impl Length for Duration {}

impl ConstWindow<u32> {
    /// Sets the window to the last `length` calls.
    pub const fn set(self, settings: ConfigBuilder) -> ConfigBuilder {
        settings.window_calls(self.length)
    }
}

impl ConstWindow<Duration> {
    /// Sets the window to the calls of the last `length`.
    pub const fn set(self, settings: ConfigBuilder) -> ConfigBuilder {
        settings.window_time(self.length)
    }
}

impl<T> OtherLength<T> {
    /// Never compiles: `T` is not a [`Length`], and the compile error names the types that are.
    pub const fn set(&self, settings: ConfigBuilder) -> ConfigBuilder
    where
        T: Length,
    {
        settings
    }
}

impl<T> Deref for ConstWindow<T> {
    type Target = OtherLength<T>;

    fn deref(&self) -> &OtherLength<T> {
        &self.other
    }
}
