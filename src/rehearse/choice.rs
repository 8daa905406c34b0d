//! Which server program restores the dump.

use std::path::Path;

use super::RehearseError;
use crate::sandbox::{Program, SandboxError};
use crate::server_version::ServerVersion;

/// The server that was chosen, and why.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The program.
    pub program: Program,
    /// Whether the user named it.
    pub named: bool,
    /// Other servers on this machine, by their versions.
    pub others: Vec<ServerVersion>,
}

/// Chooses the program that `on` names (a server such as `mariadb-10.11`, or a path), or else the one on this
/// machine that is nearest to the server of the dump.
///
/// # Errors
/// There is no server program, or not the one that was asked for.
pub fn choose(on: Option<&str>, dump: Option<&ServerVersion>) -> Result<Choice, RehearseError> {
    let wanted = on.map(ServerVersion::parse_target);
    if let (Some(named), Some(Err(_))) = (on, &wanted) {
        let path = Path::new(named);
        if !path.exists() {
            return Err(RehearseError::NoSuchServer(named.to_owned()));
        }
        return Ok(Choice {
            program: Program::find(Some(path))?,
            named: true,
            others: Vec::new(),
        });
    }
    let all = Program::all();
    let wanted = wanted.and_then(Result::ok);
    let fits = |program: &&Program| wanted.as_ref().is_none_or(|it| is(program.version(), it));
    let nearest = all
        .iter()
        .filter(fits)
        .min_by_key(|program| dump.map(|dump| distance(program.version(), dump)));
    match (nearest, &wanted) {
        (Some(program), _) => {
            let is_other = |other: &&Program| other.path() != program.path();
            let others = all.iter().filter(is_other);
            Ok(Choice {
                others: others.map(|other| other.version().clone()).collect(),
                program: program.clone(),
                named: wanted.is_some(),
            })
        }
        (None, Some(wanted)) if !all.is_empty() => {
            let found = all.iter().map(|program| program.version().to_string());
            Err(RehearseError::NotInstalled {
                wanted: wanted.to_string(),
                found: found.collect::<Vec<_>>().join(", "),
            })
        }
        // It says where it was looked for, and what to install.
        _ => Err(Program::find(None)
            .err()
            .unwrap_or_else(|| SandboxError::NoServer("PATH".to_owned()))
            .into()),
    }
}

/// Whether a server is of the series that was asked for: numbers that were left out are any.
fn is(found: &ServerVersion, wanted: &ServerVersion) -> bool {
    let parts = |version: &ServerVersion| [version.number.0, version.number.1, version.number.2];
    let same = |(found, wanted): (u32, u32)| wanted == u32::MAX || found == wanted;
    found.family == wanted.family && parts(found).into_iter().zip(parts(wanted)).all(same)
}

/// How far a server is from that of a dump: another family is farthest, an older server farther than a newer one,
/// which takes what the older one wrote.
fn distance(found: &ServerVersion, dump: &ServerVersion) -> (bool, bool, u64) {
    let place = |version: &ServerVersion| {
        let (major, minor, patch) = version.number;
        u64::from(major) * 1_000_000 + u64::from(minor.min(999)) * 1000 + u64::from(patch.min(999))
    };
    let (ours, theirs) = (place(found), place(dump));
    let is_older = (found.number.0, found.number.1) < (dump.number.0, dump.number.1);
    (found.family != dump.family, is_older, ours.abs_diff(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_server_is_of_the_same_family_and_not_older() {
        let version = |text: &str| ServerVersion::parse(text).unwrap();
        let nearest = |dump: &str, found: &[&str]| {
            let all: Vec<ServerVersion> = found.iter().map(|text| version(text)).collect();
            let dump = version(dump);
            let nearest = all.into_iter().min_by_key(|it| distance(it, &dump));
            nearest.map(|it| it.text).unwrap_or_default()
        };
        let all = ["10.5.29-MariaDB", "10.11.14-MariaDB", "8.0.36", "9.7.0"];
        assert_eq!(nearest("5.7.37", &all), "8.0.36");
        assert_eq!(nearest("8.4.3", &all), "9.7.0");
        assert_eq!(nearest("10.6.18-MariaDB", &all), "10.11.14-MariaDB");
        assert_eq!(nearest("11.4.2-MariaDB", &all), "10.11.14-MariaDB");
        assert_eq!(nearest("5.7.37", &["10.11.14-MariaDB"]), "10.11.14-MariaDB");
        assert_eq!(
            nearest("10.11.2-MariaDB", &["10.11.1-MariaDB", "11.8.2-MariaDB"]),
            "10.11.1-MariaDB"
        );
    }

    #[test]
    fn a_series_means_every_release_of_it() {
        let version = |text: &str| ServerVersion::parse(text).unwrap();
        let wanted = |text: &str| ServerVersion::parse_target(text).unwrap();
        assert!(is(&version("10.11.14-MariaDB"), &wanted("mariadb-10.11")));
        assert!(is(&version("10.11.14-MariaDB"), &wanted("mariadb-10")));
        assert!(!is(&version("10.11.14-MariaDB"), &wanted("mariadb-10.6")));
        assert!(!is(&version("9.7.0"), &wanted("mariadb-10.11")));
    }
}
