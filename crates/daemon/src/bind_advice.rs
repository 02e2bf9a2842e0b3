//! What mends the usual reasons why an address can't be listened on.

use std::fs;
use std::io::ErrorKind;

/// What to do about it, to stand behind the error; empty where that is not known.
#[must_use]
pub fn bind_advice(kind: ErrorKind, port: u16) -> String {
    match kind {
        ErrorKind::AddrInUse => {
            let setting = |name: &str| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"));
            let (range, reserved) = (setting("ip_local_port_range"), setting("ip_local_reserved_ports"));
            taken(port, &range.unwrap_or_default(), &reserved.unwrap_or_default())
        }
        ErrorKind::AddrNotAvailable => "; configure an address that this machine has, or 0.0.0.0".to_owned(),
        ErrorKind::PermissionDenied => "; ports below 1024 take CAP_NET_BIND_SERVICE".to_owned(),
        _ => String::new(),
    }
}

/// With Linux' settings of the ports that connections going out may get, and of those that they may not.
fn taken(port: u16, range: &str, reserved: &str) -> String {
    let usual = "; stop the process that has it, or configure another port";
    let bounds: Vec<u16> = range.split_whitespace().filter_map(|bound| bound.parse().ok()).collect();
    match bounds[..] {
        [first, last] if (first..=last).contains(&port) && !is_listed(port, reserved) => format!(
            "{usual}; it may be the port of a connection that went out, which the system chooses from {first} to {last}: \
             net.ipv4.ip_local_reserved_ports={port} keeps it free"
        ),
        _ => usual.to_owned(),
    }
}

/// Whether it is in a list such as `8080,40000-40100`.
fn is_listed(port: u16, list: &str) -> bool {
    list.trim().split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_connections_going_out_may_get_is_said_to_be_one() {
        let range = "32768\t60999\n";
        let text = taken(40012, range, "\n");
        assert!(text.contains("from 32768 to 60999: net.ipv4.ip_local_reserved_ports=40012"), "{text}");
        for (port, range, reserved) in [
            (30012, range, "\n"),
            (40012, range, "8080,40011-40012\n"),
            (40012, range, "40012"),
            (40012, "", ""),
            (40012, "10000 20000", ""),
        ] {
            let text = taken(port, range, reserved);
            assert!(text.ends_with("or configure another port"), "{port} {range} {reserved}: {text}");
        }
        assert!(!is_listed(40013, "8080,40011-40012") && !is_listed(1, "x-2,,3-"));
    }
}
