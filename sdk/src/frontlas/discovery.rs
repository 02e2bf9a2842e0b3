//! How an edge finds the gateways of a cluster.

use super::{Address, Frontlas, unanswered};
use crate::connect_error::ConnectError;
use crate::credentials::Credentials;
use crate::options::Options;
use frontier_api::cluster::Frontier;
use frontier_protocol::PeerText;
use frontier_transport::{ClientTls, Endpoint, EndpointError, ProxyChoice, masked_url};
use rand::RngExt;
use std::collections::BTreeSet;
use tracing::{debug, warn};

/// Finds the gateways of a cluster for an edge.
pub(crate) struct Discovery {
    /// Where frontlas answers, the replica that answered last in front.
    addresses: Vec<Address>,
    tls: ClientTls,
    proxy: ProxyChoice,
    credentials: Credentials,
    /// As frontlas listed them last.
    known: Vec<Frontier>,
}

impl Discovery {
    /// `None` if no URL names frontlas. The URLs that do are taken out.
    pub(crate) fn take(options: &Options, urls: &mut Vec<String>) -> Result<Option<Self>, ConnectError> {
        let (named, rest) =
            std::mem::take(urls).into_iter().partition::<Vec<_>, _>(|url| Address::is_meant_by(url));
        *urls = rest;
        if named.is_empty() {
            return Ok(None);
        }
        let addresses = named
            .iter()
            .map(|url| Address::parse(url).ok_or_else(|| ConnectError::Frontlas(masked_url(url))));
        let mut addresses = addresses.collect::<Result<Vec<_>, _>>()?;
        // Each replica has its share of the edges.
        let first = rand::rng().random_range(0..addresses.len());
        addresses.rotate_left(first);
        let tls = options.cluster.tls.as_ref().unwrap_or(&options.redial.dial.tls).clone();
        let proxy = options.redial.dial.proxy.clone();
        let credentials = options.cluster.credentials.clone();
        Ok(Some(Self { addresses, tls, proxy, credentials, known: Vec::new() }))
    }

    /// That there is no answer yet.
    pub(crate) fn unanswered(&self) -> String {
        unanswered(&self.addresses)
    }

    /// Whether frontlas is asked over TLS, whichever replica answers.
    pub(crate) fn is_secured(&self) -> bool {
        self.addresses.iter().all(|address| address.is_tls)
    }

    /// Where edges connect to, the one to try first in front. Those of before if frontlas is away. Beside them, why
    /// there is none, or none that is new.
    pub(crate) async fn endpoints(&mut self) -> (Vec<Endpoint>, Option<String>) {
        // The connection does not stay: an edge lists them seldom, and frontlas could not hold one for each of them.
        let (addresses, credentials) = (self.addresses.clone(), self.credentials.clone());
        let frontlas = Frontlas::new(addresses, &self.tls, &self.proxy, credentials);
        let listed = frontlas.frontiers().await;
        self.addresses.rotate_left(frontlas.preferred());
        let mut problem = match listed {
            Ok(frontiers) if frontiers.is_empty() => {
                // A directory that was emptied fills again; what it had may still be there.
                warn!("frontlas lists no gateway: those that it listed before are tried");
                Some("frontlas lists no gateway".to_owned())
            }
            Ok(frontiers) => {
                self.known = frontiers;
                None
            }
            Err(error) => {
                warn!(error = %PeerText(&error), "frontlas could not list the gateways: those that it listed before are tried");
                Some(error.to_string())
            }
        };
        let mut rng = rand::rng();
        let order = by_load(&self.known, |below| rng.random_range(0..below));
        let parse = |frontier: &Frontier| {
            let parsed = endpoint(edgebound(frontier));
            parsed.inspect_err(|error| debug!(frontier = %PeerText(&frontier.frontier_id), error = %PeerText(error), "a gateway is left out: the address that it advertises can't be read"))
        };
        let endpoints: Vec<_> = order.into_iter().filter_map(|frontier| parse(frontier).ok()).collect();
        if endpoints.is_empty() && problem.is_none() {
            problem = Some(of_no_use(&self.known));
        }
        (endpoints, problem)
    }
}

