//! The JSON of the REST side.
//!
//! As in protobuf's own JSON, 64-bit numbers are written as text (`"7"`), because JavaScript would round them;
//! numbers are read as well. Names are those of the protobuf fields. Where a list answers a query by ids, it
//! has `null` for who is not there.

mod list;
mod record;
mod watch;

pub use list::{Count, Edges, Frontiers, OneEdge, OneFrontier, OneService, Services};
pub use record::{Edge, Frontier, Service};
pub use watch::{Change, Snapshot};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster;
    use serde_json::{from_value, json, to_value};

    fn edge() -> Edge {
        let edge_id = u64::MAX;
        let (addr, frontier_id) = ("192.0.2.1:4".to_owned(), "f1".to_owned());
        cluster::Edge { edge_id, addr, update_time: 7, frontier_id, stamp: 8 }.into()
    }

    #[test]
    fn numbers_are_text_and_read_in_both_forms() {
        let text = json!({
            "edge_id": "18446744073709551615", "addr": "192.0.2.1:4", "update_time": "7",
            "frontier_id": "f1", "stamp": "8",
        });
        assert_eq!(to_value(edge()).unwrap(), text);
        assert_eq!(from_value::<Edge>(text.clone()).unwrap(), edge());
        let mut numbers = text.clone();
        numbers["edge_id"] = json!(u64::MAX);
        numbers["update_time"] = json!(7.0);
        assert_eq!(from_value::<Edge>(numbers).unwrap(), edge());
        for wrong in
            [json!("x"), json!(""), json!(-1), json!(1.5), json!("18446744073709551616"), json!(null)]
        {
            let mut text = text.clone();
            text["edge_id"] = wrong.clone();
            from_value::<Edge>(text).expect_err(&wrong.to_string());
        }
    }

    #[test]
    fn who_is_not_there_is_null() {
        let edges = Edges { cursor: None, edges: vec![None, Some(edge())] };
        let text = to_value(&edges).unwrap();
        assert_eq!((&text["edges"][0], text.get("cursor")), (&json!(null), None));
        assert_eq!(from_value::<Edges>(text).unwrap(), edges);
    }

    #[test]
    fn a_change_names_what_it_is() {
        let gone = cluster::EdgeOffline { edge_id: 7, frontier_id: "f1".to_owned(), stamp: 9 };
        let change = Change::from(cluster::change::What::EdgeOffline(gone));
        let text = json!({"type": "edge_offline", "edge_id": "7", "frontier_id": "f1", "stamp": "9"});
        assert_eq!(to_value(&change).unwrap(), text);
        assert_eq!(from_value::<Change>(text).unwrap(), change);
    }
}
