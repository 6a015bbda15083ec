//! Keys whose value is one of a few words, each the variant of an enum of the runtime.

use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Lit};

use super::expr::{source_text, ungrouped};
use super::spec::{Value, Variant};

/// The words that a key accepts.
pub(super) struct Choices {
    /// The enum of the runtime.
    enum_name: &'static str,
    words: &'static [Word],
    /// The message for another value.
    rule: &'static str,
}

/// A word, and the variant that it names.
struct Word {
    written: &'static str,
    variant: &'static str,
}

pub(super) const MODE: Choices = Choices {
    enum_name: "Mode",
    words: &[Word { written: "enforce", variant: "Enforce" }, Word { written: "shadow", variant: "Shadow" }],
    rule: "`mode` must be \"enforce\" or \"shadow\"",
};

pub(super) const SHARED: Choices = Choices {
    enum_name: "Sharing",
    words: &[
        Word { written: "local", variant: "Local" },
        Word { written: "quorum", variant: "Quorum" },
        Word { written: "first", variant: "First" },
    ],
    rule: "`shared` must be \"local\", \"quorum\" or \"first\"",
};

pub(super) const ADOPT: Choices = Choices {
    enum_name: "Adopt",
    words: &[
        Word { written: "unless_healthy", variant: "UnlessHealthy" },
        Word { written: "always", variant: "Always" },
    ],
    rule: "`adopt` must be \"unless_healthy\" or \"always\"",
};

/// Reads one of the words. A const is not accepted, so that the attribute shows the choice.
pub(super) fn read(value: Expr, choices: &Choices) -> Result<Value, Error> {
    let value = ungrouped(value);
    let written = match &value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        _ => String::new(),
    };
    let (Choices { enum_name, rule, .. }, span) = (choices, value.span());
    match choices.words.iter().find(|word| word.written == written) {
        Some(word) => Ok(Value::Variant(Variant { enum_name, name: word.variant, span })),
        None => Err(Error::new(span, format!("{rule}; found {}", source_text(&value)))),
    }
}
