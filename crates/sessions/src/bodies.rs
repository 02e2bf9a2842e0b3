//! Short bodies of requests and responses that are kept for a time.

use bytes::{Bytes, BytesMut};

/// Puts those bodies together that have no more than `short` bytes, in one piece of memory.
///
/// What a body came in may be much longer, and is kept as long as any part of it; and memory of its own for each costs more than
/// a few bytes are. The piece is kept with the last one of them, so they should be few, or go together.
pub fn gather<'a>(bodies: impl IntoIterator<Item = &'a mut Bytes>, short: usize) {
    let is_short = |body: &&mut Bytes| (1..=short).contains(&body.len());
    let bodies: Vec<_> = bodies.into_iter().filter(is_short).collect();
    let mut piece = BytesMut::with_capacity(bodies.iter().map(|body| body.len()).sum());
    bodies.iter().for_each(|body| piece.extend_from_slice(body));
    let mut piece = piece.freeze();
    bodies.into_iter().for_each(|body| *body = piece.split_to(body.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_together_and_leaves_what_it_came_in() {
        let whole = Bytes::from(vec![7; 60_000]);
        let mut bodies = vec![whole.slice(..4), whole.slice(..0), whole.slice(..100), whole.slice(10..18)];
        let before = bodies.clone();
        gather(&mut bodies, 8);
        assert_eq!(bodies, before);
        assert_eq!(bodies[3].as_ptr() as usize - bodies[0].as_ptr() as usize, 4);
        assert_eq!(bodies[2].as_ptr(), whole.as_ptr());
        drop((before, bodies.remove(2), bodies.remove(1)));
        whole.try_into_mut().expect("nobody else has it");
        gather(&mut Vec::new(), 8);
    }
}
