//! Attributes and functions at random: pieces that are right somewhere, and some that are right nowhere.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const KEYS: &[&str] = &[
    "name",
    "failure_threshold",
    "consecutive_failures",
    "failure_rate",
    "window",
    "minimum_calls",
    "slow_call",
    "slow_call_rate",
    "recovery_timeout",
    "backoff",
    "max_recovery_timeout",
    "jitter",
    "half_open_max_calls",
    "success_threshold",
    "half_open_timeout",
    "failure_if",
    "ignore_if",
    "fallback",
    "fallback_on",
    "call_timeout",
    "max_concurrent",
    "max_wait",
    "key",
    "max_keys",
    "mode",
    "critical",
    "durations",
    "breaker",
    "registry",
    "crate",
    "nam",
    "Name",
    "r#crate",
    "self",
];

const WORDS: &[&str] = &[
    "fn",
    "async",
    "unsafe",
    "const",
    "extern",
    "pub",
    "crate",
    "self",
    "Self",
    "mut",
    "ref",
    "impl",
    "dyn",
    "where",
    "for",
    "move",
    "return",
    "match",
    "if",
    "else",
    "let",
    "struct",
    "trait",
    "static",
    "type",
    "Box",
    "pin",
    "Pin",
    "Future",
    "Output",
    "BoxFuture",
    "Result",
    "Option",
    "x",
    "order",
    "r#fn",
    "_",
    "in",
    "super",
    "macro_rules",
    "auto",
    "default",
    "union",
    "gen",
    "try",
    "yield",
    "async_trait",
    "cfg",
    "panic",
];

const LITERALS: &[&str] = &[
    "0",
    "1",
    "5",
    "5u8",
    "5_u32",
    "4294967296",
    "340282366920938463463374607431768211456",
    "0x10",
    "1e400",
    "0.5",
    "1.5f32",
    "-1",
    "-0.0",
    "\"\"",
    "\"5s\"",
    "\"1h30m\"",
    "\"s\"",
    "\"1.5s\"",
    "\"99999999999999999999d\"",
    "\"µs\"",
    "\"é1\"",
    "\"payment\"",
    "\"shadow\"",
    "b\"5s\"",
    "c\"5s\"",
    "'5'",
    "b'5'",
    "r#\"{x}\"#",
];

/// Values that are right for some keys, and wrong for others.
const VALUES: &[&str] = &[
    "5",
    "0.5",
    "\"5s\"",
    "\"payment\"",
    "\"shadow\"",
    "true",
    "LIMIT",
    "limits::<u8>()",
    "a::B::<{ 1 + 1 }>::C",
    "|error| Ok(0)",
    "|| 0",
    "|a, b| 0",
    "|_| panic!()",
    "|_| { todo!() }",
    "move |Error { x, .. }| x",
    "async |e| e",
    "cached",
    "Self::cached",
    "<T as Trait>::cached",
    "::std::mem::drop",
    "crate::x",
    "x",
    "&x",
    "self.x",
    "x.y()?",
    "match x { _ => 5 }",
    "{ x }",
    "((((5))))",
    "-5",
    "!5",
    "-\"5s\"",
    "[1; 2]",
    "(1, 2)",
    "return",
    "a = b",
    "x as u32",
    "const { 5 }",
    "unsafe { 5 }",
    "async { 5 }",
    "loop {}",
    "..",
    "1..=2",
    "matches!(x, 5)",
    "_",
    "&raw const x",
    "|x| -> u8 { x }",
    "for<'a> |x: &'a u8| x",
    "$crate::x",
    "'a: loop {}",
    "if let Some(x) = y { 5 }",
    "#[a] 5",
];

/// What stands in parentheses behind `failure_if`.
const PATTERNS: &[&str] = &[
    "",
    "_",
    "Err(_)",
    "Err(Fault::Down | Fault::Slow) | Ok(0)",
    "x if *x > 5",
    "x if",
    "if x",
    "| _ ,",
    "_, _",
    "5..=6",
    "..",
    "&mut x",
    "Shop { x, .. }",
    "[first, .., last]",
    "box x",
    "const { 5 }",
    "x @ (a | b)",
    "\"a\"",
    "-1",
];

const ATTRIBUTES: &[&str] =
    &["", "#[test]", "/// x\n", "#[cfg(x)]", "#![x]", "#", "#[x = \"y\"] #[async_trait::z]"];
const VISIBILITIES: &[&str] = &["", "pub", "pub(crate)", "pub(in a::b)", "pub()", "crate", "pub (u8)"];
const QUALIFIERS: &[&str] = &[
    "",
    "async",
    "unsafe",
    "const",
    "extern \"C\"",
    "async unsafe",
    "unsafe async",
    "const async unsafe extern",
    "extern \"C\" unsafe",
    "default",
    "safe",
    "gen",
    "async gen",
];
const NAMES: &[&str] = &[
    "fn price",
    "fn r#match",
    "fn",
    "price",
    "fn 5",
    "fn self",
    "struct Price",
    "impl X",
    "trait X",
    "static X: u8 =",
];
const GENERICS: &[&str] =
    &["", "<T>", "<'a, T: 'a + ?Sized, const N: usize>", "<", "<T", "<const N: u8 = { 5 }>", "<'_>"];
