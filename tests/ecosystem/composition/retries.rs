//! Retries by backon through a breaker.
