//! Encryption: each `--ssl-mode` against servers with TLS, without, and with the wrong one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::common::text;
use crate::server::{self, Server};

/// Runs `openssl` in a folder.
fn openssl(folder: &Path, arguments: &str) -> bool {
    Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Certificates of an authority, of a server called `localhost`, of a client, and of an
/// authority that has nothing to do with them; `None`, said aloud, without `openssl`.
fn certificates() -> Option<TempDir> {
    let folder = TempDir::new().expect("a folder");
    if !openssl(folder.path(), "version") {
        crate::skip::skip("openssl", "no openssl to make certificates with");
        return None;
    }
    std::fs::write(
        folder.path().join("server.ext"),
        "subjectAltName=DNS:localhost\n",
    )
    .expect("it is written");
    std::fs::write(
        folder.path().join("client.ext"),
        "basicConstraints=CA:FALSE\n",
    )
    .expect("it is written");
    let run = |arguments: &str| assert!(openssl(folder.path(), arguments), "openssl {arguments}");
    for name in ["ca", "other"] {
        run(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=test-{name} -keyout {name}-key.pem -out {name}.pem"
        ));
    }
    for name in ["server", "client"] {
        run(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN=test-{name} -keyout {name}-key.pem -out {name}.csr"
        ));
        run(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 3 -extfile {name}.ext -out {name}.pem"
        ));
    }
    for (folder_name, file) in [("right", "ca.pem"), ("wrong", "other.pem")] {
        let inner = folder.path().join(folder_name);
        std::fs::create_dir(&inner).expect("a folder");
        std::fs::copy(folder.path().join(file), inner.join(file)).expect("it is copied");
    }
    // The server runs as another account and has to read its key.
    let readable = Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(folder.path())
        .status();
    assert!(readable.expect("chmod runs").success());
    Some(folder)
}

/// Over TCP, as `user`, whose password is `right-one`.
fn check(server: &Server, host: &str, user: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["check", "--no-defaults", "--format", "json"])
        .args(["--host", host, "--port", &server.port.to_string()])
        .args([
            "--user",
            user,
            "--database",
            "tls",
            "--connect-timeout",
            "5",
        ])
        .args(arguments)
        .env("MYSQL_PWD", "right-one")
        .output()
        .expect("cividb runs")
}

fn prepare(server: &Server) {
    server.load_sample("tls", &[]);
    server.run(
        None,
        "CREATE USER IF NOT EXISTS 'tls_any'@'%' IDENTIFIED BY 'right-one';
         CREATE USER IF NOT EXISTS 'tls_ssl'@'%' IDENTIFIED BY 'right-one' REQUIRE SSL;
         CREATE USER IF NOT EXISTS 'tls_x509'@'%' IDENTIFIED BY 'right-one' REQUIRE X509;
         GRANT SELECT ON tls.* TO 'tls_any'@'%';
         GRANT SELECT ON tls.* TO 'tls_ssl'@'%';
         GRANT SELECT ON tls.* TO 'tls_x509'@'%';",
    );
}

/// It connects, and the report says rightly whether what went over the wire was encrypted.
fn assert_connects(output: &Output, encrypted: bool, at: &str) {
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 1 | 3)),
        "{at}: {}",
        text(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["source"]["server"]["encrypted"], encrypted, "{at}");
}

fn assert_refused(output: &Output, messages: &[&str], at: &str) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{at}: {errors}");
    for message in messages {
        assert!(errors.contains(message), "{at}: {errors}");
    }
    assert_eq!(errors.lines().count(), 1, "{at}: {errors}");
}

