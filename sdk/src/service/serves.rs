use super::Service;

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Service {}
    #[cfg(feature = "cluster")]
    impl Sealed for crate::ClusterService {}
}

/// What serves edges: a [`Service`], or a service of a whole cluster. They are built alike.
pub trait Serves: sealed::Sealed {}

impl Serves for Service {}

#[cfg(feature = "cluster")]
impl Serves for crate::ClusterService {}
