//! Subscribers over server-sent events (HTML, 9.2).
//!
//! | event | data | id |
//! |---|---|---|
//! | none, so `message` | a message | its position, from which a browser goes on by itself |
//! | `welcome`, `lost`, `heartbeat`, `goodbye` | the notice | none |
//!
//! With gzip all events are one stream, of pieces that subscribers share.

mod gzip;

use crate::notice::Notice;
use crate::subscriber::{Next, Subscriber};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::unfold;
use gzip::Gzip;
use http::{HeaderMap, HeaderValue, header};
use std::collections::VecDeque;
use std::convert::Infallible;
use tokio_util::sync::CancellationToken;

/// When a browser whose connection is lost connects again, in milliseconds.
const RETRY: std::ops::Range<u32> = 1000..3000;

/// The body of the answer, as it comes about.
struct Events {
    subscriber: Subscriber,
    gzip: Option<Gzip>,
    ready: VecDeque<Bytes>,
    is_over: bool,
    kill: CancellationToken,
}

/// Whether who asks takes gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused =
            weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// The answer for a subscriber, who is told this first. It ends with the subscription, or with `kill`.
pub(crate) fn response(
    subscriber: Subscriber,
    welcome: &Notice,
    with_gzip: bool,
    kill: CancellationToken,
) -> Response {
    let mut events = Events {
        subscriber,
        gzip: with_gzip.then(Gzip::default),
        ready: VecDeque::new(),
        is_over: false,
        kill,
    };
    if with_gzip {
        events.ready.push_back(Gzip::header());
    }
    events.text(&format!("retry: {}\n", rand::random_range(RETRY)));
    events.tell(welcome);
    let body = unfold(events, |mut events| async {
        let piece = events.next().await?;
        Some((Ok::<_, Infallible>(piece), events))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For proxies that collect answers before they pass them on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    if with_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

impl Events {
    /// The next piece of the body; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            let next = tokio::select! {
                next = self.subscriber.next() => next,
                () = self.kill.cancelled() => return None,
            };
            match next {
                Next::Page(page) => {
                    if page.lost > 0 {
                        self.tell(&Notice::lost(page.lost));
                    }
                    let channel = &self.subscriber.channel;
                    let epoch = channel.epoch.as_str();
                    for frame in &page.frames {
                        self.ready.push_back(match &mut self.gzip {
                            Some(gzip) => gzip.shared(frame.event_block(epoch, &channel.deflater)),
                            None => frame.event(epoch),
                        });
                    }
                }
                Next::Heartbeat(heartbeat) => self.tell(&heartbeat),
                Next::End(why) => {
                    let goodbye = self.subscriber.goodbye(why);
                    self.tell(&goodbye);
                    self.is_over = true;
                    if let Some(gzip) = &self.gzip {
                        self.ready.push_back(gzip.trailer());
                    }
                }
            }
        }
    }

    fn tell(&mut self, notice: &Notice) {
        self.text(&format!("event: {}\ndata: {}\n\n", notice.kind, notice.text));
    }

    fn text(&mut self, text: &str) {
        self.ready.push_back(match &mut self.gzip {
            Some(gzip) => gzip.own(text.as_bytes()),
            None => Bytes::copy_from_slice(text.as_bytes()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_takes_it() {
        for (accepted, takes) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("br, gzip ; q=0", false),
            ("gzip;q=0.0", false),
            ("identity", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(takes_gzip(&headers), takes, "{accepted}");
        }
    }
}
