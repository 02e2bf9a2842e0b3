//! "Did you mean": the known word nearest to the one that was written.

use strsim::osa_distance;

/// The nearest of `known` by edit distance; `None` when even that one is too far off to be what was meant.
///
/// Case does not count, and about one slip in three characters is let pass.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (word.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["addr", "network", "tls"];
        assert_eq!(nearest("adr", known), Some("addr"));
        assert_eq!(nearest("netwrok", known), Some("network"));
        assert_eq!(nearest("TLS", known), Some("tls"));
        assert_eq!(nearest("backlog", known), None);
        assert_eq!(nearest("adr", []), None);
    }
}
