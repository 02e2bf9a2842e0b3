//! What is recorded, and what goes on.

use super::*;
use crate::testing::{self, Parked};
use frontier_exchange::{Direction, Peer, Traffic};

const PARENT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn recorder(yaml: &str) -> Recorder {
    let yaml = format!("tracing: {{endpoint: 'http://127.0.0.1:1', {yaml}}}");
    let config = crate::Config::parse(&yaml, &|_| None).unwrap();
    Recorder::new(&config.tracing.unwrap(), "g1").unwrap()
}

fn begin(recorder: &Recorder, requester: &Peer, trace: &[u8]) -> Option<Vec<u8>> {
    let asked =
        Asked { traffic: Traffic::Call, direction: Direction::ToService, requester, name: "m", trace };
    recorder.begin(&asked).map(|span| span.context().to_vec())
}

#[tokio::test]
async fn a_context_decides_and_the_ratio_where_there_is_none() {
    let edge = Parked::edge(&testing::exchange(), 7).await;
    let (all, none) = (recorder("sample_ratio: 1"), recorder("sample_ratio: 0"));
    let unsampled = [&PARENT[..PARENT.len() - 1], b"0"].concat();
    for recorder in [&all, &none] {
        assert_eq!(begin(recorder, &edge.peer, &unsampled), None);
        let ours = begin(recorder, &edge.peer, &[PARENT, b"a=b"].concat()).unwrap();
        let (ours, theirs) = (TraceContext::parse(&ours).unwrap(), TraceContext::parse(PARENT).unwrap());
        assert_eq!((ours.trace_id(), ours.tracestate(), ours.flags()), (theirs.trace_id(), "a=b", 1));
        assert_ne!(ours.parent_id(), theirs.parent_id());
    }
    for absent in [&b""[..], b"nonsense"] {
        let ours = begin(&all, &edge.peer, absent).unwrap();
        assert!(TraceContext::parse(&ours).unwrap().is_sampled());
        assert_eq!(begin(&none, &edge.peer, absent), None);
    }
    let some = recorder("sample_ratio: 0.5, spans_per_second: 1000000");
    let count = (0..1000).filter(|_| begin(&some, &edge.peer, b"").is_some()).count();
    assert!((350..650).contains(&count), "{count}");
}

#[tokio::test]
async fn no_more_spans_are_recorded_in_a_second_than_may_be() {
    let edge = Parked::edge(&testing::exchange(), 7).await;
    let recorder = recorder("spans_per_second: 3");
    let count = (0..50).filter(|_| begin(&recorder, &edge.peer, PARENT).is_some()).count();
    assert!((3..=9).contains(&count), "{count}");
}
