//! A frontlas with its console, and who may look at it.

use crate::browser::Browser;
use crate::screen::Screen;
use frontier_access::authn::token;
use frontlas::api::ControlPlane;
use frontlas::plane::Plane;
use frontlas::{Config, Lifetimes, MemoryDirectory, PlaneAccess};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The token of whoever may look.
pub(crate) const READER: &str = "frt_a-reader";

/// A frontlas in this process.
pub(crate) struct World {
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) plane: SocketAddr,
    control: SocketAddr,
    _files: tempfile::TempDir,
    _stop: DropGuard,
}

impl World {
    pub(crate) async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let tokens = files.path().join("tokens.yaml");
        std::fs::write(&tokens, format!("- {{hash: '{}', role: read}}\n", token::hash(READER))).unwrap();
        let yaml = format!(
            "
control_plane:
  listen: {{addr: '127.0.0.1:0'}}
  watch_interval: 20ms
  auth: {{methods: [{{token: {{file: '{}'}}}}]}}
frontier_plane: {{listen: {{addr: '127.0.0.1:0'}}, rebalance: {{settle: 0s, rate: 10, interval: 1s}}}}
",
            tokens.display()
        );
        let config = Config::parse(&yaml, &|_| None).unwrap_or_else(|error| panic!("{error}"));
        let directory = Arc::new(MemoryDirectory::new(Lifetimes { history: 1_000_000, ..config.lifetimes }));
        let plane = Plane::bind(config.frontier_plane, directory.clone()).unwrap();
        let control = ControlPlane::bind(&config.control_plane, directory.clone()).await.unwrap();
        let control = control.with_access(PlaneAccess::load(&config.access).unwrap());
        let (plane_addr, control_addr) = (plane.addr(), control.addr());
        let stop = CancellationToken::new();
        tokio::spawn(plane.run(stop.clone()));
        tokio::spawn(control.run(stop.clone(), Duration::ZERO));
        let _stop = stop.drop_guard();
        Self { directory, plane: plane_addr, control: control_addr, _files: files, _stop }
    }

    /// The address of a page.
    pub(crate) fn url(&self, page: &str) -> String {
        format!("http://{}/console/{page}", self.control)
    }

    /// A browser that has come from the root to the login.
    pub(crate) async fn at_login(&self) -> Browser {
        at_login(self.control).await
    }

    /// A browser that has logged in.
    pub(crate) async fn browser(&self) -> Browser {
        log_in(self.control, READER).await
    }
}

/// A browser that has come from the root of a plane to the login.
async fn at_login(plane: SocketAddr) -> Browser {
    let browser = Browser::start().await;
    browser.show_on(Screen::DESK).await;
    browser.open(&format!("http://{plane}/")).await;
    browser.wait("the login", "document.activeElement?.id === 'token'").await;
    browser
}

/// A browser that has logged in at a plane.
pub(crate) async fn log_in(plane: SocketAddr, token: &str) -> Browser {
    let browser = at_login(plane).await;
    browser.fill("#token", token).await;
    browser.click("button[type=submit]").await;
    browser.sees(".state", "live").await;
    browser
}

/// A browser at a plane that asks nobody who they are.
pub(crate) async fn log_in_to_nobody(plane: SocketAddr) -> Browser {
    let browser = Browser::start().await;
    browser.show_on(Screen::DESK).await;
    browser.open(&format!("http://{plane}/")).await;
    browser.sees(".state", "live").await;
    browser
}
