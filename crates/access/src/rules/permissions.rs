use super::action::Kind;
use crate::id_range::IdRange;
use crate::labels::Labels;
use crate::pattern::Pattern;
use crate::who::labels_match;
use frontier_config::Section;
use frontier_protocol::EdgeId;

/// The `allow` or `deny` of a rule. A kind that is not written is `None`; an empty list is a list of nothing.
#[derive(Debug)]
pub(super) struct Permissions {
    pub(super) names: [Option<Vec<Pattern>>; Kind::ALL.len()],
    pub(super) reach: Option<Edges>,
}

/// Which edges may be reached: those with one of the ids, and all of the labels. Nothing given means all.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    ids: Option<Vec<IdRange>>,
    labels: Vec<(String, Pattern)>,
}

impl Permissions {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            names: Kind::ALL.map(|(_, key)| section.one_or_more(key)),
            reach: Edges::read(&section.section("reach_edges")),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reach.is_none() && self.names.iter().all(Option::is_none)
    }
}

impl Edges {
    fn read(section: &Section<'_>) -> Option<Self> {
        let read = Self { ids: section.one_or_more("ids"), labels: section.map("labels") };
        section.is_present().then_some(read)
    }

    pub(super) fn contains(&self, id: EdgeId, labels: &Labels) -> bool {
        let by_id = |ranges: &Vec<IdRange>| ranges.iter().any(|range| range.contains(id));
        self.ids.as_ref().is_none_or(by_id) && labels_match(&self.labels, labels)
    }
}
