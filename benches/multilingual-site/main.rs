//! `multilingual-site RELEASE FORM`: writes the dump of a multilingual site of a release, such as 5.81, to standard output.
//! FORM says how the columns of each language are made: `nullable` as before 5.16, `no-default` as in 5.16 to 5.65,
//! `default` as from 5.66 on, `mixed` as upgrades leave them.

use std::io::{self, Write as _};
use std::process::ExitCode;

use cividb::civicrm::catalogue::Catalogue;

mod site;

use site::Form;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Ok(catalogue), [release, form]) = (Catalogue::embedded(), &arguments[..]) else {
        eprintln!("multilingual-site RELEASE nullable|no-default|default|mixed");
        return ExitCode::FAILURE;
    };
    if catalogue.state(release).is_none() {
        eprintln!("multilingual-site: no schema is known by the name {release}; 5.81 is one");
        return ExitCode::FAILURE;
    }
    let form: fn(&str, &str, &str) -> Form = match form.as_str() {
        "nullable" => |_, _, _| Form::Nullable,
        "no-default" => |_, _, _| Form::NoDefault,
        "default" => |_, _, _| Form::Default,
        _ => site::mixed,
    };
    let text = site::dump(catalogue, release, form);
    match io::stdout().write_all(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
