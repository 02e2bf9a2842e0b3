//! Which control plane is asked about edges and services.

use crate::failure::Outcome;
use crate::plane::{Plane, PlaneKind};
use crate::settings::Settings;
use clap::{Args, ValueEnum};

/// Whom to ask.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Via {
    /// Ask frontlas, which knows the whole cluster, or the gateway, which knows more of its own peers. Unless set it is
    /// frontlas, but for a gateway that is named where frontlas is not.
    #[arg(long, value_name = "PLANE")]
    from: Option<Source>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    Frontlas,
    Gateway,
}

impl Via {
    /// Whether the gateway is asked.
    pub(crate) fn is_gateway(self, settings: &Settings) -> bool {
        let context = &settings.context;
        match self.from {
            Some(source) => source == Source::Gateway,
            None => context.gateway.is_some() && context.frontlas.is_none(),
        }
    }

    /// The one that is asked.
    pub(crate) fn plane(self, settings: &Settings) -> Outcome<Plane> {
        settings.plane(if self.is_gateway(settings) { PlaneKind::Gateway } else { PlaneKind::Frontlas })
    }
}
