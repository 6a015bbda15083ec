//! Runs every order, and compares the figures with those of the page.

use breaker_runtime::Config;

use super::orders;
use super::simulation::{Figures, Trouble, simulate};

const PAGE: &str = include_str!("../../../breaker-runtime/src/docs/composition.md");

/// Runs orders and formats their figures as the rows of a table.
macro_rules! rows {
    ($trouble:expr, $format:expr, $($name:literal: $order:ident with $settings:expr),+ $(,)?) => {
        [$(format!("| {} | {} |", $name, $format(&simulate($settings, $trouble, orders::$order).await))),+]
    };
}

/// Asserts that the page contains the rows, one after the other.
#[track_caller]
fn assert_on_page(rows: &[String]) {
    let table = rows.join("\n");
    assert!(PAGE.contains(&table), "the table of the page must have these rows:\n{table}\n");
}

fn outage(figures: &Figures) -> String {
    let Figures { reached, tokens, slow, .. } = figures;
    format!("{reached} | {tokens} | {} | {slow}", opened(figures))
}

fn partial(figures: &Figures) -> String {
    let Figures { reached, tokens, real, fallbacks, .. } = figures;
    format!("{reached} | {tokens} | {real} | {fallbacks}")
}

fn burst(figures: &Figures) -> String {
    let Figures { real, fallbacks, .. } = figures;
    format!("{} | {real} | {fallbacks}", opened(figures))
}

fn opened(figures: &Figures) -> String {
    figures.opened_after.map_or("never".to_owned(), |after| format!("after {:.1} s", after.as_secs_f64()))
}

#[tokio::test(start_paused = true)]
async fn the_page_shows_the_figures_of_each_order_during_an_outage() {
    assert_on_page(&rows!(Trouble::Outage, outage,
        "**the right order**": right with orders::settings(),
        "no circuit breaker and no budget": without_breaker with Config::builder(),
        "no budget, and every error is retried": without_budget with orders::settings(),
        "a token also for rejected calls": tokens_for_rejected_calls with orders::settings(),
        "retries inside the breaker": retry_inside_breaker with Config::builder(),
        "timeout around the breaker": timeout_around_breaker with Config::builder(),
        "timeout around the breaker, with `cancelled_after`": timeout_around_breaker with orders::cancelled(),
        "timeout around the retries": timeout_around_retries with Config::builder(),
    ));
}

#[tokio::test(start_paused = true)]
async fn the_page_shows_the_figures_of_each_order_while_some_calls_fail() {
    assert_on_page(&rows!(Trouble::PartialFailure, partial,
        "no retries": without_retries with orders::settings(),
        "**the right order**": right with orders::settings(),
        "no budget": without_budget with orders::settings(),
        "rate limit around the retries": limit_around_retries with orders::settings(),
        "fallback inside the retries": fallback_inside_retry with orders::settings(),
        "bulkhead for each attempt (`max_concurrent = 2`)": right with orders::with_bulkhead(),
        "bulkhead of 2 around the retries": bulkhead_around_retries with orders::settings(),
    ));
}

#[tokio::test(start_paused = true)]
async fn the_page_shows_the_figures_of_a_burst_at_a_healthy_service() {
    assert_on_page(&rows!(Trouble::Burst, burst,
        "**the right order**": right with orders::settings(),
        "rate limit inside the breaker": limit_inside_breaker with orders::settings(),
    ));
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_for_a_token_when_the_circuit_opens_take_one_and_the_page_says_so() {
    assert_on_page(&rows!(Trouble::FailingBurst, outage,
        "**the right order**": right with orders::settings(),
        "a token also for rejected calls": tokens_for_rejected_calls with orders::settings(),
    ));
}
