//! What is asked of Redis: Lua scripts, and commands beside them.

use bytes::Bytes;
use redis::{Cmd, Value, cmd};

/// A script; the server has it under its hash once it has been run. It may be run twice.
#[derive(Debug)]
pub struct Script {
    text: String,
    hash: String,
    /// Whether it writes, if only where there is something to write.
    pub(crate) writes: bool,
}

impl Script {
    /// Of these parts, one after the other.
    #[must_use]
    pub fn new(parts: &[&str], writes: bool) -> Self {
        let text = parts.concat();
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash, writes }
    }

    /// The command that runs it where it is loaded.
    pub(crate) fn by_hash(&self, key: &str, args: &Args) -> Cmd {
        args.after(cmd("EVALSHA").arg(&self.hash).arg(1).arg(key))
    }

    /// The command that loads and runs it.
    pub(crate) fn by_text(&self, key: &str, args: &Args) -> Cmd {
        args.after(cmd("EVAL").arg(&self.text).arg(1).arg(key))
    }
}

/// The arguments of a script or a command, in their order.
#[derive(Clone, Debug, Default)]
pub struct Args(Vec<Bytes>);

impl Args {
    /// The first one alone: scripts take the prefix of all keys there.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self::default().arg(prefix)
    }

    /// One more, as text.
    #[must_use]
    pub fn arg(self, value: impl ToString) -> Self {
        self.bytes(value.to_string().into())
    }

    /// One more, as it is.
    #[must_use]
    pub fn bytes(mut self, value: Bytes) -> Self {
        self.0.push(value);
        self
    }

    /// More of them, as texts.
    #[must_use]
    pub fn all<T: ToString>(self, values: impl IntoIterator<Item = T>) -> Self {
        values.into_iter().fold(self, Self::arg)
    }

    fn after(&self, command: &mut Cmd) -> Cmd {
        for value in &self.0 {
            command.arg(&value[..]);
        }
        std::mem::take(command)
    }
}

/// A command beside scripts. It may be sent twice.
#[derive(Clone, Debug)]
pub struct Command {
    name: &'static str,
    args: Args,
    pub(crate) writes: bool,
    /// The key whose node of a cluster it goes to, if it has none itself.
    pub(crate) node_of: Option<String>,
}

impl Command {
    /// One that reads.
    #[must_use]
    pub fn reading(name: &'static str, args: Args) -> Self {
        Self { name, args, writes: false, node_of: None }
    }

    /// One that writes.
    #[must_use]
    pub fn writing(name: &'static str, args: Args) -> Self {
        Self { name, args, writes: true, node_of: None }
    }

    /// The same, to the node of a cluster that has this key.
    #[must_use]
    pub fn at_node_of(self, key: &str) -> Self {
        Self { node_of: Some(key.to_owned()), ..self }
    }

    pub(crate) fn build(&self) -> Cmd {
        self.args.after(&mut cmd(self.name))
    }
}

/// Whether the server does not have the script, as after a restart.
pub(crate) fn is_not_loaded(result: &redis::RedisResult<Value>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.kind() == redis::ErrorKind::Server(redis::ServerErrorKind::NoScript))
}
