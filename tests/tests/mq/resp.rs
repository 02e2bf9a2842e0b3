//! A client of Redis: the values of RESP2, one after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection to a server.
pub(crate) struct Resp(BufReader<TcpStream>);

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Nil,
}

/// An entry of a stream, by its fields.
pub(crate) type Entry = Vec<(String, Vec<u8>)>;

impl Resp {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn ask(&mut self, command: &[&str]) -> Value {
        let mut bytes = format!("*{}\r\n", command.len());
        for word in command {
            bytes += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
        self.value()
    }

    /// All entries of a stream.
    pub(crate) fn entries(&mut self, key: &str) -> Vec<Entry> {
        let entries = self.ask(&["XRANGE", key, "-", "+"]).list();
        let fields = |entry: Value| entry.list().remove(1).list();
        let pairs =
            |fields: Vec<Value>| fields.chunks(2).map(|pair| (pair[0].text(), pair[1].bytes())).collect();
        entries.into_iter().map(|entry| pairs(fields(entry))).collect()
    }

    /// The payloads of all entries of a stream.
    pub(crate) fn payloads(&mut self, key: &str) -> Vec<Vec<u8>> {
        self.entries(key).iter().map(|entry| field(entry, "payload").to_vec()).collect()
    }

    /// The next value that the server says by itself.
    pub(crate) fn value(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        let len = || usize::try_from(rest.parse::<i64>().unwrap());
        match kind {
            "+" | "-" => Value::Text(line.trim_end().to_owned()),
            ":" => Value::Number(rest.parse().unwrap()),
            "$" => len().map_or(Value::Nil, |len| {
                let mut bytes = vec![0; len + 2];
                self.0.read_exact(&mut bytes).unwrap();
                bytes.truncate(len);
                Value::Bytes(bytes)
            }),
            "*" => len().map_or(Value::Nil, |len| Value::List((0..len).map(|_| self.value()).collect())),
            _ => panic!("the server says {line:?}"),
        }
    }
}

impl Value {
    pub(crate) fn list(self) -> Vec<Self> {
        let Self::List(list) = self else { panic!("{self:?}") };
        list
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self::Bytes(bytes) = self else { panic!("{self:?}") };
        bytes.clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

/// The value of a field, which must be there.
pub(crate) fn field<'e>(entry: &'e Entry, name: &str) -> &'e [u8] {
    let found = entry.iter().find(|(field, _)| field == name);
    &found.unwrap_or_else(|| panic!("{name} is not in {entry:?}")).1
}
