//! Contexts and options.

use super::report::Report;
use crate::context::ContextFile;
use crate::settings::{ConnectionOptions, Settings};

/// What commands would go by; `None` if they would fail.
pub(super) fn look(options: &ConnectionOptions, report: &mut Report) -> Option<Settings> {
    match ContextFile::load(options.config.as_deref()) {
        Err(failure) => report.failure("contexts", &failure),
        Ok(file) => {
            let (path, count) = (file.path.display(), file.contexts.len());
            let chosen = options.context.as_deref().or(file.current.as_deref()).unwrap_or("none");
            report.good("contexts", format!("{count} in {path}, chosen: {chosen}"));
        }
    }
    match options.settings() {
        Ok(settings) => Some(settings),
        Err(failure) => {
            report.failure("settings", &failure);
            None
        }
    }
}
