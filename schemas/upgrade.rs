//! Writes the step files of `schemas/upgrade` from files of facts about upgrade steps, whose form README.md describes:
//!
//! ```sh
//! cargo run --example upgrade-steps -- facts/*.json
//! ```
//!
//! A file of the same revision is replaced, so that it can be run again.

mod upgrade_facts;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/upgrade");
    let files: Vec<_> = env::args_os().skip(1).collect();
    if files.is_empty() {
        return Err("usage: upgrade-steps FACTS-FILE...".into());
    }
    fs::create_dir_all(&folder)?;
    for file in files {
        let name = Path::new(&file).display();
        let text = fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        let (stem, text) =
            upgrade_facts::step(&text).map_err(|error| format!("{name}: {error}"))?;
        fs::write(folder.join(format!("{stem}.json")), text)?;
    }
    Ok(())
}
