//! Lists, page by page.

use super::{Kind, List};
use crate::failure::Outcome;
use crate::plane::Plane;
use frontier_api::json::Count;
use indicatif::{ProgressBar, ProgressStyle};

/// As many as a page may have.
const PAGE: usize = 1000;

/// All records that are asked for. A terminal sees on standard error how far it is.
pub(super) async fn all<K: Kind>(plane: &mut Plane, list: &List) -> Outcome<Vec<K::Record>> {
    let path = format!("/cluster/v1/{}", K::PLURAL);
    let limit = list.limit.unwrap_or(usize::MAX);
    let mut records = Vec::new();
    let mut cursor = None;
    let progress = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
    while records.len() < limit {
        // A filter may take any part of a page.
        let count = if list.frontier.is_some() { PAGE } else { PAGE.min(limit - records.len()) };
        let mut query = vec![("count", count.to_string())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: K::Page = plane.get(&path, &query).await?;
        let (page, next) = K::open(page);
        let is_wanted =
            |record: &K::Record| list.frontier.as_deref().is_none_or(|id| K::frontier(record) == id);
        records.extend(page.into_iter().filter(is_wanted).take(limit - records.len()));
        progress.set_message(format!("{} {}", records.len(), K::PLURAL));
        progress.tick();
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(records)
}

/// All of a kind.
pub(crate) async fn all_of<K: Kind>(plane: &mut Plane) -> Outcome<Vec<K::Record>> {
    all::<K>(plane, &List { frontier: None, limit: None, count: false }).await
}

/// How many there are.
pub(super) async fn count<K: Kind>(plane: &mut Plane) -> Outcome<u64> {
    if K::PLURAL == "frontiers" {
        // They are few, and nothing counts them.
        return Ok(all_of::<K>(plane).await?.len() as u64);
    }
    let Count { count } = plane.get(&format!("/cluster/v1/{}/count", K::PLURAL), &[]).await?;
    Ok(count)
}
