//! Reports, their answers and plans, between owned fields and the types of the crate.

use super::{OtherGateway, OwnedClaim, Presence, Presences, Replaced, Schedule, Taken};
use crate::json::Decimal;
use frontier_protocol::{
    Claim, Code, EdgeId, Entry, Epoch, Flags, Op, Other, Part, Plan, Proof, Report, ReportAck, Superseded,
};

impl Presences {
    pub(super) fn report(&self, flags: Flags) -> Report<'_> {
        let part = if flags.has(Flags::SNAPSHOT) {
            Part::Snapshot { first: flags.has(Flags::FIRST), last: flags.has(Flags::LAST) }
        } else {
            Part::Changes
        };
        let entries = self.entries.iter().map(|Presence { op, id, stamp, addr, name, claim }| {
            let op = Op::from_wire(*op).expect("an op");
            Entry { op, id: id.0, stamp: stamp.0, addr, name, claim: claim.as_ref().map(OwnedClaim::claim) }
        });
        Report { part, draining: flags.has(Flags::DRAINING), entries: entries.collect() }
    }
}

impl From<Report<'_>> for Presences {
    fn from(report: Report<'_>) -> Self {
        let presence = |entry: Entry<'_>| Presence {
            op: entry.op as u8,
            id: Decimal(entry.id),
            stamp: Decimal(entry.stamp),
            addr: entry.addr.into(),
            name: entry.name.into(),
            claim: entry.claim.map(OwnedClaim::from),
        };
        Self { entries: report.entries.into_iter().map(presence).collect() }
    }
}

impl OwnedClaim {
    fn claim(&self) -> Claim {
        let Self { since, comes_back, proof, subject } = self;
        let proof = Proof::from_wire(*proof).expect("a proof");
        Claim { since: Epoch(since.0), comes_back: *comes_back, proof, subject: subject.0 }
    }
}

impl From<Claim> for OwnedClaim {
    fn from(claim: Claim) -> Self {
        let Claim { since, comes_back, proof, subject } = claim;
        Self { since: Decimal(since.0), comes_back, proof: proof as u8, subject: Decimal(subject) }
    }
}

impl Taken {
    pub(super) fn ack(&self, code: Code, flags: Flags) -> ReportAck<'_> {
        let superseded = |from: &Replaced| Superseded { edge: EdgeId(from.edge.0), stamp: from.stamp.0 };
        let held = self.held.iter().map(superseded).collect();
        let superseded = self.superseded.iter().map(superseded).collect();
        let resync = flags.has(Flags::RESYNC);
        ReportAck { code, detail: self.detail, resync, superseded, held, text: &self.text }
    }
}

impl From<ReportAck<'_>> for Taken {
    fn from(ack: ReportAck<'_>) -> Self {
        let replaced = |from: Superseded| Replaced { edge: Decimal(from.edge.0), stamp: Decimal(from.stamp) };
        let superseded = ack.superseded.into_iter().map(replaced).collect();
        let held = ack.held.into_iter().map(replaced).collect();
        Self { detail: ack.detail, superseded, held, text: ack.text.into() }
    }
}

impl Schedule {
    pub(super) fn plan(&self) -> Plan<'_> {
        let others = self.others.iter().map(|it| {
            let OtherGateway { want, edges, frontier, edgebound, servicebound } = it;
            Other { want: want.0, edges: edges.0, frontier, edgebound, servicebound }
        });
        Plan { keep: self.keep.0, rate: self.rate, others: others.collect() }
    }
}

impl From<Plan<'_>> for Schedule {
    fn from(plan: Plan<'_>) -> Self {
        let other_gateway = |other: Other<'_>| OtherGateway {
            want: Decimal(other.want),
            edges: Decimal(other.edges),
            frontier: other.frontier.into(),
            edgebound: other.edgebound.into(),
            servicebound: other.servicebound.into(),
        };
        let others = plan.others.into_iter().map(other_gateway).collect();
        Self { keep: Decimal(plan.keep), rate: plan.rate, others }
    }
}
