//! The terminal: its other screen, which gives way to what was there before, and its keys.

use crate::failure::Outcome;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyModifiers};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{execute, queue};
use std::io::{Write as _, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthChar as _;

/// How soon the thread that reads keys ends after the screen.
const POLL: Duration = Duration::from_millis(100);

/// What a key, or a change of the terminal, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Redraw,
}

/// The terminal while this lives; afterwards it is as before.
pub(super) struct Screen {
    keys: mpsc::Receiver<Key>,
    is_over: Arc<AtomicBool>,
}

impl Screen {
    pub(super) fn open() -> Outcome<Self> {
        let (sender, keys) = mpsc::channel(16);
        let screen = Self { keys, is_over: Arc::default() };
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        let is_over = screen.is_over.clone();
        std::thread::spawn(move || read_keys(&sender, &is_over));
        Ok(screen)
    }

    /// Draws these lines for the width of the terminal; what does not fit is cut.
    pub(super) fn draw(&mut self, lines: impl FnOnce(usize) -> Vec<String>) -> Outcome {
        // Some terminals, such as serial ones, do not know.
        let (width, height) = match size()? {
            (0, _) | (_, 0) => (80, 24),
            known => known,
        };
        let mut frame = Vec::new();
        queue!(frame, BeginSynchronizedUpdate)?;
        let lines = lines(width.into());
        for (row, line) in (0..height).zip(lines.iter().map(String::as_str).chain(std::iter::repeat(""))) {
            queue!(frame, MoveTo(0, row), Clear(ClearType::CurrentLine))?;
            frame.extend_from_slice(fitting(line, width.into()).as_bytes());
        }
        queue!(frame, EndSynchronizedUpdate)?;
        let mut output = stdout().lock();
        output.write_all(&frame)?;
        Ok(output.flush()?)
    }

    /// The next key that means something.
    ///
    /// It is cancel safe.
    pub(super) async fn key(&mut self) -> Key {
        // Without the thread nobody could ever leave.
        self.keys.recv().await.unwrap_or(Key::Quit)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // They fail only where there is no terminal any more.
        let _ = execute!(stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

fn read_keys(sender: &mpsc::Sender<Key>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let key = match event::poll(POLL).and_then(|is_there| is_there.then(event::read).transpose()) {
            Ok(None) => continue,
            Err(_) => return,
            Ok(Some(Event::Resize(..))) => Key::Redraw,
            Ok(Some(Event::Key(key))) => match key.code {
                KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
                KeyCode::Char(' ') => Key::Redraw,
                _ => continue,
            },
            Ok(Some(_)) => continue,
        };
        if sender.blocking_send(key).is_err() {
            return;
        }
    }
}

/// As much of a line as fits, without anything that would move the cursor.
fn fitting(line: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= width
    };
    line.chars().filter(|character| !character.is_control()).take_while(fits).collect()
}
