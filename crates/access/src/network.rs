//! Addresses and networks.

use frontier_config::{FromValue, Invalid, Value};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

const WHAT: &str = "an address or a network such as 10.0.0.0/8 or 2001:db8::/32";

/// A network: an address and the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` lies in it. An IPv4 address in IPv6 form counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.base.is_ipv4() && masked(address, self.prefix) == self.base
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| ())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|&prefix| prefix <= longest).ok_or(())?
            }
            Some(_) => return Err(()),
        };
        Ok(Self { base, prefix })
    }
}

impl FromValue for Network {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let network: Self = value.parse(WHAT)?;
        if masked(network.base, network.prefix) == network.base {
            return Ok(network);
        }
        // Which of the two was meant, nobody can tell.
        let message = format!(
            "has bits set after the first {}; the network is {}/{}",
            network.prefix,
            masked(network.base, network.prefix),
            network.prefix
        );
        Err(Invalid::new(message))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// What counts as one address: an IPv4 address, or a /64 of IPv6, all of which one host may use.
pub(crate) fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        v6 @ IpAddr::V6(_) => masked(v6, 64),
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_config::load;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> Result<Network, String> {
        load(&format!("n: '{text}'"), &|_| None, &[], |root| root.required("n", "::".parse().unwrap()))
            .map_err(|errors| errors.mistakes()[0].message().to_owned())
    }

    #[test]
    fn what_lies_in_a_network() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("::/0", "1.2.3.4", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:1::9", true),
            ("2001:db8::/32", "2001:db9::", false),
        ];
        for (net, address, inside) in cases {
            assert_eq!(network(net).unwrap().contains(ip(address)), inside, "{address} in {net}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "example.com", "10.0.0.0/8/8"] {
            assert!(network(text).unwrap_err().contains("expected an address or a network"), "{text}");
        }
        assert_eq!(
            network("10.1.0.0/8").unwrap_err(),
            "has bits set after the first 8; the network is 10.0.0.0/8"
        );
    }

    #[test]
    fn one_host_is_an_ipv4_address_or_a_64() {
        assert_eq!(host(ip("192.0.2.1")), ip("192.0.2.1"));
        assert_eq!(host(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_eq!(host(ip("2001:db8:1:2:3::4")), ip("2001:db8:1:2::"));
    }
}
