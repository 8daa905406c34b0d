//! Stands between the program and a server, reads the statements that go by, and breaks the
//! connection where a test wants it broken.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use tempfile::TempDir;

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on to the server.
    Pass,
    /// The connection breaks before the server sees it.
    Cut,
    /// The server runs it, and the connection breaks before the answer.
    PassThenCut,
    /// The server never sees it, and the answer is that it took too long.
    TimeOut,
}

/// A socket that leads to a server.
pub struct Proxy {
    folder: TempDir,
    panicked: Arc<AtomicBool>,
}

/// Decides on each statement.
type Judge = Arc<dyn Fn(&str) -> Action + Send + Sync>;

impl Proxy {
    /// Leads to the socket `server`; `judge` sees every statement sent as text.
    pub fn start(server: PathBuf, judge: impl Fn(&str) -> Action + Send + Sync + 'static) -> Self {
        let folder = TempDir::new().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("sock")).expect("a socket");
        let panicked = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&panicked);
        // A judge that panics breaks its connection, or else the program would wait for ever.
        let judge: Judge = Arc::new(move |sql| {
            let action = catch_unwind(AssertUnwindSafe(|| judge(sql)));
            action.unwrap_or_else(|_| {
                seen.store(true, Ordering::SeqCst);
                Action::Cut
            })
        });
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let judge = Arc::clone(&judge);
                let server = server.clone();
                std::thread::spawn(move || connect(client, &server, &judge));
            }
        });
        Self { folder, panicked }
    }

    /// The socket to connect to.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    /// `mysql://…` of a database through it, for root.
    pub fn url(&self, database: &str) -> String {
        format!(
            "mysql://root@localhost/{database}?socket={}",
            self.socket().display()
        )
    }
}

impl Drop for Proxy {
    /// A panic of the judge fails the test.
    fn drop(&mut self) {
        let panicked = self.panicked.load(Ordering::SeqCst);
        assert!(
            !panicked || std::thread::panicking(),
            "the proxy's judge panicked"
        );
    }
}

fn connect(mut client: UnixStream, server: &Path, judge: &Judge) -> Option<()> {
    let mut server = UnixStream::connect(server).ok()?;
    let answers = server.try_clone().ok()?;
    let to_client = client.try_clone().ok()?;
    let (answered, answer) = mpsc::channel();
    let mute = Arc::new(AtomicBool::new(false));
    let muted = Arc::clone(&mute);
    let answering = std::thread::spawn(move || pass_answers(answers, to_client, &muted, &answered));
    while let Some(packet) = packet(&mut client) {
        const COM_QUERY: u8 = 3;
        // A packet: three bytes of length, its number, the command and the text. Those of the
        // handshake have higher numbers.
        let action = match packet.get(3..5) {
            Some([0, COM_QUERY]) => judge(&String::from_utf8_lossy(packet.get(5..)?)),
            _ => Action::Pass,
        };
        if action == Action::Cut {
            break;
        }
        if action == Action::TimeOut {
            client.write_all(&time_out()).ok()?;
            continue;
        }
        if action == Action::PassThenCut {
            // The client hears nothing of the answer, by which the statement has run.
            mute.store(true, Ordering::SeqCst);
            while answer.try_recv().is_ok() {}
        }
        server.write_all(&packet).ok()?;
        if action == Action::PassThenCut {
            let _ = answer.recv();
            break;
        }
    }
    // The server lets go of what the session held before the client learns that it is over.
    let _ = server.shutdown(Shutdown::Write);
    let _ = answering.join();
    let _ = client.shutdown(Shutdown::Both);
    Some(())
}

/// Passes the server's answers on, unless muted, until it closes the connection; tells of each.
fn pass_answers(
    mut server: UnixStream,
    mut client: UnixStream,
    muted: &AtomicBool,
    answered: &mpsc::Sender<()>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        // Whoever is not there any more misses nothing.
        let _ = answered.send(());
        if !muted.load(Ordering::SeqCst) {
            let _ = client.write_all(&buffer[..count]);
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// The answer of MySQL to a statement that took longer than `max_execution_time`.
fn time_out() -> Vec<u8> {
    const ER_QUERY_TIMEOUT: u16 = 3024;
    let mut payload = vec![0xFF];
    payload.extend(ER_QUERY_TIMEOUT.to_le_bytes());
    payload.extend(b"#HY000it took too long");
    let mut packet = vec![payload.len() as u8, 0, 0, 1];
    packet.extend(payload);
    packet
}

fn packet(from: &mut UnixStream) -> Option<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet).ok()?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..]).ok()?;
    Some(packet)
}
