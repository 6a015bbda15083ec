//! The right order with a real HTTP server.
