//! The client's and the server's session of the TLS library, under one trait.

use super::Party;
use rustls::CommonState;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::UnbufferedStatus;
use std::ops::Deref as _;

/// Either side of a TLS connection, without a buffer of its own.
pub(crate) trait Session: Send + Unpin {
    type Data;

    /// Who is at the other end.
    const PEER: Party;

    /// Goes on with what has come, up to the next thing that its owner must do.
    fn process<'c, 'i>(&'c mut self, came: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn state(&self) -> &CommonState;
}

impl Session for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    const PEER: Party = Party::Client;

    fn process<'c, 'i>(&'c mut self, came: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(came)
    }

    fn state(&self) -> &CommonState {
        self.deref().deref()
    }
}

impl Session for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    const PEER: Party = Party::Server;

    fn process<'c, 'i>(&'c mut self, came: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(came)
    }

    fn state(&self) -> &CommonState {
        self.deref().deref()
    }
}
