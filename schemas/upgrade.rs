//! Writes the lines of upgrade steps into `src/civicrm/upgrade_adds.tsv` and `upgrade_drops.tsv`:
//!
//! ```sh
//! cargo run --example upgrade-steps -- 6.16.alpha1.json …
//! ```
//!
//! Lines of the same revisions are replaced, so that it can be run again. Of revisions that stand in
//! `upgrade-by-hand.txt` nothing is changed, which it says.

mod upgrade_lines;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use upgrade_lines::{Step, by_hand, replace};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/civicrm");
    let [adds_file, drops_file] =
        ["upgrade_adds.tsv", "upgrade_drops.tsv"].map(|name| folder.join(name));
    let mut adds = fs::read_to_string(&adds_file)?;
    let mut drops = fs::read_to_string(&drops_file)?;
    let files: Vec<_> = env::args_os().skip(1).collect();
    if files.is_empty() {
        return Err("usage: upgrade-steps STEP-FILE...".into());
    }
    for file in files {
        let name = Path::new(&file).display();
        let text = fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        let Some(step) = Step::read(&text).map_err(|error| format!("{name}: {error}"))? else {
            println!("{name}: not about a revision");
            continue;
        };
        if by_hand().any(|revision| revision == step.revision) {
            println!("{}: kept by hand, not changed", step.revision);
            continue;
        }
        let lines = step.lines();
        println!(
            "{}: {} added keys, {} dropped",
            step.revision,
            lines.adds.len(),
            lines.drops.len()
        );
        adds = replace(&adds, &step.revision, &lines.adds);
        drops = replace(&drops, &step.revision, &lines.drops);
    }
    fs::write(adds_file, adds)?;
    fs::write(drops_file, drops)?;
    Ok(())
}
