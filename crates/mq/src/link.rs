//! The bytes of a connection whose protocol is spoken here: what has come and is not looked at, what is to go, and who has
//! been silent since when.

use crate::dial::Stream;
use bytes::BytesMut;
use frontier_config::format_duration;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout};

/// Room for what comes next, at least.
const ROOM: usize = 16 << 10;

/// For how long it is read what the other side has said before it went away.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The bytes of a connection.
pub(crate) struct Link {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    input: BytesMut,
    output: BytesMut,
    /// Something was written, and may stand in a buffer below.
    is_unflushed: bool,
    /// Within which each side gives a sign of life; `None` before that is known.
    patience: Option<Duration>,
    heard: Instant,
    wrote: Instant,
    /// When the last sign of life was asked for.
    asked: Instant,
    is_paused: bool,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Something was read or written.
    Moved,
    /// Half of the patience is over without a word of one side: a sign of life is due.
    Due,
}

impl Link {
    pub(crate) fn new(stream: Stream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let now = Instant::now();
        Self {
            reader,
            writer,
            input: BytesMut::new(),
            output: BytesMut::new(),
            is_unflushed: false,
            patience: None,
            heard: now,
            wrote: now,
            asked: now,
            is_paused: false,
            broken: None,
        }
    }

    /// From here on a connection whose other side says nothing for twice as long is lost.
    pub(crate) fn expect_life(&mut self, patience: Duration) {
        self.patience = Some(patience);
    }

    /// What has come, and is to be looked at.
    pub(crate) fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Where what is to be sent is appended.
    pub(crate) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Whether all has gone.
    #[cfg(feature = "amqp")]
    pub(crate) fn is_idle(&self) -> bool {
        self.output.is_empty() && !self.is_unflushed
    }

    /// How much is to go.
    pub(crate) fn unsent(&self) -> usize {
        self.output.len()
    }

    /// Reads, unless it is paused, and writes until something has happened. The error is one line. While it is paused the
    /// other side can't be heard, and is not missed. Who goes away may have said why, which is read when nothing can be written.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn progress(&mut self, is_paused: bool) -> Result<Progress, String> {
        if self.is_paused && !is_paused {
            self.heard = Instant::now();
        }
        self.is_paused = is_paused;
        if let Some(error) = &self.broken {
            let read = timeout(LAST_WORDS, self.reader.read_buf(&mut self.input)).await;
            return if matches!(read, Ok(Ok(1..))) { Ok(Progress::Moved) } else { Err(error.clone()) };
        }
        let Self { reader, writer, input, output, is_unflushed, patience, heard, wrote, asked, .. } = self;
        let quiet = (*wrote).min(if is_paused { *wrote } else { *heard }).max(*asked);
        let due = patience.map(|patience| quiet + patience / 2);
        let end = patience.filter(|_| !is_paused).map(|patience| *heard + 2 * patience);
        if !is_paused && input.capacity() - input.len() < ROOM / 4 {
            input.reserve(ROOM);
        }
        tokio::select! {
            biased;
            read = reader.read_buf(input), if !is_paused => match read {
                Ok(0) => return Err("the broker has closed the connection".to_owned()),
                Ok(_) => *heard = Instant::now(),
                Err(error) => return Err(error.to_string()),
            },
            sent = send(writer, output, is_unflushed), if !output.is_empty() || *is_unflushed => {
                match sent {
                    Ok(()) => *wrote = Instant::now(),
                    Err(error) => self.broken = Some(error.to_string()),
                }
            }
            () = at(end) => {
                return Err(format!("no sign of life from the broker for {}", format_duration(heard.elapsed())));
            }
            () = at(due) => {
                *asked = Instant::now();
                return Ok(Progress::Due);
            }
        }
        Ok(Progress::Moved)
    }

    /// The stream itself, for another layer upon it.
    #[cfg(feature = "nsq")]
    pub(crate) fn into_stream(self) -> Result<Stream, String> {
        if !self.input.is_empty() {
            return Err("the broker goes on where another layer was to begin".to_owned());
        }
        Ok(self.reader.unsplit(self.writer))
    }

    /// Writes all that is to go.
    #[cfg(any(test, feature = "amqp", feature = "mqtt"))]
    pub(crate) async fn flush(&mut self) -> std::io::Result<()> {
        let Self { writer, output, is_unflushed, .. } = self;
        while !output.is_empty() || *is_unflushed {
            send(writer, output, is_unflushed).await?;
        }
        Ok(())
    }
}

