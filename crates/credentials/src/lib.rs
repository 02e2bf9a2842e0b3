//! Certificates and tokens to start with: `cert dev`, `token new` and `token hash`, of `frontier` and `frontctl` alike.

pub mod cert;
pub mod command;
pub mod token;
