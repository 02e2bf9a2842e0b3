//! Connecting to a server of NATS. Each connection is a client of its own, which never comes back by itself: what the
//! library would send over its next connection would not be in order with what is sent again here.

use super::events::Events;
use crate::text::{of_servers, one_line};
use crate::{BrokerTls, Credentials};
use async_nats::{Auth, AuthError, Client, ConnectOptions, Subscriber};
use frontier_config::HostPort;
use frontier_transport::crypto_provider;
use rustls::crypto::CryptoProvider;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a server that says nothing is asked for a sign of life. Two without an answer end the connection.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// What more may be handed to the library than may be in flight: what has ended by its deadline, and barriers.
const CAPACITY: usize = 65_536;

/// By what a connection is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    /// Whose it is, as the server shows it.
    pub(super) name: &'a str,
    pub(super) addrs: &'a [HostPort],
    pub(super) credentials: &'a Credentials,
    pub(super) tls: Option<&'a BrokerTls>,
    pub(super) timeout: Duration,
    /// Messages that may be in flight, either way.
    pub(super) messages: usize,
    /// Whether the connection is of no use where something may not be subscribed to.
    pub(super) reads: bool,
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    /// What answers are sent to: this, a dot, and the number of the message.
    pub(super) inbox: String,
    pub(super) answers: Subscriber,
    pub(super) events: Events,
    /// Ends the library's attempts to come back.
    over: Arc<AtomicBool>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// Connects to one of the addresses, from the one at `first` on.
pub(super) async fn connect(access: Access<'_>, first: usize) -> Result<Connected, String> {
    if access.tls.is_some() {
        // The library takes that of the process. Fails if there is one already: then that one is used.
        let _ = CryptoProvider::clone(&crypto_provider()).install_default();
    }
    let over = Arc::new(AtomicBool::new(false));
    let (heard, events) = Events::new(access.reads);
    let capacity = access.messages + CAPACITY;
    let mut options = ConnectOptions::with_auth_callback(auth(access.credentials, &over))
        .name(format!("frontier {}", access.name))
        .retain_servers_order()
        .ignore_discovered_servers()
        .max_reconnects(access.addrs.len())
        .reconnect_delay_callback(|_| Duration::ZERO)
        .ping_interval(PING_INTERVAL)
        .connection_timeout(access.timeout)
        .request_timeout(Some(access.timeout))
        .client_capacity(capacity)
        .subscription_capacity(capacity)
        .event_callback(move |event| {
            heard.hear(event);
            std::future::ready(())
        });
    if let Some(tls) = access.tls {
        options = options.require_tls(true);
        for ca in &tls.ca_certs {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((cert, key)) = &tls.identity {
            options = options.add_client_certificate(cert.clone(), key.clone());
        }
    }
    let addrs = access.addrs.iter().cycle().skip(first).take(access.addrs.len());
    let addrs: Vec<String> = addrs.map(|addr| format!("nats://{addr}")).collect();
    let client = options.connect(addrs).await.map_err(|error| {
        let source =
            std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        of_servers(&format!("{}{source}", error.kind()), access.addrs)
    })?;
    over.store(true, Ordering::SeqCst);
    let inbox = client.new_inbox();
    let answers =
        client.subscribe(format!("{inbox}.*")).await.map_err(|error| one_line(&error.to_string()))?;
    Ok(Connected { client, inbox, answers, events, over })
}

type AuthFuture = std::future::Ready<Result<Auth, AuthError>>;

/// What the gateway shows, the first time. A client that has been connected gets nothing to show any more.
fn auth(
    credentials: &Credentials,
    over: &Arc<AtomicBool>,
) -> impl Fn(Vec<u8>) -> AuthFuture + Send + Sync + 'static {
    let (credentials, over) = (credentials.clone(), over.clone());
    move |_nonce| {
        std::future::ready(if over.load(Ordering::SeqCst) {
            Err(AuthError::new("this connection is over"))
        } else {
            let text = |secret: &frontier_config::Secret| secret.expose().to_owned();
            let mut auth = Auth::new();
            auth.username = credentials.username.clone();
            auth.password = credentials.password.as_ref().map(text);
            auth.token = credentials.token.as_ref().map(text);
            Ok(auth)
        })
    }
}
