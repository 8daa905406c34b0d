//! Waits for a server with a limit: of time for each piece of an answer, and of memory while the library puts
//! one together, which it does without any.

use std::fs;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::ServerError;

/// How often the watch looks.
const PAUSE: Duration = Duration::from_millis(100);

/// How many bytes the process may grow by while one piece of an answer is read: a row is at most 1 GiB long, and none
/// of CiviCRM's comes near that.
const GROWTH: u64 = 512 << 20;

/// After what time the user is told that a server is waited for; and again whenever that has doubled.
const TELL_AFTER: Duration = Duration::from_secs(30);

/// The function that tells the user that a server is waited for.
static TELL: OnceLock<fn(&str)> = OnceLock::new();

/// Says who is told that a server is waited for; the first call counts.
pub fn tell_with(tell: fn(&str)) {
    let _ = TELL.set(tell);
}

/// Why a connection was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Nothing came for this time.
    Silence(Duration),
    /// One piece of an answer takes more memory than this many bytes.
    TooMuch(u64),
}

impl GivenUp {
    /// The reason as the middle of a sentence.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Silence(limit) => format!("it did not go on answering within {}", seconds(limit)),
            Self::TooMuch(bytes) => format!("it sent more than {} MiB at once", bytes >> 20),
        }
    }
}

fn seconds(time: Duration) -> String {
    crate::text::count(time.as_secs(), "second")
}

/// What is waited for now.
struct Waiting {
    about: String,
    limit: Duration,
}

#[derive(Default)]
struct State {
    waiting: Option<Waiting>,
    given_up: Option<GivenUp>,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Counts the pieces of answers that have come.
    pieces: AtomicU64,
    /// Whether a piece is being worked on, and the server is not waited for.
    is_busy: AtomicBool,
}

/// Watches one connection.
pub(super) struct Watch {
    shared: Arc<Shared>,
    line: Arc<TcpStream>,
}

impl Watch {
    /// Watches a connection; `None` where the system has no handle or thread left for that.
    pub(super) fn of(connection: &impl AsRawFd) -> Option<Self> {
        // SAFETY: the connection, which is borrowed, keeps its socket open until this function returns.
        let socket = unsafe { BorrowedFd::borrow_raw(connection.as_raw_fd()) };
        // Of whatever family the socket is: it is only shut down.
        let line = Arc::new(TcpStream::from(socket.try_clone_to_owned().ok()?));
        let shared = Arc::<Shared>::default();
        let watched = (Arc::clone(&shared), Arc::clone(&line));
        let watching = std::thread::Builder::new().name("watch".to_owned());
        watching.spawn(move || watch(&watched.0, &watched.1)).ok()?;
        Some(Self { shared, line })
    }

    /// Ends the connection, of which nothing more is to be read.
    pub(super) fn hang_up(&self) {
        // It may be gone already.
        let _ = self.line.shutdown(Shutdown::Both);
    }

    /// Begins to wait for an answer to what `about` says.
    pub(super) fn begin(&self, about: &str, limit: Duration) {
        let about = about.to_owned();
        // Where the work on a piece panicked, it is over.
        self.shared.is_busy.store(false, Ordering::Relaxed);
        self.shared.pieces.fetch_add(1, Ordering::Relaxed);
        self.set(|state| state.waiting = Some(Waiting { about, limit }));
    }

    /// Notes that a piece of the answer has come, which `work` is done with meanwhile.
    pub(super) fn piece<T>(&self, work: impl FnOnce() -> T) -> T {
        self.shared.is_busy.store(true, Ordering::Relaxed);
        let result = work();
        self.shared.pieces.fetch_add(1, Ordering::Relaxed);
        self.shared.is_busy.store(false, Ordering::Relaxed);
        result
    }

    /// Ends waiting; returns why the connection was given up, if it was.
    pub(super) fn end(&self) -> Option<GivenUp> {
        self.set(|state| {
            state.waiting = None;
            state.given_up
        })
    }

    fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let state = self.shared.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        self.shared.changed.notify_one();
        result
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(|state| state.is_over = true);
    }
}

/// Looks at a connection until it is over.
fn watch(shared: &Shared, line: &TcpStream) {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    // The piece that is waited for, since when, the memory then, and when the user is told.
    let mut piece = u64::MAX;
    let (mut since, mut memory, mut tell_at) = (Instant::now(), 0, TELL_AFTER);
    while !state.is_over {
        let Some(waiting) = &state.waiting else {
            let woken = shared.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let now = shared.pieces.load(Ordering::Relaxed);
        if now != piece || shared.is_busy.load(Ordering::Relaxed) {
            (piece, since, memory, tell_at) = (now, Instant::now(), used(), TELL_AFTER);
        }
        let waited = since.elapsed();
        if waited >= tell_at {
            tell_at *= 2;
            if let Some(tell) = TELL.get() {
                tell(&format!(
                    "still waiting for {} ({})",
                    waiting.about,
                    seconds(waited)
                ));
            }
        }
        let given_up = match used().saturating_sub(memory) > GROWTH {
            true => Some(GivenUp::TooMuch(GROWTH)),
            false => (waited >= waiting.limit).then_some(GivenUp::Silence(waiting.limit)),
        };
        if given_up.is_some() {
            state.given_up = given_up;
            state.waiting = None;
            // It may be gone already.
            let _ = line.shutdown(Shutdown::Both);
            continue;
        }
        let woken = shared.changed.wait_timeout(state, PAUSE);
        state = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The memory of this process in bytes; 0 where the system does not say.
fn used() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let resident = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    resident.unwrap_or_default() * rustix::param::page_size() as u64
}

/// Runs what the library does, whose panics become errors: it trusts what servers say.
///
/// # Errors
/// It panicked; the error tells with which words.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    thread_local! {
        static IS_GUARDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    static HOOK: OnceLock<()> = OnceLock::new();
    HOOK.get_or_init(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                usual(panic);
            }
        }));
    });
    let before = IS_GUARDED.replace(true);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    IS_GUARDED.set(before);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("an answer that breaks the protocol")
            .to_owned()
    })
}

/// What is said of a connection that is of no use any more.
pub(super) fn lost(server: String, question: &str, why: &str) -> ServerError {
    ServerError::Lost {
        server,
        question: question.to_owned(),
        message: why.to_owned(),
    }
}
