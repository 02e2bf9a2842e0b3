//! What every command goes by: options, else variables, else the context, else this machine.

use crate::context::{Context, ContextFile, Token};
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::plane::{Plane, PlaneKind};
use clap::{ArgAction, Args};
use frontier_config::parse_duration;
use frontier_sdk::{Builder, ClientTls, ConnectError, Edge, EdgeId, Service, ServiceId};
use std::path::PathBuf;
use std::time::Duration;

/// The variable with a token. There is no option for it: other users of the machine could see that.
const TOKEN: &str = "FRONTCTL_TOKEN";

/// How to reach what, the same for all commands.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionOptions {
    /// The file with the contexts [default: ~/.config/frontctl/config.yaml]
    #[arg(long, global = true, value_name = "FILE", env = "FRONTCTL_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// The context to go by [default: the one that `context use` has chosen]
    #[arg(long, global = true, value_name = "NAME", env = "FRONTCTL_CONTEXT", hide_env_values = true)]
    pub(crate) context: Option<String>,
    /// The control plane of a gateway [default: http://127.0.0.1:30010]
    #[arg(long, global = true, value_name = "URL", env = "FRONTCTL_GATEWAY", hide_env_values = true)]
    pub(crate) gateway: Option<String>,
    /// The control plane of frontlas [default: http://127.0.0.1:40011]
    #[arg(long, global = true, value_name = "URL", env = "FRONTCTL_FRONTLAS", hide_env_values = true)]
    pub(crate) frontlas: Option<String>,
    /// Where edges connect to [default: tcp://127.0.0.1:30012]
    #[arg(long, global = true, value_name = "URL", env = "FRONTCTL_EDGEBOUND", hide_env_values = true)]
    pub(crate) edgebound: Option<String>,
    /// Where services connect to [default: tcp://127.0.0.1:30011]
    #[arg(long, global = true, value_name = "URL", env = "FRONTCTL_SERVICEBOUND", hide_env_values = true)]
    pub(crate) servicebound: Option<String>,
    /// Show the token in this file, wherever this connects to; or set FRONTCTL_TOKEN
    #[arg(long, global = true, value_name = "FILE", env = "FRONTCTL_TOKEN_FILE", hide_env_values = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// Trust the CAs in this PEM file, and not those of the system. May be given more than once
    #[arg(long, global = true, value_name = "FILE", env = "FRONTCTL_CA", hide_env_values = true, action = ArgAction::Append)]
    pub(crate) ca: Vec<PathBuf>,
    /// The name that certificates of servers must be for, in place of the host in the URL
    #[arg(long, global = true, value_name = "NAME", env = "FRONTCTL_SERVER_NAME", hide_env_values = true)]
    pub(crate) server_name: Option<String>,
    /// Show this certificate, a PEM file with its chain
    #[arg(long, global = true, value_name = "FILE", env = "FRONTCTL_CERT", hide_env_values = true)]
    pub(crate) cert: Option<PathBuf>,
    /// The key of the certificate, a PEM file
    #[arg(long, global = true, value_name = "FILE", env = "FRONTCTL_KEY", hide_env_values = true)]
    pub(crate) key: Option<PathBuf>,
    /// How long connecting may take, and then an answer
    #[arg(long, global = true, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

/// What a command goes by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) context: Context,
    pub(crate) timeout: Duration,
}

