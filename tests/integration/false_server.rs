//! Servers that lie: what the program gives away, and how it ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{cividb, text};
use crate::proxy::{Action, Proxy};

/// The password that nobody may see.
const PASSWORD: &str = "s3cret-of-mine";

/// What a false server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// It asks by this plug-in, at once or by a switch to it, and takes what comes.
    Plugin(&'static str),
    /// It wants caching_sha2_password's full authentication, with a key of its own.
    FullAuthentication,
    /// It answers the first question with this many columns.
    Columns(u64),
    /// It never stops naming columns.
    EndlessColumns,
    /// It never stops sending rows.
    EndlessRows,
    /// It never stops sending rows of one byte.
    EndlessSmallRows,
    /// It never stops sending rows in answer to a setting of the session.
    EndlessRemarks,
    /// It never stops saying that there is another answer.
    EndlessAnswers,
    /// It says that there is another answer, and hangs up.
    AnotherAnswer,
    /// It never ends one row.
    EndlessRow,
    /// It answers nothing.
    Silence,
    /// It sends one byte of a row every tenth of a second.
    Trickle,
    /// It asks for a file of the client.
    LocalInfile,
    /// It answers with an error of control characters.
    Escapes,
}

/// A running false server.
struct FalseServer {
    port: u16,
    /// All that clients have sent.
    heard: Arc<Mutex<Vec<u8>>>,
}

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short packet");
    let mut packet = length.to_le_bytes()[..3].to_vec();
    packet.push(number);
    packet.extend(payload);
    packet
}

fn text_of(value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short text");
    let mut text = match u8::try_from(length) {
        Ok(length @ 0..=250) => vec![length],
        _ => [&[0xfc][..], &length.to_le_bytes()].concat(),
    };
    text.extend(value);
    text
}

fn column(name: &[u8]) -> Vec<u8> {
    let mut column = [&b"def"[..], b"", b"", b"", name, name]
        .map(text_of)
        .concat();
    column.extend([0x0c, 45, 0, 0, 4, 0, 0, 253, 0, 0, 0, 0, 0]);
    column
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];

fn greeting(plugin: &str) -> Vec<u8> {
    // All capabilities but TLS and compression.
    let capabilities = !((1_u32 << 11) | (1 << 5));
    let mut greeting = b"\x0a8.0.36\0\x07\0\0\x0012345678\0".to_vec();
    greeting.extend(&capabilities.to_le_bytes()[..2]);
    greeting.extend([45, 2, 0]);
    greeting.extend(&capabilities.to_le_bytes()[2..]);
    greeting.push(21);
    greeting.extend([0; 10]);
    greeting.extend(b"abcdefghijkl\0");
    greeting.extend(plugin.as_bytes());
    greeting.push(0);
    greeting
}

impl FalseServer {
    fn start(lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let hears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let heard = Arc::clone(&hears);
                // Clients that go away in the middle are what is tested.
                std::thread::spawn(move || drop(serve(client, lie, &heard)));
            }
        });
        Self { port, heard }
    }

    fn check(&self, more: &[&str]) -> Output {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("my.cnf");
        let login = format!(
            "[client]\nhost=127.0.0.1\nport={}\nuser=root\npassword={PASSWORD}\ndatabase=civi\n",
            self.port
        );
        std::fs::write(&file, login).expect("it is written");
        let file = format!("--defaults-file={}", file.display());
        std::process::Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(["check", &file, "--color", "never", "--connect-timeout", "5"])
            .args(more)
            .arg("mysql://")
            .current_dir(folder.path())
            .output()
            .expect("cividb runs")
    }

    fn heard(&self) -> Vec<u8> {
        self.heard.lock().expect("no thread panics").clone()
    }
}

fn read(client: &mut TcpStream, heard: &Mutex<Vec<u8>>) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    client.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
    let mut payload = vec![0; length];
    client.read_exact(&mut payload)?;
    heard.lock().expect("no thread panics").extend(&payload);
    Ok((head[3], payload))
}