#[test]
fn each_mode_connects_or_says_why_not_where_the_server_has_a_certificate() {
    let Some(folder) = certificates() else {
        return;
    };
    let path = |name: &str| -> String {
        let path: PathBuf = folder.path().join(name);
        path.to_str().expect("text").to_owned()
    };
    for known in server::some() {
        let options = ["ca", "cert", "key"].map(|kind| {
            let file = match kind {
                "ca" => "ca.pem",
                "cert" => "server.pem",
                _ => "server-key.pem",
            };
            format!("--ssl-{kind}={}", path(file))
        });
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let server = known.another("tls", &options);
        prepare(&server);
        let [ca, other] = ["ca.pem", "other.pem"].map(path);
        let [right, wrong] = ["right", "wrong"].map(path);
        let [certificate, key] = ["client.pem", "client-key.pem"].map(path);
        let verify = |mode: &'static str, option: &'static str, file: &str| {
            vec!["--ssl-mode", mode, option, file]
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<String>>()
        };
        let one = |mode: &str| vec!["--ssl-mode".to_owned(), mode.to_owned()];
        let untrusted = &["no encrypted connection", "check --ssl-ca"][..];
        for (user, host, arguments, expected) in [
            ("tls_any", "127.0.0.1", vec![], Ok(true)),
            ("tls_any", "127.0.0.1", one("disabled"), Ok(false)),
            ("tls_any", "127.0.0.1", one("preferred"), Ok(true)),
            ("tls_any", "127.0.0.1", one("required"), Ok(true)),
            ("tls_ssl", "127.0.0.1", one("preferred"), Ok(true)),
            (
                "tls_ssl",
                "127.0.0.1",
                one("disabled"),
                Err(&["the account wants TLS"][..]),
            ),
            ("tls_any", "127.0.0.1", one("verify-ca"), Err(untrusted)),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-ca", &ca),
                Ok(true),
            ),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-capath", &right),
                Ok(true),
            ),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-ca", &other),
                Err(untrusted),
            ),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-capath", &wrong),
                Err(untrusted),
            ),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-ca", &key),
                Err(&["--ssl-ca"]),
            ),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-ca", "/nowhere/ca"),
                Err(&["/nowhere/ca"]),
            ),
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-ca", "--ssl-capath", "/nowhere"),
                Err(&["/nowhere"]),
            ),
            // The certificate is for localhost by name.
            (
                "tls_any",
                "127.0.0.1",
                verify("verify-identity", "--ssl-ca", &ca),
                Err(untrusted),
            ),
            (
                "tls_x509",
                "127.0.0.1",
                one("required"),
                Err(&["refuses 'tls_x509'"]),
            ),
            (
                "tls_x509",
                "127.0.0.1",
                [
                    one("required"),
                    vec![
                        "--ssl-cert".to_owned(),
                        certificate.clone(),
                        "--ssl-key".to_owned(),
                        key.clone(),
                    ],
                ]
                .concat(),
                Ok(true),
            ),
            (
                "tls_x509",
                "127.0.0.1",
                [
                    one("required"),
                    vec![
                        "--ssl-cert".to_owned(),
                        certificate.clone(),
                        "--ssl-key".to_owned(),
                        certificate.clone(),
                    ],
                ]
                .concat(),
                Err(&["no encrypted connection"]),
            ),
        ] {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let at = format!("{user} {arguments:?} on {}", known.name);
            let output = check(&server, host, user, &arguments);
            match expected {
                Ok(encrypted) => assert_connects(&output, encrypted, &at),
                Err(messages) => assert_refused(&output, messages, &at),
            }
        }
        // By its name, over TCP: an option file says the protocol.
        let file = folder.path().join("tcp.cnf");
        std::fs::write(&file, "[client]\nprotocol=tcp\n").expect("it is written");
        let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args([
                "check",
                "--format",
                "json",
                "--host",
                "localhost",
                "--user",
                "tls_any",
            ])
            .args(["--port", &server.port.to_string(), "--database", "tls"])
            .args(["--ssl-mode", "verify-identity", "--ssl-ca", &ca])
            .arg("--defaults-file")
            .arg(&file)
            .env("MYSQL_PWD", "right-one")
            .output()
            .expect("cividb runs");
        assert_connects(&output, true, &format!("by name on {}", known.name));
        server.remove();
    }
}

#[test]
fn without_tls_on_the_server_preferred_goes_on_and_required_does_not() {
    let Some(known) = server::installed() else {
        return;
    };
    let server = known.another("tls-none", &["--skip-ssl"]);
    prepare(&server);
    for mode in ["preferred", "disabled"] {
        let output = check(&server, "127.0.0.1", "tls_any", &["--ssl-mode", mode]);
        assert_connects(&output, false, mode);
    }
    for mode in ["required", "verify-ca", "verify-identity"] {
        let output = check(&server, "127.0.0.1", "tls_any", &["--ssl-mode", mode]);
        assert_refused(&output, &["offers no TLS"], mode);
    }
    server.remove();
}

/// MySQL makes its own certificates, and MariaDB from 11.4 on one in memory.
#[test]
fn certificates_that_servers_make_themselves_encrypt_but_prove_nothing() {
    for server in server::all() {
        if !["mysql-9.7", "mariadb-11.8"].contains(&server.name.as_str()) {
            continue;
        }
        prepare(server);
        let at = &server.name;
        for arguments in [&[][..], &["--ssl-mode", "required"]] {
            let output = check(server, "127.0.0.1", "tls_ssl", arguments);
            assert_connects(&output, true, at);
        }
        let output = check(server, "127.0.0.1", "tls_any", &["--ssl-mode", "verify-ca"]);
        assert_refused(&output, &["no encrypted connection"], at);
        if server.is_mysql() {
            let socket = server.socket();
            let authority = socket.with_file_name("data").join("ca.pem");
            let authority = authority.to_str().expect("text");
            let arguments = ["--ssl-mode", "verify-ca", "--ssl-ca", authority];
            let output = check(server, "127.0.0.1", "tls_any", &arguments);
            assert_connects(&output, true, at);
        }
    }
}
