//! The standard library's types as configuration values.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use super::value::{FromValue, Invalid, Value};

impl FromValue for String {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        value.text("text").map(str::to_owned)
    }
}

/// Exactly `true` or `false`: `yes` and `on` are text in YAML 1.2, and guessing would turn a typo into
/// `false`.
impl FromValue for bool {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        value.parse("true or false")
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl FromValue for $number {
            fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
                value.parse(&range(&Self::MIN.to_string(), &Self::MAX.to_string()))
            }
        }
    )*};
}

/// What a type takes. The limits of one of 64 bits are those of no key, so they would only mislead.
fn range(min: &str, max: &str) -> String {
    match (min.len() > 11, max.len() > 11) {
        (false, false) => format!("a whole number from {min} to {max}"),
        (false, true) => format!("a whole number from {min} on"),
        (true, _) => "a whole number".to_owned(),
    }
}

whole_numbers!(u8, u16, u32, u64, usize, i32, i64, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize);

/// Finite numbers only.
impl FromValue for f64 {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "a number";
        let number: Self = value.parse(what)?;
        if number.is_finite() { Ok(number) } else { Err(Invalid::expected(what, value.text(what)?)) }
    }
}

impl FromValue for IpAddr {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        value.parse("an IP address")
    }
}

/// An address and a port. `:8080` is `0.0.0.0:8080`, and `localhost:8080` is `127.0.0.1:8080`. Other names are
/// refused: what a daemon binds must not depend on a resolver.
impl FromValue for SocketAddr {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "an IP address and port such as 0.0.0.0:8080 or [::]:8080";
        let text = value.text(what)?;
        let named = [("", Ipv4Addr::UNSPECIFIED), ("localhost", Ipv4Addr::LOCALHOST)];
        for (name, ip) in named {
            if let Some(port) = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'))
                && let Ok(port) = port.parse::<u16>()
            {
                return Ok((ip, port).into());
            }
        }
        value.parse(what)
    }
}

/// A relative path starts at the folder of the file.
impl FromValue for PathBuf {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        match value.text("a path")? {
            "" => Err(Invalid::expected("a path", "")),
            text => Ok(value.path(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    fn read<T: FromValue>(text: &str) -> Result<T, String> {
        let document = Document::parse(&format!("key: {text}"), &|_| None).unwrap();
        let value = document.root().optional("key");
        document.finish().map_err(|errors| errors.mistakes()[0].message().to_owned())?;
        value.ok_or_else(|| "absent".to_owned())
    }

    #[test]
    fn numbers_name_their_bounds() {
        assert_eq!(read::<u16>("65535"), Ok(65535));
        assert_eq!(read::<u16>("'80'"), Ok(80));
        assert_eq!(
            read::<u16>("65536").unwrap_err(),
            "expected a whole number from 0 to 65535, found `65536`"
        );
        assert_eq!(read::<i32>("-5"), Ok(-5));
        assert_eq!(
            read::<NonZeroU16>("0").unwrap_err(),
            "expected a whole number from 1 to 65535, found `0`"
        );
        assert_eq!(read::<f64>("0.5"), Ok(0.5));
        assert_eq!(read::<f64>("nan").unwrap_err(), "expected a number, found `nan`");
    }

    #[test]
    fn only_true_and_false_are_bool() {
        assert_eq!(read::<bool>("true"), Ok(true));
        for text in ["yes", "on", "1", "True"] {
            assert!(read::<bool>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn text_is_kept_as_written() {
        assert_eq!(read::<String>("0010"), Ok("0010".to_owned()));
        assert_eq!(read::<String>("''"), Ok(String::new()));
        assert_eq!(read::<String>("|\n  a\n  b\n"), Ok("a\nb\n".to_owned()));
        assert!(read::<PathBuf>("''").is_err());
    }

    #[test]
    fn addresses_are_never_names_that_take_a_resolver() {
        assert!(read::<SocketAddr>("'[::]:1'").is_ok() && read::<IpAddr>("'::1'").is_ok());
        let addr = |text| read::<SocketAddr>(text).map(|addr| addr.to_string());
        assert_eq!(addr("localhost:1").unwrap(), "127.0.0.1:1");
        assert_eq!(addr("':30012'").unwrap(), "0.0.0.0:30012");
        for refused in
            ["gateway.example:1", "localhost", "'localhost:'", "'::1:x'", "':70000'", "localhost:+1x"]
        {
            assert!(read::<SocketAddr>(refused).is_err(), "{refused}");
        }
    }
}
