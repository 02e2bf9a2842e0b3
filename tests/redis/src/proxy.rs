//! A proxy in front of Redis that gives its errors in other words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{io, thread};

/// What becomes of the text of an error, without the `-` before it.
type Words = dyn Fn(&str) -> String + Send + Sync;

/// A proxy in front of Redis that gives its errors in other words. Like the address of a service before several
/// servers: connections stay where they are, new ones go where it leads then.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    connections: AtomicUsize,
    ended: AtomicBool,
}

impl Proxy {
    /// Leads to `target`. Its threads end with their connections.
    ///
    /// # Panics
    /// If there is no port.
    #[must_use]
    pub fn start(target: SocketAddr, words: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let (accepting, words): (_, Arc<Words>) = (shared.clone(), Arc::new(words));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.ended.load(Ordering::SeqCst) {
                    break;
                }
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                let target = *accepting.target.lock().expect("nobody panics with it");
                // Fails where the server is gone: then the client sees its connection end.
                let _ = lead(client, target, &words);
            }
        });
        Self { addr, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Leads new connections to another server.
    ///
    /// # Panics
    /// If a thread of it has panicked.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().expect("nobody panics with it") = target;
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.addr);
    }
}

fn lead(client: TcpStream, target: SocketAddr, words: &Arc<Words>) -> io::Result<()> {
    let server = TcpStream::connect(target)?;
    let (mut questions, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        // Either end may go at any time.
        let _ = io::copy(&mut questions, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let words = words.clone();
    thread::spawn(move || {
        let _ = pass_answers(BufReader::new(server), &client, &*words);
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    Ok(())
}

/// Passes lines on, and the bytes that a line announces, until the server ends.
fn pass_answers(mut answers: impl BufRead, mut client: impl Write, words: &Words) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        if answers.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        match text.split_at_checked(1) {
            Some(("-", error)) => line = format!("-{}\r\n", words(error)).into_bytes(),
            Some(("$", length)) => {
                if let Ok(length) = length.parse::<u64>() {
                    (&mut answers).take(length + 2).read_to_end(&mut line)?;
                }
            }
            _ => {}
        }
        client.write_all(&line)?;
    }
}
