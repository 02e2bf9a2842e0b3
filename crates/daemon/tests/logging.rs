//! Starting the process-wide logger, in a process of its own.

use frontier_daemon::telemetry::{AlreadyInitialised, LogConfig, LogFilter};
use tracing::level_filters::LevelFilter;

#[test]
fn logging_starts_once() {
    let log = LogConfig { level: LogFilter::parse("off").unwrap(), ..LogConfig::default() };
    let handle = log.init("yamux=off").unwrap();
    assert_eq!(log.init("yamux=off").unwrap_err(), AlreadyInitialised);
    assert_eq!(LevelFilter::current(), LevelFilter::OFF);
    handle.set_level(&LogFilter::parse("debug").unwrap()).unwrap();
    assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
}
