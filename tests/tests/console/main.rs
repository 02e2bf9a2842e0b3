//! The web console, and the pages of `examples`, in a browser as a person uses it: headless Chromium, driven over the WebDriver protocol.
//!
//! `CONSOLE_SHOTS=FOLDER` keeps pictures of all pages, in both widths and both themes, to be looked at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod actions;
mod axe;
mod bridge;
mod browser;
mod bytes;
mod cluster;
mod diagnosis;
mod follows;
mod gateway;
mod gateway_world;
mod load;
mod login;
mod screen;
mod storm;
mod world;
