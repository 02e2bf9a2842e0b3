//! Starting the process-wide logger, in a process of its own.

use frontier_daemon::telemetry::{AlreadyInitialised, LogConfig, LogFilter};

#[test]
fn logging_starts_once() {
    let log = LogConfig { level: LogFilter::parse("off").unwrap(), ..LogConfig::default() };
    assert_eq!(log.init("yamux=off"), Ok(()));
    assert_eq!(log.init("yamux=off"), Err(AlreadyInitialised));
}
