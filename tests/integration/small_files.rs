//! The small files of others, of which none may make the program panic or hang: journals, settings files, option
//! files, login paths, grants, references. The fuzzer reads them by the same function.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use cividb::change::journal::Record;
use cividb::civicrm::own_references::OwnReferences;
use cividb::grants::Grants;
use cividb::server::login::{Given, System, gather};
use cividb::source::{Access, Location};

/// The kinds of files.
pub const KINDS: u8 = 6;

fn journal(path: &Path) {
    if let Ok(record) = Record::read(path) {
        for (step, _) in &record.steps {
            let _ = step.check_inverse();
        }
    }
}

fn options(path: &Path, is_login_path: bool) {
    let login_file = |name: &str| -> Option<OsString> {
        (is_login_path && name == "MYSQL_TEST_LOGIN_FILE").then(|| path.into())
    };
    let system = System {
        variable: &login_file,
        root: Path::new("/nowhere"),
        is_superuser: false,
    };
    let given = Given {
        no_defaults: is_login_path,
        defaults_file: (!is_login_path).then(|| path.to_owned()),
        ..Given::default()
    };
    let _ = gather(given, None, &system);
}

/// Reads a file of one of [`KINDS`] kinds.
pub fn read(kind: u8, data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.php");
    fs::write(&path, data).expect("it is written");
    match kind % KINDS {
        0 => journal(&path),
        1 => drop(Location::one(
            path.to_str().expect("a path"),
            &Access::default(),
        )),
        2 => options(&path, false),
        3 => {
            // Others must not be able to read it, or it is not read.
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, mode).expect("its mode is set");
            options(&path, true);
        }
        4 => drop(Grants::parse(&String::from_utf8_lossy(data))),
        _ => {
            fs::rename(&path, folder.path().join("x.json")).expect("it is renamed");
            let own = OwnReferences::in_folder(folder.path().to_owned());
            drop(own.load("x"));
        }
    }
}
