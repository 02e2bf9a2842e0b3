//! The gateway's own calls to services, as the original writes them: what is told of an edge stands in JSON.

use data_encoding::BASE64;
use frontier_protocol::{EDGE_OFFLINE, EDGE_ONLINE, GET_EDGE_ID};
use std::borrow::Cow;

/// The payload of a call of this method.
pub(super) fn payload<'a>(method: &str, payload: &'a [u8]) -> Cow<'a, [u8]> {
    match method {
        EDGE_ONLINE | EDGE_OFFLINE => event(payload).map_or(Cow::Borrowed(payload), Cow::Owned),
        _ => Cow::Borrowed(payload),
    }
}

/// Whether the reply is to be an EdgeID.
pub(super) fn asks_for_id(method: &str) -> bool {
    method == GET_EDGE_ID
}

/// The EdgeID in a reply: 0 has the gateway choose one.
pub(super) fn edge_id(reply: Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let id: [u8; 8] = reply?.try_into().map_err(|_| "illegal edgeID".to_owned())?;
    let chosen = match u64::from_be_bytes(id) {
        0 => rand::random_range(1..=u64::MAX >> 1),
        id => id,
    };
    Ok(chosen.to_be_bytes().to_vec())
}

/// Id (u64), length of the address (u16), address, meta: as [`EDGE_ONLINE`] has it.
fn event(payload: &[u8]) -> Option<Vec<u8>> {
    let (id, rest) = payload.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (addr, meta) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    let (id, addr) = (u64::from_be_bytes(*id), std::str::from_utf8(addr).ok()?);
    let meta = if meta.is_empty() { "null".to_owned() } else { format!("\"{}\"", BASE64.encode(meta)) };
    Some(format!(r#"{{"EdgeID":{id},"Meta":{meta},"Net":"tcp","Str":"{addr}"}}"#).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_in_json() {
        let told = [&1001_u64.to_be_bytes()[..], &[0, 9], b"1.2.3.4:5", b"em"].concat();
        let json = payload(EDGE_ONLINE, &told);
        let want = r#"{"EdgeID":1001,"Meta":"ZW0=","Net":"tcp","Str":"1.2.3.4:5"}"#;
        assert_eq!(std::str::from_utf8(&json), Ok(want));
        let json = payload(EDGE_OFFLINE, &told[..19]);
        assert!(json.ends_with(br#""Meta":null,"Net":"tcp","Str":"1.2.3.4:5"}"#));
        assert_eq!(&*payload(GET_EDGE_ID, &told), &told[..]);
    }

    #[test]
    fn an_id_has_eight_bytes_and_is_not_zero() {
        assert_eq!(edge_id(Ok(7_u64.to_be_bytes().to_vec())), Ok(7_u64.to_be_bytes().to_vec()));
        let chosen = edge_id(Ok(vec![0; 8])).unwrap();
        assert!(chosen != [0; 8] && chosen.len() == 8);
        assert_eq!(edge_id(Ok(vec![1; 7])), Err("illegal edgeID".to_owned()));
        assert_eq!(edge_id(Err("no".to_owned())), Err("no".to_owned()));
    }
}
