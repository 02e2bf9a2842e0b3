//! TLS to a broker: the section `tls`.

use frontier_config::Section;
use frontier_mq::BrokerTls;
use std::path::PathBuf;

/// `None` where it is off.
pub(super) fn read(section: &Section<'_>, files: &mut Vec<PathBuf>) -> Option<BrokerTls> {
    let is_on = section.get("enable", false);
    let ca_certs: Vec<PathBuf> = section.list("ca_certs", Vec::new());
    let (cert, key) = (section.optional::<PathBuf>("cert"), section.optional::<PathBuf>("key"));
    let is_used = !ca_certs.is_empty() || cert.is_some() || key.is_some();
    if is_used && !is_on {
        section.reject("enable", "must be true for the other keys here to be of use");
    }
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => {
            section.reject("key", "is required with `cert`");
            None
        }
        (None, Some(_)) => {
            section.reject("cert", "is required with `key`");
            None
        }
    };
    if !is_on {
        return None;
    }
    for (index, path) in ca_certs.iter().enumerate() {
        if let Err(error) = frontier_admin::certificates(path) {
            section.reject_at(&format!("{}.ca_certs[{index}]", section.path()), error.to_string());
        }
    }
    if let Some((cert, key)) = &identity {
        if let Err(error) = frontier_admin::certificates(cert) {
            section.reject("cert", error.to_string());
        }
        if let Err(error) = frontier_admin::private_key(key) {
            section.reject("key", error.to_string());
        }
    }
    files.extend(ca_certs.iter().cloned());
    files.extend(identity.iter().flat_map(|(cert, key)| [cert.clone(), key.clone()]));
    Some(BrokerTls { ca_certs, identity })
}
