//! The same functions without an attribute and with each of them. Half are async; half of each kind have a fallback, if
//! the attribute supports one.

const FUNCTIONS: u32 = 500;

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    /// The attribute of a function, or of a method in the `impl` of a trait.
    above: fn(&Sample) -> &'static str,
    kind: Kind,
    /// The attribute of the trait and of its implementation.
    outside: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Functions,
    Methods,
}

struct Sample {
    is_async: bool,
    has_fallback: bool,
}

const HEAD: &str = "
pub struct Error;
impl From<breaker_runtime::BreakerError> for Error {
    fn from(_: breaker_runtime::BreakerError) -> Self { Self }
}
impl std::fmt::Display for Error {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { out.write_str(\"down\") }
}
pub fn cached(_: &str, count: u32) -> Result<u32, Error> { Ok(count) }
#[derive(Debug)]
pub struct Shop;
impl Shop {
    pub async fn cached(&self, _: &str, count: u32) -> Result<u32, Error> { Ok(count) }
}
";

pub(crate) const ROWS: [Row; 9] = [
    row(Kind::Functions, "functions", "bare_functions", |_| "", ""),
    row(Kind::Functions, "functions with #[circuit_breaker]", "breaker_functions", breaker, ""),
    row(Kind::Functions, "functions with #[tracing::instrument]", "instrument_functions", instrument, ""),
    row(
        Kind::Functions,
        "functions with #[tracing::instrument(skip_all)]",
        "instrument_functions_skip_all",
        instrument_skip_all,
        "",
    ),
    row(Kind::Methods, "async methods of traits", "bare_methods", |_| "", ""),
    row(Kind::Methods, "async methods with #[circuit_breaker]", "breaker_methods", breaker, ""),
    row(Kind::Methods, "async methods with #[tracing::instrument]", "instrument_methods", instrument, ""),
    row(
        Kind::Methods,
        "async methods with #[tracing::instrument(skip_all)]",
        "instrument_methods_skip_all",
        instrument_skip_all,
        "",
    ),
    row(
        Kind::Methods,
        "async methods with #[async_trait]",
        "async_trait",
        |_| "",
        "#[async_trait::async_trait]",
    ),
];

const fn row(
    kind: Kind,
    name: &'static str,
    file: &'static str,
    above: fn(&Sample) -> &'static str,
    outside: &'static str,
) -> Row {
    Row { name, file, above, kind, outside }
}

fn breaker(sample: &Sample) -> &'static str {
    match sample {
        Sample { has_fallback: false, .. } => "#[breaker_runtime::circuit_breaker(failure_threshold = 5)]",
        Sample { is_async: false, .. } => {
            "#[breaker_runtime::circuit_breaker(recovery_timeout = \"10s\", fallback = cached)]"
        }
        Sample { is_async: true, .. } => {
            "#[breaker_runtime::circuit_breaker(recovery_timeout = \"10s\", fallback = |_| Ok(count))]"
        }
    }
}

fn instrument(_: &Sample) -> &'static str {
    "#[tracing::instrument]"
}

/// Does not record the arguments, because `circuit_breaker` does not either.
fn instrument_skip_all(_: &Sample) -> &'static str {
    "#[tracing::instrument(skip_all)]"
}

impl Row {
    pub(crate) const fn is_bare(&self) -> bool {
        matches!(self.file.as_bytes(), [b'b', b'a', b'r', b'e', ..])
    }

    pub(crate) fn source(&self) -> String {
        self.source_of(FUNCTIONS)
    }

    pub(crate) fn source_of(&self, functions: u32) -> String {
        let functions = (0..functions).map(|number| match self.kind {
            Kind::Functions => self.function(number),
            Kind::Methods => self.method(number),
        });
        HEAD.chars().chain(functions.collect::<String>().chars()).collect()
    }

    fn function(&self, number: u32) -> String {
        let sample = Sample { is_async: number.is_multiple_of(2), has_fallback: number % 4 < 2 };
        let (above, asyncness) = ((self.above)(&sample), if sample.is_async { "async " } else { "" });
        let body = body(number, sample.is_async);
        format!(
            "{above}\npub {asyncness}fn function_{number}(order: &str, count: u32) -> Result<u32, Error> {body}\n"
        )
    }

    fn method(&self, number: u32) -> String {
        let sample = Sample { is_async: true, has_fallback: number.is_multiple_of(2) };
        let (above, outside, body) = ((self.above)(&sample), self.outside, body(number, true));
        let signature = "async fn call(&self, order: &str, count: u32) -> Result<u32, Error>";
        format!(
            "{outside} trait Trait{number} {{ {signature}; }}\n\
             {outside} impl Trait{number} for Shop {{\n{above}\n{signature} {body}\n}}\n"
        )
    }
}

fn body(number: u32, is_async: bool) -> String {
    let wait = if is_async { "std::future::ready(()).await;" } else { "" };
    format!(
        "{{ let length = u32::try_from(order.len()).map_err(|_| Error)?; {wait}
            if count > {number} {{ return Err(Error); }}
            let total = length.checked_add(count).ok_or(Error)?;
            Ok(total + {number}) }}"
    )
}
