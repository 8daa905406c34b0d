//! Writes the manual pages, one for cividb and one for each command, into a folder:
//!
//! ```sh
//! cargo run --example man-pages -- FOLDER
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use cividb::cli::Cli;
use clap::CommandFactory;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).ok_or("usage: man-pages FOLDER")?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    clap_mangen::generate_to(Cli::command(), &folder)?;
    Ok(())
}
