//! What is agreed on about compression (RFC 7692, 7.1).
//!
//! A message is compressed without what came before it: `server_no_context_takeover`. That is what lets all who read it
//! share the result, and costs a subscriber no memory. The window is that of DEFLATE, 32 KiB: an offer that asks for a
//! smaller one is passed over.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

const NAME: &str = "permessage-deflate";

/// What is answered to the first offer that can be met.
pub(super) fn accept(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(answer)
}

fn answer(offer: &str) -> Option<String> {
    let mut parts = offer.split(';').map(str::trim);
    if parts.next() != Some(NAME) {
        return None;
    }
    let mut seen = Vec::new();
    let mut answer = format!("{NAME}; server_no_context_takeover; client_no_context_takeover");
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            (
                "server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits",
                None,
            ) => {}
            ("client_max_window_bits", Some(bits)) if is_bits(bits) => {}
            ("server_max_window_bits", Some("15")) => answer.push_str("; server_max_window_bits=15"),
            _ => return None,
        }
    }
    Some(answer)
}

fn is_bits(text: &str) -> bool {
    matches!(text, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offer_that_can_be_met_is_taken() {
        const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let wide = format!("{PLAIN}; server_max_window_bits=15");
        for (offer, answer) in [
            ("permessage-deflate", Some(PLAIN)),
            ("permessage-deflate; client_max_window_bits", Some(PLAIN)),
            ("permessage-deflate;client_max_window_bits=\"10\" ; server_no_context_takeover", Some(PLAIN)),
            ("permessage-deflate; server_max_window_bits=10, permessage-deflate", Some(PLAIN)),
            ("permessage-deflate; server_max_window_bits=15", Some(&*wide)),
            ("permessage-deflate; server_max_window_bits=10", None),
            ("permessage-deflate; client_max_window_bits=7", None),
            ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
            ("permessage-deflate; other", None),
            ("x-webkit-deflate-frame", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, offer.parse().unwrap());
            assert_eq!(accept(&headers).as_deref(), answer, "{offer}");
        }
        assert_eq!(accept(&HeaderMap::new()), None);
    }
}
