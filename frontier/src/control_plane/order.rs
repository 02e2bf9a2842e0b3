//! In which order a list is, and a place in it.
//!
//! Each order is a total one: those that are equal by the field follow by their epochs, which no two connections share.

use frontier_admin::ApiError;
use frontier_exchange::{Identity, Peer};
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// By what a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    CreateTime,
    Id,
    /// The meta of edges, the name of services.
    Text,
    Addr,
}

/// The fields of one kind of list, by their names in `order`.
pub(super) type Fields = &'static [(&'static str, Field)];

pub(super) const EDGES: Fields = &[
    ("create_time", Field::CreateTime),
    ("edge_id", Field::Id),
    ("meta", Field::Text),
    ("addr", Field::Addr),
];
pub(super) const SERVICES: Fields = &[
    ("create_time", Field::CreateTime),
    ("service_id", Field::Id),
    ("service", Field::Text),
    ("addr", Field::Addr),
];
pub(super) const NAMES: Fields = &[("create_time", Field::CreateTime), ("service_id", Field::Id)];
pub(super) const EDGE_NAMES: Fields = &[("create_time", Field::CreateTime), ("edge_id", Field::Id)];

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) field: Field,
    pub(super) greatest_first: bool,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    Nothing,
    Number(u64),
    Addr(Option<SocketAddr>),
    Text(&'a [u8]),
}

/// Behind whom a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    field: Field,
    key: Vec<u8>,
    pub(super) epoch: u64,
    /// In a list of names: behind which of those of that peer.
    pub(super) name: String,
}

impl Order {
    /// As it was asked for. A field without a sign has the greatest first if `bare_is_descending`.
    pub(super) fn parse(
        text: Option<&str>,
        fields: Fields,
        bare_is_descending: bool,
    ) -> Result<Self, ApiError> {
        let text = text.unwrap_or_default();
        if text.is_empty() {
            return Ok(Self { field: Field::CreateTime, greatest_first: true });
        }
        let (greatest_first, name) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            // In a query string `+` is a space.
            b'+' | b' ' => (false, &text[1..]),
            _ => (bare_is_descending, text),
        };
        let field = fields.iter().find(|(known, _)| *known == name);
        let Some((_, field)) = field else {
            let known: Vec<_> = fields.iter().map(|(known, _)| *known).collect();
            return Err(ApiError::invalid(format!(
                "order must be one of {}, with - or + in front",
                known.join(", ")
            )));
        };
        Ok(Self { field: *field, greatest_first })
    }

    /// Which of the two comes first.
    pub(super) fn compare(self, one: &Peer, other: &Peer) -> Ordering {
        self.directed((self.field.key(one), one.epoch().0).cmp(&(self.field.key(other), other.epoch().0)))
    }

    /// Whether the peer comes behind that place, or is at it.
    pub(super) fn is_behind(self, peer: &Peer, place: &Place) -> Ordering {
        let there = (place.key(), place.epoch);
        self.directed((self.field.key(peer), peer.epoch().0).cmp(&there))
    }

    fn directed(self, ordering: Ordering) -> Ordering {
        if self.greatest_first { ordering.reverse() } else { ordering }
    }
}

impl Field {
    fn key(self, peer: &Peer) -> Key<'_> {
        match self {
            Self::CreateTime => Key::Nothing,
            Self::Id => Key::Number(peer.number()),
            Self::Addr => Key::Addr(peer.addr()),
            Self::Text => Key::Text(match peer.identity() {
                Identity::Edge { meta, .. } => meta,
                _ => peer.name().as_bytes(),
            }),
        }
    }

    fn letter(self) -> char {
        match self {
            Self::CreateTime => 'c',
            Self::Id => 'i',
            Self::Addr => 'a',
            Self::Text => 't',
        }
    }
}

impl Place {
    /// That of a peer.
    pub(super) fn of(order: Order, peer: &Peer) -> Self {
        let key = match order.field.key(peer) {
            Key::Nothing | Key::Addr(None) => Vec::new(),
            Key::Number(number) => number.to_be_bytes().to_vec(),
            Key::Addr(Some(addr)) => addr.to_string().into_bytes(),
            Key::Text(text) => text.to_vec(),
        };
        Self { field: order.field, key, epoch: peer.epoch().0, name: String::new() }
    }

