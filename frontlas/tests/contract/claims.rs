//! Who may displace whom across frontiers: by credentials, and by who came since.

use crate::world::{Node, World, place};
use frontier_protocol::{Claim, Epoch, Proof};
use frontlas::{Presence, Verdict};

/// One that has had its id since then.
fn came(since: u64, comes_back: bool) -> Claim {
    Claim { since: Epoch(since), comes_back, ..Claim::default() }
}

/// One that is new, with credentials that say this.
fn shows(proof: Proof, subject: u64) -> Claim {
    Claim { since: Epoch(5), comes_back: false, proof, subject }
}

async fn edge(node: &Node, id: u64, claim: Claim) -> (Presence, Verdict) {
    let presence = Presence { claim: Some(claim), ..Presence::edge(id, "", node.now().await) };
    let verdict = node.online(&presence).await;
    (presence, verdict)
}

fn held(by: &str) -> Verdict {
    Verdict::Held { by: by.into() }
}

pub(crate) async fn who_comes_back_does_not_displace_who_came_since(world: World) {
    let directory = world.replica();
    let nodes = [
        Node::join(&directory, "a").await,
        Node::join(&directory, "b").await,
        Node::join(&directory, "c").await,
    ];
    let [a, b, c] = &nodes;
    assert_eq!(edge(a, 1, came(10, false)).await.1, Verdict::Applied);
    let (second, verdict) = edge(b, 1, came(20, false)).await;
    assert_eq!(verdict, Verdict::Applied, "it is new");
    for node in [a, c] {
        assert_eq!(edge(node, 1, came(10, true)).await.1, held("b"), "the first one was away");
    }
    assert_eq!(place(&directory, 1).await.as_deref(), Some("b"));
    assert_eq!(edge(c, 1, came(20, true)).await.1, Verdict::Applied, "the second one has moved");
    assert_eq!(edge(b, 1, came(20, true)).await.1, Verdict::Applied, "and back");
    assert_eq!(b.offline(&second).await, Verdict::Unchanged);
    // Nobody holds it any more.
    let (third, _) = edge(b, 1, came(30, false)).await;
    b.offline(&third).await;
    assert_eq!(edge(a, 1, came(10, true)).await.1, Verdict::Applied);
    // One that says nothing is as it always was.
    let silent = Presence::edge(1, "", c.now().await);
    assert_eq!(c.online(&silent).await, Verdict::Applied);
    assert_eq!(edge(a, 1, came(10, true)).await.1, Verdict::Applied);
}

/// As after the directory was away, when each frontier tells all that it has.
pub(crate) async fn the_order_of_reports_does_not_decide_who_holds_an_id(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let since = Presence { claim: Some(came(20, false)), ..Presence::edge(1, "", b.now().await) };
    let (back, verdict) = edge(&a, 1, came(10, true)).await;
    assert_eq!(verdict, Verdict::Applied, "nobody else is known");
    assert_eq!(b.online(&since).await, Verdict::Applied, "it came before, and while the other was away");
    assert_eq!(a.online(&back).await, held("b"));
    assert_eq!(b.online(&since).await, Verdict::Unchanged);
    assert_eq!(place(&directory, 1).await.as_deref(), Some("b"));
    assert_eq!(a.offline(&back).await, Verdict::Unchanged);
}

pub(crate) async fn stronger_credentials_displace_and_weaker_do_not(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let cases = [
        (Proof::None, 0, Proof::None, 0, true),
        (Proof::None, 0, Proof::Subject, 7, false),
        (Proof::Subject, 7, Proof::None, 0, true),
        (Proof::Subject, 7, Proof::Subject, 7, true),
        (Proof::Subject, 7, Proof::Subject, 8, false),
        (Proof::Subject, 7, Proof::Id, 0, false),
        (Proof::Id, 0, Proof::Subject, 8, true),
        (Proof::Id, 0, Proof::Id, 0, true),
    ];
    for (id, (new, subject, old, other, may)) in (1..).zip(cases) {
        edge(&a, id, shows(old, other)).await;
        let expected = if may { Verdict::Applied } else { held("a") };
        assert_eq!(edge(&b, id, shows(new, subject)).await.1, expected, "{new:?} after {old:?}");
    }
    // Who has a right to the id takes it from whoever came since.
    let since = Claim { proof: Proof::Subject, ..came(90, false) };
    edge(&a, 50, since).await;
    let right = Claim { proof: Proof::Id, ..came(10, true) };
    assert_eq!(edge(&b, 50, right).await.1, Verdict::Applied);
}

pub(crate) async fn a_service_displaces_those_of_its_name(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let service = async |node: &Node, name: &str, claim| {
        let presence = Presence { claim: Some(claim), ..Presence::service(1, name, "", node.now().await) };
        node.online(&presence).await
    };
    assert_eq!(service(&a, "files", shows(Proof::Name, 0)).await, Verdict::Applied);
    assert_eq!(service(&b, "other", shows(Proof::Name, 0)).await, held("a"));
    assert_eq!(service(&b, "files", shows(Proof::None, 0)).await, held("a"));
    let back = Claim { proof: Proof::Name, ..came(1, true) };
    assert_eq!(service(&b, "files", back).await, Verdict::Applied, "it may be at many frontiers");
    assert_eq!(service(&a, "other", shows(Proof::Id, 0)).await, Verdict::Applied, "the id is its own");
}
