use super::Template;
use frontier_config::Section;

/// An `mtls` method: which names of a client certificate mean what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MtlsConfig {
    /// `edge_id`: the form of the name that fixes the EdgeID, such as `uri:urn:frontier:edge:{id}`.
    pub edge_id: Option<Template>,
    /// `service`: the form of the name that fixes the name of a service, such as `dns:{name}.svc.example`.
    pub service: Option<Template>,
    /// `service_id`: the form of the name that fixes the ServiceID.
    pub service_id: Option<Template>,
    /// `frontier`: the form of the name that says which frontier it may be.
    pub frontier: Option<Template>,
    /// `labels`: the forms of names that become labels; a certificate without such a name has no such label.
    pub labels: Vec<(String, Template)>,
}

impl MtlsConfig {
    pub(crate) fn read(mtls: &Section<'_>) -> Self {
        Self {
            edge_id: mtls.optional("edge_id"),
            service: mtls.optional("service"),
            service_id: mtls.optional("service_id"),
            frontier: mtls.optional("frontier"),
            labels: mtls.map("labels"),
        }
    }
}
