//! Writes the files of this folder from a folder of state files, one per schema that some
//! CiviCRM release had:
//!
//! ```sh
//! cargo run --release --example schema-history -- ../shared/facts/schemas
//! ```
//!
//! It also writes a hash of each state to `tests/data/state-hashes.json`, made from the state
//! files and not from the histories, so that the tests can prove that nothing was lost.

mod state_file;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use cividb::civicrm::catalogue::Catalogue;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os()
        .nth(1)
        .ok_or("usage: schema-history FOLDER-OF-STATE-FILES")?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schemas = project.join("schemas");

    let states = state_file::read_folder(Path::new(&folder))?;
    let mut hashes = Vec::new();
    for (state, schema) in &states {
        hashes.push(format!(
            "\"{}\": \"{}\"",
            state.name,
            state_file::fingerprint(schema)?
        ));
    }
    for entry in fs::read_dir(&schemas)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            fs::remove_file(path)?;
        }
    }
    for (name, text) in Catalogue::from_states(states).to_files()? {
        fs::write(schemas.join(name), text)?;
    }
    let data = project.join("tests/data");
    fs::create_dir_all(&data)?;
    fs::write(
        data.join("state-hashes.json"),
        format!("{{\n {}\n}}\n", hashes.join(",\n ")),
    )?;
    Ok(())
}
