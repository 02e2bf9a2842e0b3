//! The lines that are logged while a test runs something.

use parking_lot::Mutex;
use std::fmt::{Debug, Write as _};
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

/// Each as its level, its message, and `field=value` for each field.
pub(crate) fn logged(act: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    // With one subscriber alone `tracing` asks that of the thread that comes to a line first, which in another test may have
    // none, and goes by its answer for good.
    let _another = tracing::Dispatch::new(Lines::default());
    tracing::subscriber::with_default(lines.clone(), act);
    std::mem::take(&mut lines.0.lock())
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let Self(line) = self;
        let written = match field.name() {
            "message" => write!(line, " {value:?}"),
            name => write!(line, " {name}={value:?}"),
        };
        written.expect("a string takes all");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