fn serve(mut client: TcpStream, lie: Lie, heard: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let first = match lie {
        Lie::FullAuthentication => "caching_sha2_password",
        _ => "mysql_native_password",
    };
    client.write_all(&packet(0, &greeting(first)))?;
    let (mut number, _) = read(&mut client, heard)?;
    match lie {
        Lie::Plugin(plugin) => {
            let mut switch = vec![0xfe];
            switch.extend(plugin.as_bytes());
            switch.extend(b"\0abcdefghijklmnopqrst\0");
            client.write_all(&packet(number + 1, &switch))?;
            (number, _) = read(&mut client, heard)?;
        }
        Lie::FullAuthentication => {
            client.write_all(&packet(number + 1, &[1, 4]))?;
            (number, _) = read(&mut client, heard)?;
        }
        _ => {}
    }
    client.write_all(&packet(number + 1, OK))?;
    loop {
        let (_, question) = read(&mut client, heard)?;
        // The settings of the session are no questions.
        if question.get(1..4) == Some(b"SET") && lie != Lie::EndlessRemarks {
            client.write_all(&packet(1, OK))?;
            continue;
        }
        if lie == Lie::AnotherAnswer {
            return answer(&mut client, lie, heard);
        }
        answer(&mut client, lie, heard)?;
    }
}

