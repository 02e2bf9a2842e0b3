//! Who `frontctl` is while it is connected to a gateway.

use clap::Args;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Identity")]
pub(crate) struct Identity {
    /// The id to ask for: an EdgeID as an edge, a ServiceID as a service. The gateway gives one out unless set.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<u64>,
    /// As an edge: the meta to present, by which services may know who this is.
    #[arg(long, value_name = "TEXT", default_value = "frontctl")]
    pub(crate) meta: String,
    /// As a service: the name.
    #[arg(long, value_name = "NAME", default_value = "frontctl")]
    pub(crate) name: String,
}
