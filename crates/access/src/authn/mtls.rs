//! Client certificates: from the names in a certificate to an identity.
//!
//! That the certificate is genuine is for the TLS handshake to check. What is left is to say which of its names
//! stands for what, with [`Template`]s such as `uri:urn:frontier:edge:{id}`.

mod config;
mod identity;
mod template;

pub use config::MtlsConfig;
pub use template::Template;
