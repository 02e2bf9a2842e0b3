//! A broker that is cut.

use super::model::{Arrived, Promises};
use frontier_tests::GatewayBuilder;
use std::net::SocketAddr;

/// A broker that is killed, frozen and cut off, and an independent client of it.
pub(super) trait Subject: Send {
    fn name(&self) -> &'static str;

    /// What the folder of its spool is called.
    fn folder(&self) -> &'static str;

    fn promises(&self) -> Promises;

    /// A gateway that reaches it by `addr`.
    fn gateway(&self, addr: SocketAddr) -> GatewayBuilder;

    /// Ends it as SIGKILL does.
    fn kill(&mut self);

    /// Starts it where it was.
    fn start(&mut self);

    fn signal(&self, signal: &str);

    /// What has arrived since the last time, in its order.
    fn read(&mut self) -> Vec<Arrived>;
}
