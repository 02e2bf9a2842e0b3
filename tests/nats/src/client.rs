//! A client of NATS: the lines of its protocol, one after the other.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Within this a server says something.
const DEADLINE: Duration = Duration::from_secs(15);

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    next_subscription: u32,
}

/// A message that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The subject that it was published to.
    pub subject: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Client {
    /// Connects, as nobody in particular.
    ///
    /// # Panics
    /// If it can't.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        Self::connect_as(addr, "")
    }

    /// Connects with more of `CONNECT`, such as `"user":"u","pass":"p",`.
    ///
    /// # Panics
    /// If it can't.
    #[must_use]
    pub fn connect_as(addr: SocketAddr, login: &str) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout that is not 0");
        let mut client = Self { stream: BufReader::new(stream), next_subscription: 1 };
        assert!(client.line().starts_with("INFO "));
        client.write(format!("CONNECT {{{login}\"verbose\":false,\"headers\":true}}\r\n").as_bytes());
        client.settle();
        client
    }

    /// Subscribes; whatever is published from when this returns on comes.
    ///
    /// # Panics
    /// If the connection is lost.
    pub fn subscribe(&mut self, subject: &str) {
        let number = self.next_subscription;
        self.next_subscription += 1;
        self.write(format!("SUB {subject} {number}\r\n").as_bytes());
        self.settle();
    }

    /// Asks, and gives the answer's payload.
    ///
    /// # Panics
    /// If there is none.
    pub fn request(&mut self, subject: &str, payload: &str) -> Vec<u8> {
        let inbox = format!("_INBOX.test.{}", self.next_subscription);
        self.subscribe(&inbox);
        self.publish(subject, &inbox, payload);
        loop {
            let received = self.receive();
            if received.subject == inbox {
                return received.payload;
            }
        }
    }

    /// Publishes, and asks for answers to `reply` unless it is empty.
    ///
    /// # Panics
    /// If the connection is lost.
    pub fn publish(&mut self, subject: &str, reply: &str, payload: &str) {
        self.write(format!("PUB {subject} {reply} {}\r\n{payload}\r\n", payload.len()).as_bytes());
    }

    /// The next message.
    ///
    /// # Panics
    /// If none comes.
    pub fn receive(&mut self) -> Received {
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |word: &str| word.parse::<usize>().expect("a length");
            let (head, len) = match words[..] {
                ["PING"] => {
                    self.write(b"PONG\r\n");
                    continue;
                }
                ["MSG", .., len] => (0, number(len)),
                ["HMSG", .., head, len] => (number(head), number(len)),
                ["PONG" | "INFO", ..] => continue,
                _ => panic!("the server says {line:?}"),
            };
            let mut bytes = vec![0; len + 2];
            self.stream.read_exact(&mut bytes).expect("all of it comes");
            let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
            let headers = text.lines().filter_map(|line| line.split_once(": "));
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return Received { subject: words[1].to_owned(), headers, payload: bytes[head..len].to_vec() };
        }
    }

    /// Waits until the server has looked at everything that was sent. No message may be on its way meanwhile.
    fn settle(&mut self) {
        self.write(b"PING\r\n");
        loop {
            match &*self.line() {
                "PONG" => return,
                "PING" => self.write(b"PONG\r\n"),
                line => assert!(line.starts_with("INFO "), "the server says {line:?}"),
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the server says something");
        line.trim_end().to_owned()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the connection stands");
    }
}
