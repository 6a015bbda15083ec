//! Tests of the expansion as tokens: agreement with the runtime, robustness, and size.
//!
//! | file | contents |
//! |---|---|
//! | `fragments.rs` | fragments of attributes and functions |
//! | `random_input.rs` | strategies that combine the fragments |
//! | `edits.rs` | random edits of tokens |
//! | `fuzz.rs` | any input is expanded or reported |
//! | `runtime_agreement.rs` | the attribute and the runtime accept the same settings |
//! | `token_budget.rs` | the size of the expansion |

mod fragments;
mod random_input;
mod edits;
mod fuzz;
mod runtime_agreement;
mod token_budget;
