//! What the fuzz targets do with their input, as far as no crate has to show its insides for it: those of
//! `frontier-transport` and `frontier-access` are behind their feature `fuzzing`. The tests of the crates
//! run the same bodies.

pub mod config;
pub mod geminio;
pub mod wire;
pub mod yamux;
