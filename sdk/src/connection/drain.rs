use tokio::time::Instant;

/// The gateway is about to stop, and wants the client to go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drain {
    /// When to begin.
    pub(crate) start: Instant,
    /// Addresses of gateways to go to, as it wrote them, the best first.
    pub(crate) alternatives: Vec<String>,
}