fn answer(client: &mut TcpStream, lie: Lie, heard: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let head = [
        packet(1, &[1]),
        packet(2, &column(b"server_version")),
        packet(3, EOF),
    ]
    .concat();
    match lie {
        Lie::Columns(count) => {
            let mut payload = vec![0xfe];
            payload.extend(count.to_le_bytes());
            client.write_all(&packet(1, &payload))
        }
        Lie::EndlessColumns => {
            client.write_all(&packet(1, &[0xfc, 0xff, 0xff]))?;
            let name = vec![b'c'; 60_000];
            for number in (2..=255_u8).chain((0..=255).cycle()) {
                client.write_all(&packet(number, &column(&name)))?;
            }
            Ok(())
        }
        Lie::EndlessRows => {
            client.write_all(&head)?;
            let row = text_of(&vec![b'x'; 60_000]);
            for number in (4..=255_u8).chain(0..=3).cycle() {
                client.write_all(&packet(number, &row))?;
            }
            Ok(())
        }
        Lie::EndlessSmallRows | Lie::EndlessRemarks => {
            client.write_all(&head)?;
            let rows: Vec<u8> = (0..=255_u8)
                .cycle()
                .skip(4)
                .take(1 << 14)
                .flat_map(|number| packet(number, &text_of(b"x")))
                .collect();
            loop {
                client.write_all(&rows)?;
            }
        }
        Lie::EndlessAnswers | Lie::AnotherAnswer => {
            const ANOTHER: &[u8] = &[0xfe, 0, 0, 10, 0];
            const OK_AND_ANOTHER: &[u8] = &[0, 0, 0, 10, 0, 0, 0];
            client.write_all(&head)?;
            client.write_all(&packet(4, &text_of(b"8.0.36")))?;
            client.write_all(&packet(5, ANOTHER))?;
            if lie == Lie::AnotherAnswer {
                return Ok(());
            }
            loop {
                client.write_all(&packet(1, OK_AND_ANOTHER))?;
            }
        }
        Lie::EndlessRow => {
            client.write_all(&head)?;
            let part = vec![b'A'; 0xff_ffff];
            for number in (4..=255_u8).chain(0..=3).cycle() {
                client.write_all(&[0xff, 0xff, 0xff, number])?;
                client.write_all(&part)?;
            }
            Ok(())
        }
        Lie::Silence => {
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        }
        Lie::Trickle => {
            client.write_all(&head)?;
            for byte in packet(4, &text_of(&vec![b'A'; 3000])) {
                client.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
        Lie::LocalInfile => {
            client.write_all(&packet(1, b"\xfb/etc/passwd"))?;
            let (number, _) = read(client, heard)?;
            client.write_all(&packet(number + 1, OK))
        }
        Lie::Escapes => {
            let mut payload = vec![0xff, 0x28, 0x04];
            payload.extend(b"#42000err\x1b[2J\x1b]52;c;eA==\x07\nPASS \xe2\x80\xae");
            client.write_all(&packet(1, &payload))
        }
        Lie::Plugin(_) | Lie::FullAuthentication => client.write_all(&packet(1, OK)),
    }
}

fn holds(text: &[u8], part: &str) -> bool {
    memchr::memmem::find(text, part.as_bytes()).is_some()
}

#[test]
fn no_plug_in_gets_the_password_over_a_connection_that_is_not_encrypted() {
    // What is sent instead: a proof that is good for this connection's nonce alone, or nothing.
    for (lie, said) in [
        (Lie::FullAuthentication, Some("wants the password itself")),
        (Lie::Plugin("mysql_clear_password"), Some("no connection")),
        (Lie::Plugin("mysql_old_password"), Some("no connection")),
        (Lie::Plugin("sha256_password"), Some("no connection")),
        (Lie::Plugin("dialog"), Some("no connection")),
        (
            Lie::Plugin("authentication_ldap_simple"),
            Some("no connection"),
        ),
        (Lie::Plugin("mysql_native_password"), None),
        (Lie::Plugin("caching_sha2_password"), None),
        (Lie::Plugin("client_ed25519"), None),
        (Lie::Plugin("parsec"), None),
    ] {
        let server = FalseServer::start(lie);
        let output = server.check(&[]);
        let heard = server.heard();
        let errors = text(&output.stderr);
        assert!(!holds(&heard, PASSWORD), "{lie:?}");
        // The request for the server's own key is one byte of its own.
        assert!(!errors.contains(PASSWORD), "{lie:?}: {errors}");
        if let Some(said) = said {
            assert_eq!(output.status.code(), Some(2), "{lie:?}: {errors}");
            assert!(errors.contains(said), "{lie:?}: {errors}");
        }
        if lie == Lie::FullAuthentication {
            assert!(errors.contains("--server-public-key-path"), "{errors}");
            assert_ne!(heard.last(), Some(&2), "its own key is asked for");
        }
    }
}

#[test]
fn a_server_that_lies_about_its_answers_is_given_up_with_a_reason() {
    for (lie, said) in [
        (Lie::Columns(1 << 63), "is not to be read"),
        (Lie::EndlessSmallRows, "sent more than 256 MiB in answer"),
        (Lie::EndlessAnswers, "sent more than one answer"),
        (Lie::AnotherAnswer, "the connection was lost"),
        (Lie::EndlessColumns, "sent more than 512 MiB at once"),
        (Lie::EndlessRows, "sent more than 256 MiB in answer"),
        (Lie::EndlessRow, "the connection was lost"),
        (Lie::Silence, "it did not go on answering within 2 seconds"),
        (Lie::Trickle, "it did not go on answering within 2 seconds"),
    ] {
        let server = FalseServer::start(lie);
        let begun = Instant::now();
        // What takes memory takes its time on a busy machine.
        let limit = match lie {
            Lie::Silence | Lie::Trickle => "2",
            // It goes on until then.
            Lie::EndlessRow => "20",
            _ => "240",
        };
        let output = server.check(&["--read-timeout", limit]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{lie:?}: {errors}");
        assert!(errors.contains(said), "{lie:?}: {errors}");
        assert!(
            errors.contains("while reading the server's version"),
            "{lie:?}: {errors}"
        );
        assert!(!errors.contains("panicked"), "{lie:?}: {errors}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(60), "{lie:?}: {took:?}");
    }
}

/// The library that reads packets asks for memory for so many.
#[test]
fn a_server_that_names_more_columns_than_there_is_memory_for_is_a_failure_with_a_reason() {
    let output = FalseServer::start(Lie::Columns(1 << 40)).check(&[]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("out of memory"), "{errors}");
}

#[test]
fn a_server_that_answers_a_setting_with_rows_without_end_is_given_up() {
    let server = FalseServer::start(Lie::EndlessRemarks);
    let begun = Instant::now();
    let output = server.check(&["--read-timeout", "240"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("in answer"), "{errors}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{errors}");
}

#[test]
fn a_server_that_stops_in_the_middle_of_a_change_is_given_up_and_what_is_left_is_said() {
    let Some(server) = crate::server::installed() else {
        return;
    };
    let database = "stops_answering";
    server.load(database, &crate::common::sample());
    // However the test ends, so does the wait.
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let proxy = Proxy::start(server.socket(), move |sql| {
        if !sql.starts_with("UPDATE civicrm_domain") {
            return Action::Pass;
        }
        let _ = ended.lock().expect("no panic").recv();
        Action::Cut
    });
    let folder = tempfile::tempdir().expect("a folder");
    let url = proxy.url(database);
    let set = [
        "version", &url, "--set", "4.4.5", "--force", "--apply", "--yes",
    ];
    let limit = ["--journal", "k", "--read-timeout", "2"];
    let output = cividb(folder.path(), &[&set[..], &limit].concat());
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    for said in [
        "it did not go on answering within 2 seconds",
        "while reading the version of domain 1",
        "cividb undo k takes back what was done",
    ] {
        assert!(errors.contains(said), "{errors}");
    }
    drop(end);
    server.wait_until_unused(database);
    server.run(None, &format!("DROP DATABASE {database}"));
}

#[test]
fn a_server_gets_no_file_of_the_client_and_cannot_write_on_the_terminal() {
    let server = FalseServer::start(Lie::LocalInfile);
    server.check(&[]);
    assert!(!holds(&server.heard(), "root:"));
    let server = FalseServer::start(Lie::Escapes);
    let output = server.check(&[]);
    let shown = [output.stdout, output.stderr].concat();
    let is_hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text(&shown).contains(is_hidden), "{}", text(&shown));
}

#[test]
fn the_servers_own_public_key_lets_the_password_through_without_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    for server in crate::server::all() {
        if !server.is_mysql() {
            continue;
        }
        server.load("public_key", &crate::common::sample());
        server.run(
            None,
            "DROP USER IF EXISTS 'sha2'@'%';
             CREATE USER 'sha2'@'%' IDENTIFIED WITH caching_sha2_password BY 'right-one';
             GRANT SELECT ON public_key.* TO 'sha2'@'%'; FLUSH PRIVILEGES",
        );
        let key = server.run(
            None,
            "SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'",
        );
        let key = key.split_once('\t').expect("two columns").1;
        std::fs::write(folder.path().join("key.pem"), key).expect("it is written");
        std::fs::write(folder.path().join("bad.pem"), "not a key").expect("it is written");
        let port = server.port.to_string();
        let login = [
            "--host",
            "127.0.0.1",
            "-u",
            "sha2",
            "--database",
            "public_key",
        ];
        let connect = |more: &[&str]| {
            let plain = ["mysql://sha2:right-one@127.0.0.1", "--ssl-mode", "disabled"];
            cividb(
                folder.path(),
                &[&["version", "-P", &port][..], &login, &plain, more].concat(),
            )
        };
        let refused = connect(&[]);
        assert_eq!(refused.status.code(), Some(2));
        let errors = text(&refused.stderr);
        assert!(errors.contains("wants the password itself"), "{errors}");
        let bad = connect(&["--server-public-key-path", "bad.pem"]);
        assert_eq!(bad.status.code(), Some(2));
        assert!(
            text(&bad.stderr).contains("public key"),
            "{}",
            text(&bad.stderr)
        );
        assert!(
            !text(&bad.stderr).contains("panicked"),
            "{}",
            text(&bad.stderr)
        );
        let given = connect(&["--server-public-key-path", "key.pem"]);
        assert!(given.status.code() < Some(2), "{}", text(&given.stderr));
    }
}