const INPUTS: &[&str] = &[
    "()",
    "(x: u8)",
    "(&self, mut x: &mut u8)",
    "(mut self: Pin<&mut Self>, (a, b): (u8, u8), _: u8)",
    "(x: impl Into<u8>, ...)",
    "(#[cfg(x)] x: u8, x @ Some(_): u8)",
    "(self, self)",
    "(x)",
    "(x: )",
    "",
    "(, )",
    "[]",
    "(r#type: u8, &x: &u8, [a, ..]: A)",
    "(x: u8, y: extern \"C\" fn(u8, ...), z: dyn for<'a> Fn(&'a u8) -> u8,)",
];
const OUTPUTS: &[&str] = &[
    "",
    "-> u8",
    "-> Result<u8, Error>",
    "-> !",
    "-> ()",
    "->",
    "-> impl Iterator<Item = u8> + 'a",
    "-> impl Future",
    "-> '",
    "-> Pin<Box<dyn Future<Output = Result<impl X, Y>> + Send + 'a>>",
    "-> BoxFuture<'a, u8>",
    "-> BoxFuture",
    "-> Pin<Box<Pin>>",
    "-> Box<dyn for<'a> Fn(&'a u8) -> &'a u8 + 'b>",
    "-> (impl A, [&'a impl B; 5], &[impl C])",
    "-> <T as X<'a>>::Y",
    "-> T where",
    "-> [u8; { 'a: loop { break 'a 5 } }]",
    "-> !!",
    "-> fn() -> !",
    "-> Pin<u8, Box<dyn Future<Item = u8>>>",
    "where T: X, -> u8",
];
const CLAUSES: &[&str] = &["", "where T: X", "where", "where for<'a> &'a T: X,", "where T"];
const BODIES: &[&str] = &[
    "{}",
    "{ Ok(5) }",
    ";",
    "",
    "{ x. }",
    "{ let }",
    "{ #![x] 5 }",
    "{ #![x] #![y] #! }",
    "{ Box::pin(async move { x.y }) }",
    "{ ::std::boxed::Box::pin(#[x] async move {}) }",
    "{ Box::pin(async {}) }",
    "{ let x = 5; Box::pin(async move {}) }",
    "{ Box::pin(async move {}); }",
    "{ Box::pin(async move {}, 5) }",
    "= 5;",
    "[5]",
    "{ return Err(x)?; }",
    "{ 'a: { break 'a } }",
    "{ } { }",
    "{} fn other() {}",
];

/// What stands in the parentheses of the attribute.
pub(crate) fn arguments() -> impl Strategy<Value = String> {
    let key = prop_oneof![20 => select(KEYS), 1 => select(WORDS), 1 => select(LITERALS)];
    let value = prop_oneof![
        6 => select(VALUES).prop_map(|value| format!("= {value}")),
        4 => select(LITERALS).prop_map(|value| format!("= {value}")),
        2 => select(PATTERNS).prop_map(|pattern| format!("({pattern})")),
        1 => select(vec!["", "=", "==", "= =", "()", "[5]", ": 5", "= 5 6", "=> 5"]).prop_map(str::to_owned),
    ];
    let comma = prop_oneof![20 => Just(","), 1 => Just(""), 1 => Just(";"), 1 => Just(",,")];
    let one = (key, value, comma).prop_map(|(key, value, comma)| format!("{key} {value}{comma} "));
    vec(one, 0..6).prop_map(|all| all.concat())
}

/// Everything of a function but its body.
pub(crate) fn signature() -> impl Strategy<Value = String> {
    let often =
        |common: &'static str, all: &'static [&'static str]| prop_oneof![3 => Just(common), 2 => select(all)];
    let before = (often("", ATTRIBUTES), often("pub", VISIBILITIES), often("async", QUALIFIERS));
    let after = (
        often("fn price", NAMES),
        often("", GENERICS),
        often("(x: u8)", INPUTS),
        often("-> Result<u8, Error>", OUTPUTS),
        often("", CLAUSES),
    );
    (before, after).prop_map(
        |((attributes, visibility, qualifiers), (name, generics, inputs, output, clause))| {
            format!("{attributes} {visibility} {qualifiers} {name} {generics}{inputs} {output} {clause}")
        },
    )
}

/// A body, or what somebody has written in its place.
pub(crate) fn body() -> impl Strategy<Value = String> {
    let common = select(vec!["{ Ok(5) }", "{ Box::pin(async move { x.y }) }"]);
    prop_oneof![1 => common, 1 => select(BODIES)].prop_map(str::to_owned)
}

/// A word or a number, for any place.
pub(crate) fn token() -> impl Strategy<Value = String> {
    const MARKS: &[&str] =
        &["=", ",", "|", ":", "::", ";", "#", "!", "&", "<", ">", "->", ".", "?", "'", "$", "@", "..", "*"];
    prop_oneof![select(WORDS), select(LITERALS), select(MARKS), select(KEYS)].prop_map(str::to_owned)
}