/// Writes some of it, or flushes what was written.
///
/// # Cancel safety
/// Cancel safe.
async fn send(
    writer: &mut WriteHalf<Stream>,
    output: &mut BytesMut,
    is_unflushed: &mut bool,
) -> std::io::Result<()> {
    if output.is_empty() {
        writer.flush().await?;
        *is_unflushed = false;
    } else {
        writer.write_buf(output).await?;
        *is_unflushed = true;
    }
    Ok(())
}

/// Waits until then; for ever without a time.
pub(crate) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
    use tokio::time::advance;

    fn link(size: usize) -> (Link, DuplexStream) {
        let (ours, theirs) = duplex(size);
        (Link::new(Box::new(ours)), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_is_asked_and_then_given_up() {
        let (mut link, mut other) = link(64);
        link.expect_life(Duration::from_secs(10));
        let start = Instant::now();
        assert_eq!(link.progress(false).await, Ok(Progress::Due));
        assert_eq!(start.elapsed().as_secs(), 5);
        other.write_all(b"a").await.unwrap();
        assert_eq!(link.progress(false).await, Ok(Progress::Moved));
        let heard = Instant::now();
        let mut asked = 0;
        let cause = loop {
            match link.progress(false).await {
                Ok(_) => asked += 1,
                Err(cause) => break cause,
            }
        };
        assert_eq!((heard.elapsed().as_secs(), asked), (20, 3), "{cause}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_is_paused_nothing_is_read_and_nobody_missed() {
        let (mut link, mut other) = link(64);
        link.expect_life(Duration::from_secs(10));
        other.write_all(b"a").await.unwrap();
        for _ in 0..10 {
            assert_eq!(link.progress(true).await, Ok(Progress::Due));
        }
        assert!(link.input().is_empty());
        assert_eq!(link.progress(false).await, Ok(Progress::Moved));
        assert_eq!(&link.input()[..], b"a");
        // What it did not hear counts from here on.
        advance(Duration::from_secs(19)).await;
        assert!(link.progress(false).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_to_go_goes_in_parts_while_something_comes() {
        let (mut link, mut other) = link(4);
        link.output().extend_from_slice(b"0123456789");
        let mut got = [0; 10];
        let reading = async {
            for byte in got.chunks_mut(1) {
                other.read_exact(byte).await.unwrap();
            }
        };
        tokio::join!(reading, async { link.flush().await.unwrap() });
        assert_eq!((&got, link.unsent()), (b"0123456789", 0));
        drop(other);
        let ended = timeout(Duration::from_secs(10), link.progress(false)).await.unwrap();
        assert_eq!(ended.unwrap_err(), "the broker has closed the connection");
    }

    /// A connection whose other side has gone away, and has said why before: nothing can be written any more.
    struct Gone(&'static [u8]);

    impl AsyncRead for Gone {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            match self.0 {
                // It comes a moment after the writer was told.
                [] => Poll::Ready(Ok(())),
                [first, rest @ ..] if *first == b'.' => {
                    self.0 = rest;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                said => {
                    buf.put_slice(said);
                    self.0 = b"";
                    Poll::Ready(Ok(()))
                }
            }
        }
    }

    impl AsyncWrite for Gone {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
            Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_that_nothing_can_be_written_reads_what_was_said_before() {
        for paused in [false, true] {
            let mut link = Link::new(Box::new(Gone(b".too large")));
            link.output().extend_from_slice(b"too much");
            assert_eq!(link.progress(paused).await, Ok(Progress::Moved), "it is not lost yet");
            assert!(link.input().is_empty());
            assert_eq!(link.progress(paused).await, Ok(Progress::Moved));
            assert_eq!(&link.input()[..], b"too large");
            let cause = link.progress(paused).await.unwrap_err();
            assert_eq!(cause, "broken pipe");
        }
    }

    #[tokio::test]
    async fn what_was_said_before_a_connection_broke_is_read_though_nothing_can_be_written() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        let mut link = Link::new(Box::new(ours));
        // What it has not read makes its end a reset.
        link.output().extend_from_slice(b"too much");
        link.flush().await.unwrap();
        theirs.readable().await.unwrap();
        theirs.write_all(b"too large").await.unwrap();
        drop(theirs);
        // As one finds it that was about to write.
        link.broken = Some("Broken pipe".to_owned());
        while link.input().len() < 9 {
            assert_eq!(link.progress(false).await, Ok(Progress::Moved));
        }
        assert_eq!(&link.input()[..], b"too large");
        assert_eq!(link.progress(false).await, Err("Broken pipe".to_owned()));
    }
}
