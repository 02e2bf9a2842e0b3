use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Identity of an edge, unique in the cluster. 0 stands for "none" on the wire.
    EdgeId
}
id! {
    /// Identity of a service connection. 0 stands for "none" on the wire.
    ServiceId
}
id! {
    /// Number of one connection of an identity. A later connection of the same id has a greater
    /// epoch, which is what fences off its predecessor.
    Epoch
}
