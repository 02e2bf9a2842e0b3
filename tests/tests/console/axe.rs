//! axe-core, which finds what keeps people out who can't see, or can't use a mouse: <https://github.com/dequelabs/axe-core>.

use crate::browser::Browser;
use crate::screen::Screen;
use frontier_tests::tool;
use serde_json::Value;
use tokio::sync::OnceCell;

/// Where the version is pinned.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console");

/// The text of the library, fetched once.
async fn axe() -> &'static str {
    static AXE: OnceCell<String> = OnceCell::const_new();
    AXE.get_or_init(|| async {
        let folder = tempfile::tempdir().unwrap();
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(format!("{SOURCE}/{name}"), folder.path().join(name)).unwrap();
        }
        let mut command = tokio::process::Command::new(tool("npm", "npm"));
        command.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--loglevel=error",
        ]);
        command.current_dir(folder.path()).kill_on_drop(true);
        let installed = tokio::time::timeout(std::time::Duration::from_secs(120), command.output()).await;
        let installed = installed.expect("npm is done in time").unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        std::fs::read_to_string(folder.path().join("node_modules/axe-core/axe.min.js")).unwrap()
    })
    .await
}

impl Browser {
    /// Looks at the page as it is on every screen: axe finds nothing serious, it is not wider than the screen, and a
    /// picture is kept if it is wanted.
    pub(crate) async fn is_good_on_all_screens(&self, name: &str) {
        self.run(axe().await).await;
        for screen in Screen::ALL {
            self.show_on(screen).await;
            let (width, ..) = screen.size();
            self.wait("the page has its width", &format!("innerWidth === {width}")).await;
            // The next picture but one has all that this one has asked for.
            self.run_async(
                "await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));",
            )
            .await;
            self.keep_picture(&format!("{name}-{}", screen.name())).await;
            let found = self
                .run_async("return (await axe.run(document, {resultTypes: ['violations']})).violations;")
                .await;
            let found = found.as_array().unwrap_or_else(|| panic!("{name}: {found}"));
            let is_serious = |it: &&Value| matches!(it["impact"].as_str(), Some("serious" | "critical"));
            let serious: Vec<_> = found.iter().filter(is_serious).map(brief).collect();
            assert!(serious.is_empty(), "{name}, {screen:?}: {serious:#?}");
            let wide = self.run("const {scrollWidth, clientWidth} = document.documentElement; return scrollWidth - clientWidth;").await;
            assert_eq!(wide, 0, "{name}, {screen:?}: it is wider than the screen");
        }
        self.show_on(Screen::DESK).await;
    }
}

fn brief(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().into_iter().flatten();
    let nodes: Vec<_> = nodes.map(|node| format!("{}: {}", node["html"], node["failureSummary"])).collect();
    format!("{} ({}): {}", violation["id"], violation["impact"], nodes.join("\n"))
}