/// Why none of these can be tried, of which there is one at least.
fn of_no_use(frontiers: &[Frontier]) -> String {
    let draining = frontiers.iter().filter(|frontier| frontier.draining).count();
    match frontiers.iter().find(|frontier| !frontier.draining) {
        None => format!("frontlas lists no gateway but such as drain: {draining}"),
        Some(frontier) => format!(
            "no gateway that frontlas lists can be dialled: such as {}, which advertises `{}` to edges",
            frontier.frontier_id,
            edgebound(frontier)
        ),
    }
}

/// Where edges reach it. A frontlas of before gives no URL apart.
fn edgebound(frontier: &Frontier) -> &str {
    if frontier.advertised_eb_url.is_empty() {
        &frontier.advertised_eb_addr
    } else {
        &frontier.advertised_eb_url
    }
}

/// Where services reach it, in the same way.
pub(crate) fn servicebound(frontier: &Frontier) -> &str {
    if frontier.advertised_sb_url.is_empty() {
        &frontier.advertised_sb_addr
    } else {
        &frontier.advertised_sb_url
    }
}

/// The endpoint that a gateway advertises: a URL, or a host and port that are reached by TCP.
pub(crate) fn endpoint(advertised: &str) -> Result<Endpoint, EndpointError> {
    if advertised.contains("://") { advertised.parse() } else { format!("tcp://{advertised}").parse() }
}

/// Those whose edges reach services of every name come first, behind them those whose edges reach some, and then the others.
/// Among them, of two drawn at random the one with fewer edges is next, so edges that get the same list at the same time do
/// not all go to one. Those that drain take nobody in.
fn by_load(frontiers: &[Frontier], mut draw: impl FnMut(usize) -> usize) -> Vec<&Frontier> {
    let open: Vec<&Frontier> = frontiers.iter().filter(|frontier| !frontier.draining).collect();
    // None from a frontlas of before: then all that have services are alike.
    let names: BTreeSet<&String> = open.iter().flat_map(|it| &it.service_names).collect();
    let serves = |it: &&Frontier| it.forwarding || it.service_count > 0;
    let serves_all =
        |it: &&Frontier| it.forwarding || names.iter().all(|name| it.service_names.contains(name));
    let (serving, others): (Vec<_>, Vec<_>) = open.into_iter().partition(serves);
    let (whole, part): (Vec<_>, Vec<_>) = serving.into_iter().partition(serves_all);
    [whole, part, others].into_iter().flat_map(|those| drawn(those, &mut draw)).collect()
}