    /// The same, behind that name of its peer.
    pub(super) fn at(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The token of a page that begins behind it: a letter of the field, the epoch, the key and the name.
    pub(super) fn token(&self) -> String {
        let mut token = format!("{}{:x}.", self.field.letter(), self.epoch);
        let hex = |token: &mut String, bytes: &[u8]| {
            // Text can always be written to.
            bytes.iter().for_each(|byte| {
                let _ = write!(token, "{byte:02x}");
            });
        };
        hex(&mut token, &self.key);
        if !self.name.is_empty() {
            token.push('.');
            hex(&mut token, self.name.as_bytes());
        }
        token
    }

    /// Of a token that a page of this order has given.
    pub(super) fn parse(token: &str, order: Order) -> Result<Self, ApiError> {
        let unknown = || ApiError::invalid("page_token is not one that an answer in this order has given");
        let parts = || -> Option<Self> {
            let mut parts = token.strip_prefix(order.field.letter())?.split('.');
            let epoch = parts.next().filter(|it| !it.starts_with('+'))?;
            let epoch = u64::from_str_radix(epoch, 16).ok()?;
            let key = from_hex(parts.next()?)?;
            let name = String::from_utf8(from_hex(parts.next().unwrap_or_default())?).ok()?;
            let place = Self { field: order.field, key, epoch, name };
            (parts.next().is_none() && place.is_valid()).then_some(place)
        };
        parts().ok_or_else(unknown)
    }

    fn is_valid(&self) -> bool {
        match self.field {
            Field::CreateTime => self.key.is_empty(),
            Field::Id => self.key.len() == 8,
            Field::Addr => self.key.is_empty() || self.addr().is_some(),
            Field::Text => true,
        }
    }

    fn addr(&self) -> Option<SocketAddr> {
        str::from_utf8(&self.key).ok()?.parse().ok()
    }

    fn key(&self) -> Key<'_> {
        match self.field {
            Field::CreateTime => Key::Nothing,
            // It was looked at when it was made.
            Field::Id => Key::Number(self.key.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))),
            Field::Addr => Key::Addr(self.addr()),
            Field::Text => Key::Text(&self.key),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        u8::try_from(high? << 4 | low?).ok()
    };
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::super::testing::documented;
    use super::*;

    fn order(text: &str) -> Result<Order, ApiError> {
        Order::parse(Some(text), EDGES, true)
    }

    #[test]
    fn a_sign_says_which_end_is_first_and_a_bare_field_differs_between_lists() {
        let is = |field, greatest_first| Ok(Order { field, greatest_first });
        assert_eq!(Order::parse(None, EDGES, true), is(Field::CreateTime, true));
        assert_eq!(Order::parse(None, SERVICES, false), is(Field::CreateTime, true));
        assert_eq!(order("addr"), is(Field::Addr, true));
        assert_eq!(Order::parse(Some("addr"), SERVICES, false), is(Field::Addr, false));
        assert_eq!(order("-meta"), is(Field::Text, true));
        assert_eq!(order("+edge_id"), is(Field::Id, false));
        assert_eq!(order(" edge_id"), is(Field::Id, false), "as a query string has it");
        for wrong in ["-", "+", "id", "--addr", "service", "create_time; drop", "é"] {
            order(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn the_orders_are_those_of_the_document() {
        for (path, fields) in [
            ("edges", EDGES),
            ("edges/rpcs", EDGE_NAMES),
            ("services", SERVICES),
            ("services/rpcs", NAMES),
            ("services/topics", NAMES),
        ] {
            let schema = documented(path, "order");
            let known =
                fields.iter().flat_map(|(name, _)| ["", "-", "+"].map(|sign| format!("{sign}{name}")));
            let known = ["".to_owned()].into_iter().chain(known);
            assert_eq!(schema["enum"], known.collect::<serde_json::Value>(), "{path}");
            for order in schema["enum"].as_array().unwrap() {
                Order::parse(order.as_str(), fields, false).unwrap();
            }
        }
    }

    #[test]
    fn a_place_is_read_back_and_nothing_else_is() {
        for (text, key) in [
            ("create_time", Vec::new()),
            ("edge_id", 7_u64.to_be_bytes().to_vec()),
            ("meta", b"\xff\x00.".to_vec()),
            ("addr", b"[::1]:9".to_vec()),
            ("addr", Vec::new()),
        ] {
            let order = order(text).unwrap();
            for name in ["", "a.b", "é"] {
                let place =
                    Place { field: order.field, key: key.clone(), epoch: u64::MAX, name: name.into() };
                assert_eq!(Place::parse(&place.token(), order), Ok(place));
            }
        }
        for wrong in
            ["", "c", "c.", "c1", "c1.00", "c+1.", "i1.00", "c1..ff", "c1..61.61", "cx.", "e1.", "é1."]
        {
            Place::parse(wrong, order("create_time").unwrap()).expect_err(wrong);
        }
        for wrong in ["a1.3132", "i1.00", "a1.0"] {
            Place::parse(wrong, order("addr").unwrap()).expect_err(wrong);
        }
    }
}
