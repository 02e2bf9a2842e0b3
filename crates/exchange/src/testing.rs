//! What the tests of this crate share: an exchange, and peers behind outlets that record.

pub(crate) mod legs;
pub(crate) mod log;
pub(crate) mod recorder;
pub(crate) mod sent;

pub(crate) use legs::{Acceptance, MemoryLeg, Said, StreamFrom};
pub(crate) use recorder::Recorder;
pub(crate) use sent::{Sent, SentFrom, SentReply, SentRequest};

use crate::{
    Authorization, AuthorizationCell, Balance, CloseReason, CorrelationId, Destination, Envelope, Exchange,
    Identity, Inbound, Limits, Outcome, Outlet, Peer, RemoteEdges, Reply, RequestKind, Seat, Settings,
    Violation,
};
use frontier_access::Principal;
use frontier_access::authn::Verified;
use frontier_access::quota::{QuotaConfig, Quotas};
use frontier_access::rules::{Grants, Rules};
use frontier_protocol::{Code, EdgeId, Epoch, Role, ServiceId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(crate) const ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7);

pub(crate) const LIMITS: Limits = Limits {
    payload: 1 << 20,
    meta: 1024,
    name_len: 255,
    custom_len: 8 * 1024,
    custom_to_edge_len: 8 * 1024,
    names: 100,
    edge_names: 50,
    edge_names_len: 1024,
    all_edge_names_len: 1 << 20,
    calls: 1000,
    streams: 8,
    call_timeout: Duration::from_secs(30),
    max_timeout: Duration::from_secs(600),
    slow_peer_timeout: Duration::from_secs(30),
};

pub(crate) fn exchange() -> Arc<Exchange> {
    exchange_with(|_| {})
}

pub(crate) fn exchange_with(set: impl FnOnce(&mut Settings)) -> Arc<Exchange> {
    let mut settings =
        Settings { limits: LIMITS, balance: Balance::EdgeId, gateway_id: None, remote: None, tracer: None };
    set(&mut settings);
    Exchange::new(settings)
}

/// One that looks for edges elsewhere.
pub(crate) fn exchange_reaching(remote: Arc<dyn RemoteEdges>) -> Arc<Exchange> {
    exchange_with(|settings| settings.remote = Some(remote))
}

pub(crate) fn edge(id: u64) -> Identity {
    Identity::Edge { id: EdgeId(id), meta: "meta".into() }
}

pub(crate) fn service(id: u64) -> Identity {
    Identity::Service { id: ServiceId(id), name: format!("service-{id}").into() }
}

/// Fails the test where something that must come does not.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it comes")
}

/// Runs it to its end.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("it can be built").block_on(future)
}

/// A peer that is in no exchange, newer than all before.
pub(crate) fn lone(identity: Identity) -> Arc<Peer> {
    static EPOCH: AtomicU64 = AtomicU64::new(1);
    let epoch = Epoch(EPOCH.fetch_add(1, Ordering::Relaxed));
    Arc::new(Peer::new(identity, epoch, Some(ADDR), Box::new(Recorder::default()), Duration::from_secs(60)))
}

/// A peer of an exchange, and the outlet behind it.
#[derive(Debug)]
pub(crate) struct TestPeer {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) outlet: Recorder,
    pub(crate) seat: Option<Seat>,
}

impl TestPeer {
    /// One that has not joined.
    pub(crate) fn new(exchange: &Arc<Exchange>, identity: Identity) -> Self {
        Self::authorized(exchange, identity, None)
    }

    /// The same, which may do only that.
    pub(crate) fn authorized(
        exchange: &Arc<Exchange>,
        identity: Identity,
        authorization: Option<Arc<Authorization>>,
    ) -> Self {
        let outlet = Recorder::default();
        let (epoch, silence) = (exchange.next_epoch(), Duration::from_secs(60));
        let peer = Peer::new(identity, epoch, Some(ADDR), Box::new(outlet.clone()), silence);
        let peer = Arc::new(peer.authorized(AuthorizationCell::new(0, authorization)));
        Self { exchange: exchange.clone(), peer, outlet, seat: None }
    }

    /// An edge that is online.
    pub(crate) fn edge(exchange: &Arc<Exchange>, id: u64) -> Self {
        Self::new(exchange, edge(id)).joined(&[], &[])
    }

    /// A service that is online.
    pub(crate) fn service(exchange: &Arc<Exchange>, id: u64, methods: &[&str], topics: &[&str]) -> Self {
        Self::new(exchange, service(id)).joined(methods, topics)
    }

    /// Another gateway, which asks for its services.
    pub(crate) fn origin_gateway(exchange: &Arc<Exchange>) -> Self {
        Self::new(exchange, Identity::OriginGateway { id: "origin".into() }).joined(&[], &[])
    }

    /// Another gateway, which is asked for its edges.
    pub(crate) fn owner_gateway(exchange: &Arc<Exchange>, id: &str) -> Self {
        Self::new(exchange, Identity::OwnerGateway { id: id.into() }).joined(&[], &[])
    }

    /// The same, online.
    pub(crate) fn joined(mut self, methods: &[&str], topics: &[&str]) -> Self {
        let seat = match self.peer.identity() {
            Identity::Edge { .. } => {
                let (seat, _) = self.exchange.join_edge(&self.peer).expect("it is the newest");
                assert!(seat.publish());
                seat
            }
            Identity::Service { .. } => {
                self.exchange.join_service(&self.peer, methods, topics).expect("it may").0
            }
            _ => self.exchange.join_gateway(&self.peer),
        };
        self.seat = Some(seat);
        self
    }

