//! What a server answers, as bytes of others: nothing of it may make the program panic or hang. The fuzzer reads them by
//! the same function.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use cividb::change::definition::read_definitions;
use cividb::integrity::ExportOptions;
use cividb::integrity::server::{self, Limits};
use cividb::server::login::Given;
use cividb::source::{Access, Location};
use tempfile::TempDir;

use crate::whole_way;

/// How long the server waits for the next statement of a client, which may still wait for the rest of an answer that
/// has none. It is longer where nothing is changed.
const PATIENCE: Duration = Duration::from_millis(50);
const MORE_PATIENCE: Duration = Duration::from_secs(20);

/// What a server sends.
enum Script {
    /// Answers that are made of packets, whose numbers are right whatever becomes of them.
    Packets(VecDeque<Vec<Vec<u8>>>),
    /// Answers byte by byte.
    Bytes(VecDeque<Vec<u8>>),
    /// Everything at once, the greeting as well.
    All(Vec<u8>),
}

/// A server in this process, which has a script of what it sends.
struct Puppet {
    _folder: TempDir,
    socket: PathBuf,
}

static SCRIPT: Mutex<(Script, Duration)> = Mutex::new((Script::All(Vec::new()), PATIENCE));
static PUPPET: LazyLock<Puppet> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let socket = folder.path().join("sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // Clients that go away in the middle are what is tested.
            let _ = serve(client);
        }
    });
    Puppet {
        _folder: folder,
        socket,
    }
});

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = payload.len().to_le_bytes()[..3].to_vec();
    packet.push(number);
    packet.extend(payload);
    packet
}

fn greeting() -> Vec<u8> {
    // All capabilities but TLS and compression.
    let capabilities = (!((1_u32 << 11) | (1 << 5))).to_le_bytes();
    let mut greeting = b"\x0a8.0.36\0\x07\0\0\x0012345678\0".to_vec();
    greeting.extend([capabilities[0], capabilities[1], 45, 2, 0]);
    greeting.extend([capabilities[2], capabilities[3], 21]);
    greeting.extend([0; 10]);
    greeting.extend(b"abcdefghijkl\0mysql_native_password\0");
    greeting
}

fn received(client: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 4];
    client.read_exact(&mut head)?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    client.read_exact(&mut payload)?;
    Ok(payload)
}

/// Whether an answer names so many columns that the library asks for more memory than there is: the program then ends
/// with a message (`src/main.rs`), and this process would abort.
fn has_too_many_columns(answer: &[u8]) -> bool {
    let Some([0xfe, count @ ..]) = answer.get(4..) else {
        return false;
    };
    let count = count.first_chunk().copied().map(u64::from_le_bytes);
    count.is_some_and(|count| count > 1 << 24)
}

/// The next answer of the script.
fn next() -> Option<Vec<u8>> {
    answer().filter(|answer| !has_too_many_columns(answer))
}

fn answer() -> Option<Vec<u8>> {
    match &mut SCRIPT.lock().unwrap_or_else(PoisonError::into_inner).0 {
        Script::All(_) => None,
        Script::Bytes(answers) => answers.pop_front(),
        Script::Packets(answers) => {
            let packets = answers
                .pop_front()?
                .into_iter()
                .zip((1..=255).chain((0..=255).cycle()));
            Some(
                packets
                    .flat_map(|(payload, number)| packet(number, &payload))
                    .collect(),
            )
        }
    }
}

fn serve(mut client: UnixStream) -> std::io::Result<()> {
    let (all, patience) = match &*SCRIPT.lock().unwrap_or_else(PoisonError::into_inner) {
        (Script::All(bytes), patience) => (Some(bytes.clone()), *patience),
        (_, patience) => (None, *patience),
    };
    client.set_read_timeout(Some(patience))?;
    client.set_write_timeout(Some(patience))?;
    if let Some(all) = all {
        client.write_all(&all)?;
        return Ok(());
    }
    client.write_all(&packet(0, &greeting()))?;
    received(&mut client)?;
    client.write_all(&packet(2, OK))?;
    loop {
        let statement = received(&mut client)?;
        // What has no rows is no question.
        let is_question =
            statement.starts_with(b"\x03SELECT") || statement.starts_with(b"\x03SHOW");
        let is_question = is_question || statement.starts_with(b"\x03--");
        let answer = if is_question {
            next()
        } else {
            Some(packet(1, OK))
        };
        let Some(answer) = answer else { return Ok(()) };
        client.write_all(&answer)?;
    }
}

/// Pieces that each have their length in front of them, in as many bytes.
fn pieces(mut data: &[u8], bytes: usize) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some((head, rest)) = data.split_at_checked(bytes) {
        let length = head
            .iter()
            .rev()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (piece, rest) = rest.split_at(length.min(rest.len()));
        pieces.push(piece.to_vec());
        data = rest;
    }
    pieces
}

/// Reads a site from a server that answers what these bytes say. The first byte says how: `p`: answers of packets, each
/// with its length in front of it in two bytes, and an empty one after each answer; `b`: answers, each with its length in
/// three; anything else: all at once, with the greeting.
pub fn read(data: &[u8]) {
    reads(data, PATIENCE);
}

/// Reads what is not changed like [`read`]; returns whether the site was read as a whole.
pub fn read_whole(data: &[u8]) -> bool {
    reads(data, MORE_PATIENCE)
}

fn reads(data: &[u8], patience: Duration) -> bool {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((how, data)) = data.split_first() else {
        return false;
    };
    let script = match how {
        b'p' => {
            let mut answers = VecDeque::from([Vec::new()]);
            for packet in pieces(data, 2) {
                match (packet.is_empty(), answers.back_mut()) {
                    (false, Some(answer)) => answer.push(packet),
                    _ => answers.push_back(Vec::new()),
                }
            }
            Script::Packets(answers)
        }
        b'b' => Script::Bytes(pieces(data, 3).into()),
        _ => Script::All(data.to_vec()),
    };
    *SCRIPT.lock().unwrap_or_else(PoisonError::into_inner) = (script, patience);
    let access = Access {
        given: Given {
            no_defaults: true,
            ..Given::default()
        },
        ..Access::default()
    };
    let socket = PUPPET.socket.display();
    let url = format!("mysql://root@localhost/civicrm?socket={socket}");
    let Ok(Location::Server(site)) = Location::one(&url, &access) else {
        panic!("{url} is a server");
    };
    let Ok((mut connection, database)) = site.connect(None) else {
        return false;
    };
    let Ok(mut snapshot) = site.read(&mut connection, &database) else {
        return false;
    };
    let mut is_whole = read_definitions(&mut connection, &mut snapshot).is_ok();
    drop(connection);
    whole_way::of(snapshot, |case, questions| {
        let limits = Limits {
            connections: 1,
            ..Limits::default()
        };
        let answers = server::answer(
            &|| Ok(site.connect(None)?.0),
            &case.snapshot.schema,
            questions,
            &|_| 0,
            limits,
            &ExportOptions::default(),
        );
        is_whole &= answers.is_ok();
        answers.ok()
    });
    is_whole
}
