//! What happened lately, and whether that is reason to open. It keeps no state of the circuit and
//! does not know what a failure is.
//!
//! | file | rule |
//! |---|---|
//! | `consecutive.rs` | failures in a row, counted in the machine's word |

pub(crate) mod consecutive;