    /// It has sent this.
    pub(crate) fn on(&self, inbound: Inbound<'_>) -> Result<(), Violation> {
        self.exchange.on(&self.peer, inbound, &mut self.exchange.batch())
    }

    /// It sends this request, which breaks no rule.
    pub(crate) fn send(&self, envelope: Envelope<'_>) {
        self.on(Inbound::Request(envelope)).expect("it may send that");
    }

    pub(crate) fn cancel(&self, id: u64) {
        self.on(Inbound::Cancel(id)).expect("it may always cancel");
    }

    /// It replies to what it was sent.
    pub(crate) fn reply(&self, to: &SentRequest, outcome: Outcome<'_>) {
        self.reply_as(to.kind, to.correlation(), outcome);
    }

    /// It replies to whatever has that correlation id.
    pub(crate) fn reply_as(&self, kind: RequestKind, correlation: CorrelationId, outcome: Outcome<'_>) {
        let reply = Reply { correlation, kind, outcome, edge: None };
        self.on(Inbound::Reply(reply)).expect("it is a reply of the kind");
    }

    /// The requests that it was sent.
    pub(crate) fn requests(&self) -> Vec<SentRequest> {
        self.outlet.take_requests()
    }

    /// The one request that it was sent.
    pub(crate) fn request(&self) -> SentRequest {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.into_iter().next().expect("there is one")
    }

    pub(crate) fn replies(&self) -> Vec<SentReply> {
        self.outlet.take_replies()
    }

    /// What it was told became of its requests.
    pub(crate) fn codes(&self) -> Vec<(u64, Code)> {
        self.replies().into_iter().map(|reply| (reply.id, reply.code)).collect()
    }

    /// The same, with the text of each.
    pub(crate) fn told(&self) -> Vec<(u64, Code, String)> {
        self.replies().into_iter().map(|reply| (reply.id, reply.code, reply.text())).collect()
    }

    pub(crate) fn cancels(&self) -> Vec<CorrelationId> {
        self.outlet.take_cancels()
    }

    /// Its connection ends. What it has not read was never sent.
    pub(crate) fn leave(&mut self) {
        self.outlet.close(CloseReason::Local);
        self.exchange.leave(&self.peer, &self.outlet.unsent());
        self.seat = None;
    }

    /// Its wire ends without a word, as in a panic.
    pub(crate) fn vanish(&mut self) {
        self.outlet.close(CloseReason::Local);
        self.seat = None;
    }
}

/// A call with nothing in it.
pub(crate) fn call(id: u64, to: Destination<'_>) -> Envelope<'_> {
    let (kind, deadline) = (RequestKind::Call, Instant::now() + Duration::from_secs(30));
    Envelope { kind, id, wants_reply: true, to, name: "m", custom: b"", trace: b"", payload: b"", deadline }
}

/// A message that is acked.
pub(crate) fn acked(id: u64, to: Destination<'_>) -> Envelope<'_> {
    Envelope { kind: RequestKind::Message, name: "t", ..call(id, to) }
}

/// A message whose sender waits for nothing.
pub(crate) fn unacked(to: Destination<'_>) -> Envelope<'_> {
    Envelope { wants_reply: false, ..acked(0, to) }
}

pub(crate) fn to_edge(id: u64) -> Destination<'static> {
    Destination::Edge(EdgeId(id))
}

pub(crate) fn outcome(code: Code, text: &str) -> Outcome<'_> {
    Outcome { code, detail: 0, custom: b"", payload: text.as_bytes() }
}

pub(crate) fn ok() -> Outcome<'static> {
    outcome(Code::Ok, "")
}

/// What somebody may do who presented nothing and has these labels, by these rules and quotas; empty for none.
pub(crate) fn authorization(
    rules: &str,
    quotas: &str,
    identity: &Identity,
    labels: &[(&str, &str)],
) -> Option<Arc<Authorization>> {
    let mut verified = Verified::default();
    labels.iter().for_each(|(key, value)| verified.labels.set(key, value).expect("it is a label"));
    let meter = {
        let quotas = match quotas {
            "" => Vec::new(),
            quotas => QuotaConfig::parse(quotas).expect("they are quotas"),
        };
        Quotas::new(quotas, Instant::now()).meter(&principal(identity, &verified), Instant::now())
    };
    let grants = rules_of(rules).grants(&principal(identity, &verified));
    Authorization::new(&Arc::default(), &Arc::new(verified), grants, meter)
}

/// What a service of another gateway may do here.
pub(crate) fn grants(rules: &str, identity: &Identity) -> Arc<Grants> {
    rules_of(rules).grants(&principal(identity, &Verified::default()))
}

fn rules_of(rules: &str) -> Rules {
    match rules {
        "" => Rules::none(),
        rules => Rules::parse(rules).expect("they are rules"),
    }
}

fn principal<'a>(identity: &'a Identity, verified: &'a Verified) -> Principal<'a> {
    let (role, edge_id, service) = match identity {
        Identity::Edge { id, .. } => (Role::Edge, Some(*id), ""),
        Identity::Service { name, .. } => (Role::Service, None, &**name),
        other => panic!("nothing is granted to {other:?}"),
    };
    Principal { role, subject: "", edge_id, service, labels: &verified.labels, address: Some(ADDR.ip()) }
}
