//! 64-bit numbers as text.

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

pub(crate) fn serialize<N: Display, S: Serializer>(number: &N, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let expected = "a whole number from 0 to 18446744073709551615, or the text of one";
    deserializer.deserialize_any(TextOrNumber::<u64>(expected, PhantomData))
}

/// With a sign.
pub(crate) mod signed {
    pub(crate) use super::serialize;
    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let expected = "a whole number of 64 bits with a sign, or the text of one";
        deserializer.deserialize_any(TextOrNumber::<i64>(expected, PhantomData))
    }
}

struct TextOrNumber<N>(&'static str, PhantomData<N>);

impl<N: FromStr + TryFrom<u64> + TryFrom<i64>> Visitor<'_> for TextOrNumber<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<N, E> {
        text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}
