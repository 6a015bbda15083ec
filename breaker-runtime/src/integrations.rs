//! The neighbours: one file, or file and folder, for each feature. They read snapshots and events like
//! anybody else, and command by the doors that an operator uses; nothing above knows them.

#[cfg(feature = "axum")]
pub mod axum;
