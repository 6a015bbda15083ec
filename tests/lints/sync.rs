//! Faulty sync functions, most of them named after the lint that reports the fault.

#![warn(
    clippy::pedantic,
    missing_docs,
    rust_2018_idioms,
    rust_2024_compatibility,
    single_use_lifetimes,
    unreachable_pub,
    unsafe_code,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]

#[cfg(protected)]
use breaker_runtime::circuit_breaker;
use breaker_runtime::BreakerError;

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unused_variables(number: u32) -> u32 {
    let unused = 1;
    2
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unused_mut(mut number: u32) -> u32 {
    let mut other = number;
    other
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unused_assignments(mut number: u32) -> u32 {
    let mut other = 1;
    other = 2;
    number = 3;
    other
}

#[cfg_attr(protected, circuit_breaker)]
fn dead_code() -> Result<u32, BreakerError> {
    only_called_by_dead_code()
}

#[cfg_attr(protected, circuit_breaker)]
fn only_called_by_dead_code() -> Result<u32, BreakerError> {
    dead_code()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unused_imports() -> u32 {
    use std::collections::HashMap;
    fn dead_inner_function() {}
    1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unused_must_use() -> u32 {
    std::fs::remove_file("x");
    Some(1).is_some();
    1 + 1;
    1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unreachable_code(number: u32) -> u32 {
    if number > 1 {
        return 5;
        println!("{number}");
    }
    panic!("always");
    7
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub fn unconditional_recursion(number: u32) {
    unconditional_recursion(number - 1);
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn non_snake_case(Number: u32) -> u32 {
    let Other = Number;
    Other
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn unused_parens_and_braces(number: u32) -> u32 {
    let other = (number);
    let more = { other };
    'unused: for _ in 0..more {
        println!();
    }
    return (more);
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn one_pair_of_braces(number: u32) -> u32 {
    { number }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| text.into()))]
pub fn mismatched_lifetime_syntaxes(text: &str) -> std::borrow::Cow<str> {
    text.into()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub unsafe fn unsafe_op_in_unsafe_fn(pointer: *const u32) -> u32 {
    *pointer
}

#[deprecated]
#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn deprecated() -> u32 {
    1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn calls_deprecated() -> u32 {
    deprecated()
}

#[must_use]
#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn used() -> u32 {
    1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub fn uses() {
    used();
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn needless_return(number: u32) -> u32 {
    return number;
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub fn needless_return_of_nothing(number: u32) {
    println!("{number}");
    return;
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn needless_return_in_branches(number: u32) -> u32 {
    if number > 1 {
        return number;
    } else {
        match number {
            0 => return 1,
            _ => return 2,
        }
    }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn let_and_return(number: u32) -> u32 {
    let more = number + 1;
    more
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub fn let_unit_value(number: u32) {
    let unit = println!("{number}");
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn blocks_in_conditions(number: u32) -> u32 {
    if {
        let more = number + 1;
        more > 2
    } {
        1
    } else {
        2
    }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn redundant_closure_call(number: u32) -> u32 {
    let more = (|| number + 1)();
    more + 1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| Vec::new()))]
pub fn redundant_closure(list: &[u32]) -> Vec<String> {
    list.iter().map(|number| number.to_string()).chain(list.first().map(|number| show(number))).collect()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| String::new()))]
pub fn show(number: &u32) -> String {
    format!("{}", number)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn only_a_call() -> u32 {
    used()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn needless_pass_by_value(text: String, list: Vec<u32>) -> usize {
    text.len() + list.len()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn ptr_arg(text: &String, list: &Vec<u32>, boxed: Box<u32>) -> usize {
    text.len() + list.len() + *boxed as usize
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| text))]
pub fn needless_lifetimes<'a>(text: &'a str) -> &'a str {
    text.trim()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn extra_unused<'a, T>(number: u32) -> u32 {
    number
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| Ok(1)))]
fn unnecessary_wraps(number: u32) -> Result<u32, BreakerError> {
    if number > 1 {
        return Ok(number);
    }
    Ok(1)
}

#[cfg_attr(protected, circuit_breaker)]
pub fn missing_errors_doc(number: u32) -> Result<u32, BreakerError> {
    unnecessary_wraps(number)?;
    Ok(unnecessary_wraps(number)?)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn missing_panics_doc(text: &str) -> u32 {
    assert!(!text.is_empty());
    text.parse().unwrap()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn too_many_arguments(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) -> u32 {
    a + b + c + d + e + f + g + h
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn fn_params_excessive_bools(a: bool, b: bool, c: bool, d: bool) -> u32 {
    u32::from(a && b && c && d)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn items_after_statements(number: u32) -> u32 {
    let more = number;
    const ONE: u32 = 1;
    more + ONE
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub fn semicolon_if_nothing_returned(list: &mut Vec<u32>) {
    list.push(1);
    list.clear()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| ()))]
pub fn used_underscore_binding(_number: u32) {
    println!("{_number}");
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| Err(())))]
pub fn result_unit_err(number: u32) -> Result<u32, ()> {
    number.checked_add(1).ok_or(())
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| panic!()))]
pub fn result_large_err(number: u32) -> Result<u32, [u8; 200]> {
    number.checked_add(1).ok_or([0; 200])
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| None))]
pub fn question_mark(list: Option<&Option<u32>>) -> Option<Option<u32>> {
    let Some(list) = list else {
        return None;
    };
    Some(*list)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| -> () {}))]
pub fn unused_unit() -> () {
    println!()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
#[inline(always)]
pub fn inline_always(pair: &(u8, u8)) -> u8 {
    pair.0
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn only_used_in_recursion(number: u32, more: u32) -> u32 {
    if number == 0 { 0 } else { only_used_in_recursion(number - 1, more) }
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn large_types_passed_by_value(block: [u32; 500]) -> usize {
    block.len()
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| Vec::new()))]
pub fn type_complexity(number: u32) -> Vec<Vec<Option<Result<Vec<Box<u32>>, (u32, Vec<Option<Vec<String>>>)>>>> {
    Vec::with_capacity(number as usize)
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn cast_possible_truncation(number: u64) -> u32 {
    number as u32
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
pub fn too_many_lines(number: u32) -> u32 {
    let mut sum = number;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum += 1;
    sum
}

/// Has no fault.
#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
#[forbid(warnings, clippy::all, clippy::pedantic)]
#[must_use]
pub fn all_lints_forbidden(number: u32) -> u32 {
    number + 1
}

#[cfg_attr(protected, circuit_breaker(fallback = |_| 0))]
#[allow(warnings, clippy::all, clippy::pedantic)]
fn all_lints_allowed(number: u32) -> u32 {
    let unused = all_lints_allowed(number);
    return all_lints_forbidden(unused_variables(1));
}

macro_rules! unused_parens {
    ($number:expr, $text:ty, $found:pat) => {
        #[cfg_attr(protected, circuit_breaker(
            failure_threshold = $number,
            key = $number,
            failure_if(Some($found) if 4 == $number),
            fallback = |_| Some($number)
        ))]
        pub fn with_fragments(text: $text) -> Option<u32> {
            let length = ($number);
            Some(length)
        }
    };
}

unused_parens!(1 + 2, &str, 1 | 2);