impl ConnectionOptions {
    /// What holds for this call of the program.
    pub(crate) fn settings(&self) -> Outcome<Settings> {
        let file = ContextFile::load(self.config.as_deref())?;
        let saved = file.chosen(self.context.as_deref())?;
        let mut context = self.given().or(saved.map(|named| named.context.clone()).unwrap_or_default());
        // Whoever sets the variable means it for this call, wherever it connects to.
        if let Some(token) = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()) {
            if self.token_file.is_some() {
                return Err(Failure::usage(format!(
                    "both {TOKEN} and --token-file (FRONTCTL_TOKEN_FILE) are set"
                ))
                .advise("leave one of them out"));
            }
            context.token = Some(Token::Text(token));
            (context.edge_token, context.service_token) = (None, None);
        }
        context.check()?;
        Ok(Settings { context, timeout: self.timeout })
    }

    /// What the options and their variables say.
    pub(crate) fn given(&self) -> Context {
        Context {
            gateway: self.gateway.clone(),
            frontlas: self.frontlas.clone(),
            edgebound: self.edgebound.clone(),
            servicebound: self.servicebound.clone(),
            token: self.token_file.clone().map(Token::File),
            edge_token: None,
            service_token: None,
            ca: self.ca.clone(),
            server_name: self.server_name.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
        }
    }
}

impl Settings {
    pub(crate) fn edgebound(&self) -> &str {
        self.context.edgebound.as_deref().unwrap_or("tcp://127.0.0.1:30012")
    }

    pub(crate) fn servicebound(&self) -> &str {
        self.context.servicebound.as_deref().unwrap_or("tcp://127.0.0.1:30011")
    }

    /// Whom to trust, and what certificate to show.
    pub(crate) fn tls(&self) -> ClientTls {
        let mut tls = self.context.ca.iter().fold(ClientTls::new(), ClientTls::ca_file);
        if let Some(name) = &self.context.server_name {
            tls = tls.server_name(name);
        }
        if let (Some(cert), Some(key)) = (&self.context.cert, &self.context.key) {
            tls = tls.identity_files(cert, key);
        }
        tls
    }

    /// An edge to be connected.
    pub(crate) fn edge(&self, identity: &Identity) -> Builder<Edge> {
        let builder = Edge::builder(self.edgebound()).meta(identity.meta.clone());
        let builder = identity.id.map(EdgeId).into_iter().fold(builder, Builder::<Edge>::id);
        self.applied(builder, self.context.edge_token.as_ref())
    }

    /// A service to be connected.
    pub(crate) fn service(&self, identity: &Identity) -> Builder<Service> {
        let builder = Service::builder(self.servicebound()).name(&identity.name);
        let builder = identity.id.map(ServiceId).into_iter().fold(builder, Builder::<Service>::id);
        self.applied(builder, self.context.service_token.as_ref())
    }

    /// Connects an edge.
    pub(crate) async fn connect_edge(&self, builder: Builder<Edge>) -> Outcome<Edge> {
        builder.connect().await.map_err(|error| self.edge_unconnected(&error))
    }

    /// Why an edge is not connected.
    pub(crate) fn edge_unconnected(&self, error: &ConnectError) -> Failure {
        self.unconnected(error, self.edgebound(), "edgebound")
    }

    /// Connects a service.
    pub(crate) async fn connect_service(&self, builder: Builder<Service>) -> Outcome<Service> {
        builder.connect().await.map_err(|error| self.unconnected(&error, self.servicebound(), "servicebound"))
    }

    /// The control plane of this kind.
    pub(crate) fn plane(&self, kind: PlaneKind) -> Outcome<Plane> {
        let url = match kind {
            PlaneKind::Frontlas => &self.context.frontlas,
            PlaneKind::Gateway => &self.context.gateway,
        };
        let url = url.as_deref().unwrap_or(kind.default_url());
        Plane::new(kind, url, self.tls(), self.context.token.clone(), self.timeout)
    }

    fn applied<P>(&self, builder: Builder<P>, token: Option<&Token>) -> Builder<P> {
        let builder = builder.tls(self.tls()).connect_timeout(self.timeout).call_timeout(self.timeout);
        match token.or(self.context.token.as_ref()) {
            None => builder,
            Some(token) => {
                let token = token.clone();
                builder.token_source(move || {
                    let token = token.clone();
                    async move { token.read().await }
                })
            }
        }
    }

    fn unconnected(&self, error: &ConnectError, url: &str, option: &str) -> Failure {
        Failure::connect(error, url, option)
    }
}
