//! Ids of edges, services and connections.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self(id)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        /// In decimal digits, as it is displayed.
        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(digits: &str) -> Result<Self, ParseIntError> {
                digits.parse().map(Self)
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
impl ServiceId {
    /// The id that the service of a whole cluster has on one frontier: a directory keeps one place for each
    /// id, and such a service is at many. Which one it is follows from its own id and the frontier's; that of
    /// the id on a frontier is its own one again. `PROTOCOL.md` says how they are mixed.
    #[must_use]
    pub fn at(self, frontier: &str) -> Self {
        // FNV-1a, then the finaliser of splitmix64: alike names must not give alike ids.
        let hash = frontier.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 63 bits, as ids that gateways give out.
        match self.0 ^ ((hash ^ (hash >> 31)) & (u64::MAX >> 1)) {
            0 => self,
            id => Self(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_displayed() {
        for id in [0, 42, u64::MAX] {
            let id = EdgeId::from(id);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("".parse::<EdgeId>().is_err() && "-1".parse::<ServiceId>().is_err());
        assert_eq!(u64::from(ServiceId(7)), 7);
    }

    #[test]
    fn a_service_has_an_id_of_its_own_on_each_frontier_that_leads_back() {
        for own in [1, 2, 77, u64::MAX >> 1] {
            let own = ServiceId(own);
            let ids: std::collections::HashSet<_> = (0..1000).map(|n| own.at(&format!("f{n}"))).collect();
            assert_eq!(ids.len(), 1000);
            assert!(ids.iter().all(|id| id.0 != 0 && id.0 <= u64::MAX >> 1));
            assert_eq!(own.at("f1").at("f1"), own);
        }
        let mask = ServiceId(1).at("f1").0 ^ 1;
        assert_eq!(ServiceId(mask).at("f1"), ServiceId(mask), "0 is no id");
    }

    /// Other clients reckon so, too.
    #[test]
    fn the_ids_are_those_of_the_specification() {
        assert_eq!(ServiceId(1).at("f1"), ServiceId(2_370_806_299_045_965_898));
        assert_eq!(ServiceId(77).at("frontier-a"), ServiceId(5_011_614_898_005_904_032));
    }
}

id! {
    /// Number of one connection of an identity. A later connection of the same id has a greater
    /// epoch, which is what fences off its predecessor.
    Epoch
}
