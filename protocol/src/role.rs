use crate::Kind;

/// What a dialling peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A remote device, agent or job: wire number 1.
    Edge,
    /// A back-end process: wire number 2.
    Service,
}

impl Role {
    /// The role with this wire number.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Edge),
            2 => Some(Self::Service),
            _ => None,
        }
    }

    /// The number of this role on the wire.
    #[must_use]
    pub fn to_wire(self) -> u8 {
        match self {
            Self::Edge => 1,
            Self::Service => 2,
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
}

impl Side {
    /// Whether a frame of `kind` may come from this side on the lane once the handshake is over.
    /// Anything else is a protocol error.
    #[must_use]
    pub fn may_send(self, kind: Kind) -> bool {
        match kind {
            Kind::Ping | Kind::Pong | Kind::GoAway => true,
            Kind::Publish | Kind::Ack | Kind::Request | Kind::Response | Kind::Cancel => true,
            Kind::Register | Kind::Unregister => self == Self::Dialler(Role::Service),
            Kind::RegisterAck | Kind::UnregisterAck => self == Self::Gateway,
            Kind::Hello | Kind::Welcome | Kind::Reject => false,
            Kind::Open | Kind::OpenAck | Kind::Data => false,
        }
    }
}
