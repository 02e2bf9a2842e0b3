//! 64-bit numbers as text. Whole numbers are read in every form that JSON has for them: `7`, `7.0` and `70e-1`.

use serde::de::{self, Deserialize, Deserializer, Visitor};
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

/// One that is a number in JSON.
pub(crate) fn whole<'de, N: Whole, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    deserializer.deserialize_any(Number(N::EXPECTED, PhantomData::<N>))
}

/// The same, or null.
pub(crate) fn optional<'de, N: Whole, D: Deserializer<'de>>(deserializer: D) -> Result<Option<N>, D::Error> {
    let read = Option::<Read<N>>::deserialize(deserializer)?;
    Ok(read.map(|Read(number)| number))
}

/// A number without a sign.
pub(crate) trait Whole: FromStr + TryFrom<u64> + TryFrom<i64> {
    const EXPECTED: &'static str;
}

impl Whole for u16 {
    const EXPECTED: &'static str = "a whole number from 0 to 65535";
}

impl Whole for u32 {
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";
}

impl Whole for u64 {
    const EXPECTED: &'static str = "a whole number from 0 to 18446744073709551615";
}

struct Read<N>(N);

impl<'de, N: Whole> Deserialize<'de> for Read<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        whole(deserializer).map(Self)
    }
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

struct Number<N>(&'static str, PhantomData<N>);

impl<N: FromStr + TryFrom<u64> + TryFrom<i64>> Visitor<'_> for Number<N> {
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

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<N, E> {
        // Added, 0 takes the sign from -0.
        let whole = (number.fract() == 0.0).then(|| format!("{:.0}", number + 0.0).parse().ok());
        whole.flatten().ok_or_else(|| E::invalid_value(de::Unexpected::Float(number), &self))
    }
}

impl<N: FromStr + TryFrom<u64> + TryFrom<i64>> Visitor<'_> for TextOrNumber<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<N, E> {
        Number(self.0, self.1).visit_u64(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<N, E> {
        Number(self.0, self.1).visit_i64(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<N, E> {
        Number(self.0, self.1).visit_f64(number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<N, E> {
        text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}
