//! A gateway that can be killed, in this process.

use anyhow::{Context as _, Result};
use frontier::{Config, Gateway};
use std::net::SocketAddr;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// A gateway on a thread of its own. When dropped it is gone as if its process had been killed: its sockets
/// close, and it takes leave of nobody.
#[derive(Debug)]
pub(super) struct Member {
    id: String,
    /// There until the drop.
    runtime: Option<Runtime>,
}

impl Member {
    /// Starts it as a member of the cluster whose frontlas hears gateways there.
    pub(super) fn start(id: String, frontlas: SocketAddr) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let yaml = format!(
            "
daemon: {{frontier_id: {id}}}
edgebound: {{listen: {{addr: 127.0.0.1:0}}}}
servicebound: {{listen: {{addr: 127.0.0.1:0}}}}
frontlas: {{enable: true, dial: {{addrs: ['{frontlas}']}}}}
"
        );
        let member = Self { id, runtime: Some(runtime) };
        let config = Config::parse(&yaml, &|_| None).context("the configuration of a gateway")?;
        if let Some(runtime) = &member.runtime {
            let _inside = runtime.enter();
            let gateway = Gateway::bind(&config)?;
            let (edgebound, servicebound) = (gateway.edgebound(), gateway.servicebound());
            println!("{}  edges on {edgebound}, services on {servicebound}", member.id);
            runtime.spawn(gateway.run(CancellationToken::new()));
        }
        Ok(member)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
