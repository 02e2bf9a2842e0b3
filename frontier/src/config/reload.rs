use frontier_config::Section;

/// What happens when configuration or its files change while the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadConfig {
    /// Whether files are watched. SIGHUP reloads in any case.
    pub watch: bool,
    /// Whether connections that would be refused by what is new are closed. Else they live on as they are.
    pub enforce: bool,
}

impl ReloadConfig {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { watch: section.get("watch", true), enforce: section.get("enforce", false) }
    }
}
