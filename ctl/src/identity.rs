//! Who `frontctl` is while it is connected to a gateway.

use clap::Args;

/// Its meta as an edge and its name as a service, unless it is told others.
const NAME: &str = "frontctl";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Identity")]
pub(crate) struct Identity {
    /// The id to ask for: an EdgeID as an edge, a ServiceID as a service. The gateway gives one out unless set.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<u64>,
    /// As an edge: the meta to present, by which services may know who this is.
    #[arg(long, value_name = "TEXT", default_value = NAME)]
    pub(crate) meta: String,
    /// As a service: the name.
    #[arg(long, value_name = "NAME", default_value = NAME)]
    pub(crate) name: String,
}

impl Identity {
    /// Whether nothing is asked for.
    pub(crate) fn is_default(&self) -> bool {
        self.id.is_none() && self.meta == NAME && self.name == NAME
    }
}