fn drawn<'a>(mut left: Vec<&'a Frontier>, draw: &mut impl FnMut(usize) -> usize) -> Vec<&'a Frontier> {
    let mut order = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let first = draw(left.len());
        // Another one, not the same again.
        let second = (first + 1 + draw(left.len() - 1)) % left.len();
        let fewer = if left[second].edge_count < left[first].edge_count { second } else { first };
        order.push(left.swap_remove(fewer));
    }
    order.append(&mut left);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frontier(id: &str, edge_count: u64) -> Frontier {
        Frontier { frontier_id: id.into(), edge_count, ..Frontier::default() }
    }

    #[test]
    fn of_two_the_one_with_fewer_edges_is_first_and_of_many_never_the_fullest() {
        let two = [frontier("full", 9), frontier("empty", 1)];
        for chance in 0..2 {
            let order = by_load(&two, |below| chance % below);
            assert_eq!(order[0].frontier_id, "empty");
            assert_eq!(order.len(), 2, "the other one is tried as well");
        }
        let three = [frontier("a", 5), frontier("b", 7), frontier("c", 6)];
        let firsts: Vec<&str> = (0..3)
            .flat_map(|first| [0, 1].map(|other| (first, other)))
            .map(|(first, other)| {
                let mut draws = [first, other].into_iter();
                by_load(&three, |_| draws.next().unwrap_or(0))[0].frontier_id.as_str()
            })
            .collect();
        assert_eq!(firsts, ["a", "a", "c", "a", "a", "c"], "by chance, but never the fullest");
        assert!(by_load(&[], |_| 0).is_empty());
        let draining = [Frontier { draining: true, ..frontier("d", 0) }, frontier("e", 9)];
        let order = by_load(&draining, |_| 0);
        assert_eq!(order.iter().map(|it| it.frontier_id.as_str()).collect::<Vec<_>>(), ["e"]);
    }

    #[test]
    fn one_without_services_is_tried_last_unless_it_forwards() {
        let serving = |it: Frontier| Frontier { service_count: 1, ..it };
        let frontiers = [frontier("bare", 0), serving(frontier("full", 9)), serving(frontier("half", 5))];
        let order = |frontiers: &[Frontier]| {
            by_load(frontiers, |_| 0).iter().map(|it| it.frontier_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(order(&frontiers), ["half", "full", "bare"]);
        let [bare, full, _] = frontiers;
        assert_eq!(order(&[Frontier { forwarding: true, ..bare }, full]), ["bare", "full"]);
    }

    #[test]
    fn one_that_has_services_of_all_names_is_tried_before_one_that_has_some() {
        let offering = |names: &[&str], it: Frontier| Frontier {
            service_count: names.len() as u64,
            service_names: names.iter().map(|&name| name.to_owned()).collect(),
            ..it
        };
        let order = |frontiers: &[Frontier]| {
            by_load(frontiers, |_| 0).iter().map(|it| it.frontier_id.clone()).collect::<Vec<_>>()
        };
        let (files, mail) =
            (offering(&["files"], frontier("files", 0)), offering(&["mail"], frontier("mail", 1)));
        let both = offering(&["files", "mail"], frontier("both", 9));
        assert_eq!(
            order(&[frontier("bare", 0), files.clone(), both, mail.clone()]),
            ["both", "files", "mail", "bare"]
        );
        let forwarding = Frontier { forwarding: true, ..frontier("forwards", 9) };
        assert_eq!(order(&[files.clone(), forwarding, mail]), ["forwards", "files", "mail"]);
        let draining = Frontier { draining: true, ..offering(&["other"], frontier("drains", 0)) };
        let full = offering(&["files"], frontier("full", 9));
        assert_eq!(order(&[full, files, draining]), ["files", "full"], "what drains is not asked for");
    }

    #[test]
    fn what_can_not_be_tried_is_named() {
        let draining = Frontier { draining: true, ..frontier("d", 0) };
        assert_eq!(
            of_no_use(std::slice::from_ref(&draining)),
            "frontlas lists no gateway but such as drain: 1"
        );
        let odd = Frontier { advertised_eb_addr: "nowhere".into(), ..frontier("odd", 0) };
        let text = of_no_use(&[draining, odd]);
        assert!(text.contains("odd") && text.contains("`nowhere`"), "{text}");
    }

    #[test]
    fn an_address_is_read_from_a_frontlas_of_before_and_of_now() {
        let before = Frontier {
            advertised_sb_addr: "tls://h:1".into(),
            advertised_eb_addr: "h:2".into(),
            ..Frontier::default()
        };
        assert_eq!((servicebound(&before), edgebound(&before)), ("tls://h:1", "h:2"));
        let now = Frontier {
            advertised_sb_url: "tls://h:1".into(),
            advertised_eb_url: "tcp://h:2".into(),
            ..before
        };
        assert_eq!((servicebound(&now), edgebound(&now)), ("tls://h:1", "tcp://h:2"));
    }

    #[test]
    fn what_is_advertised_may_have_a_scheme() {
        let url = |advertised| endpoint(advertised).map(|endpoint| endpoint.url());
        assert_eq!(url("h:1").unwrap(), "tcp://h:1");
        assert_eq!(url("tls://h:1").unwrap(), "tls://h:1");
        assert!(url("").is_err());
    }
}
