//! The keys of the attribute, and which one a misspelt key was meant to be.

use proc_macro2::Ident;
use syn::Error;
use syn::ext::IdentExt as _;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Name,
    FailureThreshold,
    RecoveryTimeout,
    HalfOpenMaxCalls,
    SuccessThreshold,
    HalfOpenTimeout,
    Fallback,
    Crate,
}

const KEYS: [Key; 8] = [
    Key::Name,
    Key::FailureThreshold,
    Key::RecoveryTimeout,
    Key::HalfOpenMaxCalls,
    Key::SuccessThreshold,
    Key::HalfOpenTimeout,
    Key::Fallback,
    Key::Crate,
];

impl Key {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::FailureThreshold => "failure_threshold",
            Self::RecoveryTimeout => "recovery_timeout",
            Self::HalfOpenMaxCalls => "half_open_max_calls",
            Self::SuccessThreshold => "success_threshold",
            Self::HalfOpenTimeout => "half_open_timeout",
            Self::Fallback => "fallback",
            Self::Crate => "crate",
        }
    }

    pub(super) fn find(word: &Ident) -> Result<Self, Error> {
        let written = word.unraw().to_string();
        KEYS.into_iter().find(|key| key.name() == written).ok_or_else(|| {
            let known = KEYS.map(Self::name).join(", ");
            let hint = nearest(&written).map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
            Error::new(word.span(), format!("unknown key `{written}`; {hint}the keys are: {known}"))
        })
    }
}

/// The known key that is closest, if it is close: at most a third of it differs.
fn nearest(written: &str) -> Option<&'static str> {
    let distance = |name: &str| strsim::damerau_levenshtein(written, name);
    let name = KEYS.map(Key::name).into_iter().min_by_key(|name| distance(name))?;
    (3 * distance(name) <= name.len()).then_some(name)
}
