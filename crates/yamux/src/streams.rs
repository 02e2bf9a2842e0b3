//! The streams of a connection, by number.

use crate::stream::Stream;
use ahash::AHashMap;

/// The streams of a connection. The first of them, which is the lane and as a rule the only one, is found without a table;
/// one that is idle has none.
#[derive(Debug)]
pub(crate) struct Streams<W> {
    first: Option<(u32, Box<Stream<W>>)>,
    /// Boxed: an idle connection has room for a pointer instead of a table.
    others: Option<Box<AHashMap<u32, Box<Stream<W>>>>>,
}

impl<W> Default for Streams<W> {
    fn default() -> Self {
        Self { first: None, others: None }
    }
}

impl<W> Streams<W> {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.as_ref().map_or(0, |others| others.len())
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&Stream<W>> {
        match &self.first {
            Some((first, stream)) if *first == number => Some(stream),
            _ => self.others.as_ref()?.get(&number).map(|stream| &**stream),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Stream<W>> {
        match &mut self.first {
            Some((first, stream)) if *first == number => Some(stream),
            _ => self.others.as_mut()?.get_mut(&number).map(|stream| &mut **stream),
        }
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.get(number).is_some()
    }

    /// A number that is not there yet.
    pub(crate) fn insert(&mut self, number: u32, stream: Stream<W>) {
        let stream = Box::new(stream);
        match self.first {
            None if self.others.is_none() => self.first = Some((number, stream)),
            _ => drop(self.others.get_or_insert_default().insert(number, stream)),
        }
    }

    pub(crate) fn remove(&mut self, number: u32) {
        if self.first.take_if(|(first, _)| *first == number).is_some() {
            return;
        }
        if let Some(others) = &mut self.others {
            others.remove(&number);
            if others.is_empty() {
                self.others = None;
            }
        }
    }

    pub(crate) fn for_each(&mut self, mut visit: impl FnMut(u32, &mut Stream<W>)) {
        if let Some((number, stream)) = &mut self.first {
            visit(*number, stream);
        }
        self.others
            .iter_mut()
            .flat_map(|others| others.iter_mut())
            .for_each(|(number, it)| visit(*number, it));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_found_by_number_whichever_came_first() {
        let mut streams = Streams::<()>::default();
        assert!(!streams.contains(0));
        for number in [1, 2, 3] {
            streams.insert(number, Stream::opened());
            assert!(streams.contains(number));
        }
        assert_eq!(streams.len(), 3);
        streams.remove(1);
        assert!(!streams.contains(1) && streams.contains(2));
        streams.insert(5, Stream::accepted());
        streams.get_mut(5).unwrap().owed_credit = 7;
        assert_eq!(streams.get(5).unwrap().owed_credit, 7);
        let mut seen = Vec::new();
        streams.for_each(|number, _| seen.push(number));
        seen.sort_unstable();
        assert_eq!(seen, [2, 3, 5]);
        [2, 3, 4, 5].into_iter().for_each(|number| streams.remove(number));
        assert_eq!(streams.len(), 0);
        assert!(streams.others.is_none(), "an empty table is given back");
    }
}
