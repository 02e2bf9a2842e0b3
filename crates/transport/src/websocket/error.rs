use thiserror::Error;

/// Why a connection did not become a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UpgradeError {
    /// What came is no HTTP.
    #[error("the peer does not speak HTTP")]
    NotHttp,
    /// What came is TLS.
    #[error("the peer speaks TLS, where plain HTTP was expected")]
    Tls,
    /// The head of a request or an answer has no end in sight.
    #[error("the HTTP head is longer than {0} bytes")]
    HeadTooLong(usize),
    /// The request is HTTP, but asks for no WebSocket.
    #[error("the request is no WebSocket upgrade: {0}")]
    NoUpgrade(&'static str),
    /// The server does not do what it was asked for.
    #[error("the server did not switch to WebSocket, it answered `{0}`")]
    Answer(String),
    /// The server does it, but wrongly.
    #[error("the server's answer is wrong: {0}")]
    WrongAnswer(&'static str),
    /// The peer has ended the connection.
    #[error("the peer ended the connection during the WebSocket handshake")]
    Ended,
    /// The connection broke.
    #[error("{0}")]
    Io(String),
}

impl From<std::io::Error> for UpgradeError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}
