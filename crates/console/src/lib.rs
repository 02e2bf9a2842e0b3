//! The web console: pages for people, over the API that programs use. Nothing in here knows anything of a cluster: it
//! is HTML, CSS and ES modules within the binary, which ask the plane that they came from, with the token of whoever
//! looks at them.
//!
//! ```text
//! browser ─ GET /console/… ─▶ these files, for everybody
//!         ─ GET /cluster/v1/… ▶ the daemon's guard ─▶ its API      Authorization: Bearer <what was typed in>
//! ```
//!
//! - [`routes`] are merged into the router of a plane; [`is_public`] says which requests its guard lets pass.
//! - Every file has an `ETag`, is compressed once, at start, and comes with a policy under which the browser runs
//!   nothing but these files and talks to nobody but this plane.

mod assets;
mod serve;

pub use serve::{is_public, routes};

/// Which plane the console is for: they have different APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// The control plane of frontlas.
    Frontlas,
}
