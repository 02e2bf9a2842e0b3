//! TLS to a broker: the section `tls`.

use super::Sinks;
use frontier_config::Section;
use frontier_mq::BrokerTls;
use frontier_transport::{ClientTls, reject_client_files};
use std::path::PathBuf;

/// `None` where it is off.
pub(super) fn read(section: &Section<'_>, sinks: &mut Sinks) -> Option<BrokerTls> {
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
    let tls = ca_certs.iter().fold(ClientTls::new(), ClientTls::ca_file);
    let tls = match &identity {
        Some((cert, key)) => tls.identity_files(cert, key),
        None => tls,
    };
    reject_client_files(section, section.path(), &tls);
    sinks.tls.push(tls);
    let files = &mut sinks.files;
    files.extend(ca_certs.iter().cloned());
    files.extend(identity.iter().flat_map(|(cert, key)| [cert.clone(), key.clone()]));
    Some(BrokerTls { ca_certs, identity })
}
