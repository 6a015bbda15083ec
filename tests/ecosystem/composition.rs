//! Rate limit, circuit breaker, timeout, retry, bulkhead and fallback in the right order, and the cost of each wrong one.
//!
//! The rate limiter (governor), the timeout (tokio), the retries (backon) and the breaker are real; the service is
//! simulated in the process. Time is tokio's paused time, so every figure is exact. The tables of the page
//! `docs/composition.md` contain these figures.
//!
//! | file | contents |
//! |---|---|
//! | `simulation.rs` | the service, its callers, and the figures of one run |
//! | `orders.rs` | one client for each order |
//! | `figures.rs` | the runs, and the tables of the page |
//! | `retries.rs` | the retries of backon: rejections, `retry_after`, and the budget |
//! | `http.rs` | the same with a real HTTP server |

#[path = "composition/figures.rs"]
mod figures;
#[path = "composition/http.rs"]
mod http;
#[path = "composition/orders.rs"]
mod orders;
#[path = "composition/retries.rs"]
mod retries;
#[path = "composition/simulation.rs"]
mod simulation;
