//! The stream of results: each is written once, whatever is delivered twice.

use crate::fault::Fault;
use crate::store::Store;
use crate::streams::{Fields, RESULTS};
use redis::cmd;
use tokio::sync::{mpsc, oneshot};

/// Results that are written at once, at most, and that wait for it.
const BATCH: usize = 256;

/// For how many seconds a result is known again: longer than a reading can be delivered anew once it was diagnosed.
const KNOWN_FOR: u32 = 300;

/// Adds each result whose reading is not yet among those that were diagnosed for its fault.
const WRITE: &str = "
local at = 3
for entry = 2, #KEYS do
  local id, last = ARGV[at], at + 1 + tonumber(ARGV[at + 1])
  if redis.call('SADD', KEYS[entry], id) == 1 then
    local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, at + 2, last))
    if type(added) == 'table' and added.err then
      redis.call('SREM', KEYS[entry], id)
      return added
    end
    if KEYS[entry] ~= KEYS[entry - 1] then redis.call('EXPIRE', KEYS[entry], ARGV[2]) end
  end
  at = last + 1
end";

/// Where workers put what they found.
#[derive(Clone)]
pub(crate) struct Results(mpsc::Sender<Write>);

struct Write {
    fault: Fault,
    reading: String,
    fields: Fields,
    done: oneshot::Sender<Result<(), String>>,
}

impl Results {
    /// Of which about so many are kept.
    pub(crate) fn new(store: Store, kept: usize) -> Self {
        let (sender, writes) = mpsc::channel(BATCH);
        tokio::spawn(write_all(store, kept, writes));
        Self(sender)
    }

    /// Writes what was found for a reading, unless that was written before.
    ///
    /// # Errors
    /// Redis did not take it, as far as is known.
    pub(crate) async fn write(&self, fault: Fault, reading: &str, fields: Fields) -> Result<(), String> {
        let (done, written) = oneshot::channel();
        let write = Write { fault, reading: reading.to_owned(), fields, done };
        self.0.send(write).await.map_err(|_| "results are not written any more".to_owned())?;
        written.await.unwrap_or_else(|_| Err("it was not written".to_owned()))
    }
}

/// Writes what waits, all at once.
async fn write_all(store: Store, kept: usize, mut writes: mpsc::Receiver<Write>) {
    let mut batch = Vec::with_capacity(BATCH);
    while writes.recv_many(&mut batch, BATCH).await > 0 {
        let mut write = cmd("EVAL");
        write.arg(WRITE).arg(batch.len() + 1).arg(RESULTS);
        for Write { fault, reading, .. } in &batch {
            write.arg(key(*fault, reading));
        }
        write.arg(kept).arg(KNOWN_FOR);
        for Write { reading, fields, .. } in &batch {
            write.arg(reading).arg(2 * fields.len());
            for (name, value) in fields {
                write.arg(name).arg(value);
            }
        }
        let written = store.ask::<()>(&write).await.map_err(|error| error.to_string());
        for Write { done, .. } in batch.drain(..) {
            // A worker that has given up is asked again.
            let _ = done.send(written.clone());
        }
    }
}

/// The set of readings of one minute that were diagnosed for this fault.
fn key(fault: Fault, reading: &str) -> String {
    let (time, _) = crate::entry::place(reading);
    format!("diagnosed:{}:{}", fault.name(), time / 60_000)
}
