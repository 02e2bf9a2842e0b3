use tokio::time::Instant;

/// The gateway wants the client to go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drain {
    /// When to begin.
    pub(crate) start: Instant,
    /// Addresses of gateways to go to, as it wrote them, the best first.
    pub(crate) alternatives: Vec<String>,
    /// Whether it stays itself: then the client goes to one of these or not at all. Else it is about to stop.
    pub(crate) stays: bool,
}
