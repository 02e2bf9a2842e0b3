//! Authentication: who a peer is, by what it presents.
//!
//! An [`Authenticator`] is what one listener asks: the methods of its `auth` section, of which any one or all
//! must succeed. It gives a [`Verified`] identity, or an [`AuthnError`] that names the cause. [`Throttle`]
//! slows down what fails again and again.

mod authenticator;
mod config;
mod credentials;
mod error;
pub mod jwt;
mod meta_labels;
pub mod mtls;
mod side;
mod throttle;
pub mod token;
mod verified;

pub use authenticator::Authenticator;
pub use config::{AuthConfig, MethodConfig, Require};
pub use credentials::{ClientCertificate, Credentials, PresentedCredentials};
pub use error::AuthnError;
pub use meta_labels::MetaLabels;
pub use side::{OperatorRole, Side};
pub use throttle::{Attempt, Throttle, ThrottleConfig};
pub use verified::Verified;
