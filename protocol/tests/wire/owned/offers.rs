//! What gateways tell each other and frontlas tells them of the others, between owned fields and the types of the crate.

use super::{NameChange, NameChanges, OtherPlace, Places};
use frontier_protocol::{Flags, Members, Offer, OfferEntry, Offered, OtherMember};

const OFFERED: [(&str, Offered); 3] =
    [("method", Offered::Method), ("topic", Offered::Topic), ("service", Offered::Service)];

impl Places {
    pub(super) fn members(&self, flags: Flags) -> Members<'_> {
        let others = self
            .others
            .iter()
            .map(|OtherPlace { frontier, servicebound }| OtherMember { frontier, servicebound });
        let (is_first, is_last) = (flags.has(Flags::FIRST), flags.has(Flags::LAST));
        Members { is_first, is_last, others: others.collect() }
    }
}

impl From<Members<'_>> for Places {
    fn from(members: Members<'_>) -> Self {
        let place = |other: OtherMember<'_>| OtherPlace {
            frontier: other.frontier.into(),
            servicebound: other.servicebound.into(),
        };
        Self { others: members.others.into_iter().map(place).collect() }
    }
}

impl NameChanges {
    pub(super) fn offer(&self, flags: Flags) -> Offer<'_> {
        let entries = self.entries.iter().map(|NameChange { of, name, is_offered }| {
            let (_, of) = OFFERED.iter().find(|(word, _)| word == of).expect("what is offered");
            OfferEntry { of: *of, name, is_offered: *is_offered }
        });
        let (is_first, is_last) = (flags.has(Flags::FIRST), flags.has(Flags::LAST));
        Offer { is_first, is_last, entries: entries.collect() }
    }
}

impl From<Offer<'_>> for NameChanges {
    fn from(offer: Offer<'_>) -> Self {
        let change = |entry: OfferEntry<'_>| {
            let (word, _) = OFFERED.iter().find(|(_, of)| *of == entry.of).expect("it has a word");
            NameChange { of: (*word).into(), name: entry.name.into(), is_offered: entry.is_offered }
        };
        Self { entries: offer.entries.into_iter().map(change).collect() }
    }
}
