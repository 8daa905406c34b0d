//! Makes the lists of the history files in `schemas/` and of the step files in `schemas/upgrade/`, so that the
//! program carries them, and tells it how it is built.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=schemas");
    println!("cargo::rustc-env=CIVIDB_BUILD={}", build());
    let folder = fs::canonicalize("schemas")?;
    let mut code = String::new();
    let mut tables = String::new();
    for path in json_files(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "releases.json" {
            code += &format!("const EMBEDDED_RELEASES: &str = include_str!({path:?});\n");
        } else {
            let _ = writeln!(tables, "    ({name:?}, include_str!({path:?})),");
        }
    }
    code += &format!("const EMBEDDED_TABLES: &[(&str, &str)] = &[\n{tables}];\n");
    let mut steps = String::new();
    let step_files = json_files(&folder.join("upgrade"))?;
    for path in &step_files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(
            steps,
            "    StepFile::new({name:?}, include_str!({path:?})),"
        );
    }
    let steps = format!(
        "static EMBEDDED_STEPS: [StepFile; {}] = [\n{steps}];\n",
        step_files.len()
    );
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("embedded_schemas.rs"), code)?;
    fs::write(Path::new(&out).join("embedded_steps.rs"), steps)
}

/// The JSON files of a folder in the order of their names.
fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    Ok(files)
}

/// The profile, the target and the compiler of this build, in words.
fn build() -> String {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    // PROFILE knows two names only; what is built by a profile lies in a folder of its name, four levels above.
    let out = PathBuf::from(variable("OUT_DIR"));
    let folder = out.ancestors().nth(3).and_then(Path::file_name);
    let profile = folder.unwrap_or_default().to_string_lossy();
    let rustc = Command::new(variable("RUSTC")).arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let rustc = rustc.unwrap_or_default();
    let version = rustc.split(' ').take(2).collect::<Vec<_>>().join(" ");
    format!("profile {profile}, {}, {version}", variable("TARGET"))
}
