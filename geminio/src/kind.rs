//! The kinds of packets, by their numbers on the wire.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        /// What a packet is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The kind of this number.
            #[must_use]
            pub fn from_wire(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// A client begins.
    Conn = 0x01;
    /// It is let in, or refused.
    ConnAck = 0x02;
    /// The sender ends the connection.
    Disconnect = 0x11;
    /// It has heard that.
    Disconnected = 0x12;
    /// A client lives.
    Heartbeat = 0x21;
    /// So does the server.
    HeartbeatAck = 0x22;
    /// A stream is opened.
    Open = 0x31;
    /// It is taken.
    OpenAck = 0x32;
    /// A stream is closed, in both directions.
    Dismiss = 0x41;
    /// It has heard that.
    Dismissed = 0x42;
    /// A message.
    Message = 0x51;
    /// It was received, or refused.
    MessageAck = 0x52;
    /// Raw bytes of a stream.
    Raw = 0x61;
    /// A call.
    Call = 0x71;
    /// What became of it.
    Response = 0x72;
    /// Nobody waits for that any more.
    Cancel = 0x73;
    /// The sender takes calls of a method.
    Register = 0x81;
    /// It has heard that.
    Registered = 0x82;
}
