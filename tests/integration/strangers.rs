//! What listens where a server should be, and is none.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// What a listener does with who connects.
type Stranger = fn(TcpStream) -> std::io::Result<()>;

/// Stays silent until the other side goes.
fn silent(mut client: TcpStream) -> std::io::Result<()> {
    client.read_to_end(&mut Vec::new()).map(drop)
}

fn echo(mut client: TcpStream) -> std::io::Result<()> {
    let mut back = client.try_clone()?;
    std::io::copy(&mut client, &mut back).map(drop)
}

fn closing(_: TcpStream) -> std::io::Result<()> {
    Ok(())
}

fn ssh(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")?;
    silent(client)
}

/// One packet that says it is as large as can be, and others after it.
fn huge(mut client: TcpStream) -> std::io::Result<()> {
    let content = vec![b'\n'; 0xff_ffff];
    for number in 0..8 {
        client.write_all(&[0xff, 0xff, 0xff, number])?;
        client.write_all(&content)?;
    }
    Ok(())
}

fn zeros(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(&[0; 4000])?;
    silent(client)
}

#[test]
fn what_is_no_server_is_an_error_in_time() {
    let strangers: [(&str, Stranger, &str); 6] = [
        ("silent", silent, "nothing answered in time"),
        ("echo", echo, "nothing answered in time"),
        ("closing", closing, "no connection"),
        ("ssh", ssh, "does not speak the protocol"),
        ("huge", huge, "does not speak the protocol"),
        ("zeros", zeros, "no connection"),
    ];
    // All at once: most of the time they wait.
    std::thread::scope(|scope| {
        for (name, stranger, message) in strangers {
            scope.spawn(move || is_no_server(name, stranger, message));
        }
    });
}

fn is_no_server(name: &str, stranger: Stranger, message: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // However it ends, it is over.
            std::thread::spawn(move || stranger(client));
        }
    });
    for mode in ["disabled", "preferred", "required"] {
        let begun = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(["version", "--no-defaults", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--user", "someone"])
            .args(["--connect-timeout", "1", "--ssl-mode", mode])
            .output()
            .expect("cividb runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        let at = format!("{name}, {mode}: {errors}");
        assert_eq!(output.status.code(), Some(2), "{at}");
        assert!(errors.contains(message), "{at}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{at}");
    }
}
