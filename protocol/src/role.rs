//! What a dialling peer is, and who may send which kind of frame.

use crate::Kind;

/// What a dialling peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A remote device, agent or job: wire number 1.
    Edge,
    /// A back-end process: wire number 2.
    Service,
    /// A gateway that dials frontlas, or another gateway: wire number 3.
    Frontier,
}

impl Role {
    /// The role with this wire number.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Edge),
            2 => Some(Self::Service),
            3 => Some(Self::Frontier),
            _ => None,
        }
    }

    /// The number of this role on the wire.
    #[must_use]
    pub fn to_wire(self) -> u8 {
        match self {
            Self::Edge => 1,
            Self::Service => 2,
            Self::Frontier => 3,
        }
    }
}

/// Who sent a frame, for the rules about who may send what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The peer that dialled.
    Dialler(Role),
    /// The gateway.
    Gateway,
    /// The cluster node that frontiers dial.
    Frontlas,
    /// A frontier that dialled another one, to forward requests of its services and edges.
    OriginGateway,
    /// The frontier that it dialled, which has the edges, or the services.
    OwnerGateway,
}

impl Side {
    /// Whether a frame of `kind` may come from this side on the lane once the handshake is over.
    /// Anything else is a protocol error, and so is a registration of an edge with which
    /// [`FEATURE_EDGE_METHODS`](crate::FEATURE_EDGE_METHODS) was not agreed on.
    #[must_use]
    pub fn may_send(self, kind: Kind) -> bool {
        match kind {
            Kind::Ping | Kind::Pong | Kind::GoAway => true,
            Kind::Publish | Kind::Request | Kind::Cancel => {
                matches!(
                    self,
                    Self::Dialler(Role::Edge | Role::Service) | Self::Gateway | Self::OriginGateway
                )
            }
            Kind::Ack | Kind::Response => {
                matches!(self, Self::Dialler(Role::Edge | Role::Service) | Self::Gateway | Self::OwnerGateway)
            }
            Kind::Returned | Kind::Offer => self == Self::OwnerGateway,
            Kind::Report | Kind::Lookup => self == Self::Dialler(Role::Frontier),
            Kind::ReportAck | Kind::LookupAck | Kind::Plan | Kind::Members => self == Self::Frontlas,
            Kind::Register | Kind::Unregister => {
                matches!(self, Self::Dialler(Role::Edge | Role::Service))
            }
            Kind::RegisterAck | Kind::UnregisterAck => self == Self::Gateway,
            Kind::Hello | Kind::Welcome | Kind::Reject => false,
            Kind::Open | Kind::OpenAck | Kind::Data => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_side() {
        // Who may send it on the lane after the handshake:
        //     edge, service, gateway, frontier, frontlas, origin gateway, owner gateway
        let table = [
            (Kind::Hello, [false, false, false, false, false, false, false]),
            (Kind::Welcome, [false, false, false, false, false, false, false]),
            (Kind::Reject, [false, false, false, false, false, false, false]),
            (Kind::Ping, [true, true, true, true, true, true, true]),
            (Kind::Pong, [true, true, true, true, true, true, true]),
            (Kind::GoAway, [true, true, true, true, true, true, true]),
            (Kind::Publish, [true, true, true, false, false, true, false]),
            (Kind::Ack, [true, true, true, false, false, false, true]),
            (Kind::Request, [true, true, true, false, false, true, false]),
            (Kind::Response, [true, true, true, false, false, false, true]),
            (Kind::Cancel, [true, true, true, false, false, true, false]),
            (Kind::Register, [true, true, false, false, false, false, false]),
            (Kind::RegisterAck, [false, false, true, false, false, false, false]),
            (Kind::Unregister, [true, true, false, false, false, false, false]),
            (Kind::UnregisterAck, [false, false, true, false, false, false, false]),
            (Kind::Open, [false, false, false, false, false, false, false]),
            (Kind::OpenAck, [false, false, false, false, false, false, false]),
            (Kind::Data, [false, false, false, false, false, false, false]),
            (Kind::Report, [false, false, false, true, false, false, false]),
            (Kind::ReportAck, [false, false, false, false, true, false, false]),
            (Kind::Lookup, [false, false, false, true, false, false, false]),
            (Kind::LookupAck, [false, false, false, false, true, false, false]),
            (Kind::Plan, [false, false, false, false, true, false, false]),
            (Kind::Members, [false, false, false, false, true, false, false]),
            (Kind::Returned, [false, false, false, false, false, false, true]),
            (Kind::Offer, [false, false, false, false, false, false, true]),
        ];
        assert_eq!(table.map(|(kind, _)| kind), Kind::ALL, "a kind without a rule");
        for (kind, expected) in table {
            let dialler = Side::Dialler;
            let sides = [
                dialler(Role::Edge),
                dialler(Role::Service),
                Side::Gateway,
                dialler(Role::Frontier),
                Side::Frontlas,
                Side::OriginGateway,
                Side::OwnerGateway,
            ];
            assert_eq!(sides.map(|side| side.may_send(kind)), expected, "{kind:?}");
        }
    }

    #[test]
    fn wire_round_trip() {
        for number in 0..=u8::MAX {
            let role = Role::from_wire(number);
            assert_eq!(role.map(Role::to_wire), [1, 2, 3].contains(&number).then_some(number));
        }
        assert_eq!([Role::Edge, Role::Service, Role::Frontier].map(Role::to_wire), [1, 2, 3]);
    }
}
