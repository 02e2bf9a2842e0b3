//! What the library has to say, for example why it does not connect yet: by `tracing`, to whoever listens. The examples
//! print warnings to standard error; `RUST_LOG` says what else.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub(crate) fn to_stderr() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
