//! The body of the fuzz target for configurations, over what a short run can reach.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../../../fuzz/src/config.rs"]
#[expect(unreachable_pub, reason = "the file is a module of the fuzz crate as well")]
mod fuzz;

const GOOD: &str = "\
name: &name a
edgebound: {addr: '[::1]:7', enable: true, topics: [a, *name, \"b\\n\"]}
limits:
  frame_size: 512KiB
  timeout: 1m
  workers: '8'
brokers:
  - addr: 127.0.0.1:1
    ratio: .nan
  - count: 7 # seven
    rates: {a: 1, b: 2}
    size: |
      64KiB
";

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        fuzz::config(text.as_bytes());
    }

    /// Made of what YAML gives a meaning to.
    #[test]
    fn any_syntax(text in "(a|b|name|limits|&a|\\*a|!t|<<|[-\\[\\]{},:?|>'\"#%@ \n\r\t]){0,60}") {
        fuzz::config(text.as_bytes());
    }

    #[test]
    fn damaged_configurations(changes in vec((any::<Index>(), any::<u8>()), 0..5), cut in any::<Index>()) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte & 0x7f;
        }
        fuzz::config(&bytes);
        fuzz::config(&bytes[..cut.index(bytes.len())]);
    }
}
