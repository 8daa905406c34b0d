//! Lays out the history files of `schemas/` as Rust data, so that the program reads nothing when it starts, makes the
//! list of the step files of `schemas/upgrade/`, whose texts the program carries, and tells it how it is built.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=schemas");
    println!("cargo::rustc-env=CIVIDB_BUILD={}", build());
    let folder = fs::canonicalize("schemas")?;
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("embedded_schemas.rs"), catalogue(&folder)?)?;
    let mut steps = String::new();
    for path in json_files(&folder.join("upgrade"))? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(steps, "    ({name:?}, include_str!({path:?})),");
    }
    let steps = format!("const EMBEDDED_STEPS: &[(&str, &str)] = &[\n{steps}];\n");
    Ok(fs::write(out.join("embedded_steps.rs"), steps)?)
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

/// The types of the data are those of `src/civicrm/catalogue/embedded.rs`; its tests compare it with the files.
fn catalogue(folder: &Path) -> Result<String> {
    let mut releases = None;
    let mut tables = Vec::new();
    for path in json_files(folder)? {
        let read = || -> Result<Value> { Ok(serde_json::from_str(&fs::read_to_string(&path)?)?) };
        let json = read().map_err(|error| format!("{}: {error}", path.display()))?;
        if path.file_name().is_some_and(|name| name == "releases.json") {
            releases = Some(json);
        } else {
            tables.push((path, json));
        }
    }
    let releases = releases.ok_or("schemas/releases.json is not there")?;
    let states = list(&releases, "states");
    let places: HashMap<&str, usize> = states.iter().map(|s| text(s, "name")).zip(0..).collect();
    let all = format!("&[(0, {})]", places.len().saturating_sub(1));
    let runs = |line: &Value| runs(line, &all, &places);

    let mut code = String::from("const STATES: &[State] = &[\n");
    for state in states {
        let _ = writeln!(
            code,
            "    State {{ name: {:?}, read_at: {:?}, releases: {} }},",
            text(state, "name"),
            text(state, "read_at"),
            texts(state, "releases"),
        );
    }
    code += "];\nconst DEFAULTS: &[(States, Defaults)] = &[\n";
    for line in list(&releases, "defaults") {
        let _ = writeln!(
            code,
            "    ({}, Defaults {{ engine: {:?}, charset: {:?}, collation: {:?}, row_format: {:?} }}),",
            runs(line)?,
            text(line, "engine"),
            text(line, "charset"),
            text(line, "collation"),
            line["row_format"].as_str(),
        );
    }
    code += "];\nconst EXTENSIONS: &[(States, Extension)] = &[\n";
    for line in list(&releases, "extensions") {
        let _ = writeln!(
            code,
            "    ({}, Extension {{ key: {:?}, installed: {} }}),",
            runs(line)?,
            text(line, "key"),
            variant(
                "Installed",
                text(line, "installed"),
                &["always", "by-default", "on-standalone", "on-request"]
            )?,
        );
    }
    code += "];\nstatic TABLES: &[Table] = &[\n";
    for (path, json) in &tables {
        let written = table(json, &places, &all);
        code += &written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    code += "];\n";
    Ok(code)
}

fn table(json: &Value, places: &HashMap<&str, usize>, all: &str) -> Result<String> {
    let mut whole: Vec<(usize, usize)> = Vec::new();
    for line in list(json, "table") {
        whole.extend(ranges(line, places)?.unwrap_or_else(|| vec![(0, places.len() - 1)]));
    }
    whole.sort_unstable();
    whole.dedup_by(|next, run| {
        let touches = next.0 <= run.1 + 1;
        if touches {
            run.1 = run.1.max(next.1);
        }
        touches
    });
    let whole = format!("&{whole:?}");
    let mut code = format!(
        "    Table {{ name: {:?}, variant: {}, options: &[\n",
        text(json, "name"),
        is(json, "variant", false),
    );
    for line in list(json, "table") {
        let _ = writeln!(
            code,
            "        ({}, Options {{ owner: {:?}, log: {}, primary_key: {}, collation: {:?}, row_format: {:?} }}),",
            runs(line, all, places)?,
            text(line, "owner"),
            is(line, "log", false),
            texts(line, "primary_key"),
            line["collation"].as_str(),
            line["row_format"].as_str(),
        );
    }
    code += "    ], columns: &[\n";
    for line in list(json, "columns") {
        let explicit = match &line["explicit_defaults"] {
            Value::Null => "None".to_owned(),
            explicit => format!("Some({})", attributes(explicit)),
        };
        let _ = writeln!(
            code,
            "        ({}, Column {{ name: {:?}, data_type: {:?}, attributes: {}, auto_increment: {}, collation: {:?}, \
             localizable: {}, explicit_defaults: {explicit} }}),",
            runs(line, &whole, places)?,
            text(line, "name"),
            text(line, "type"),
            attributes(line),
            is(line, "auto_increment", false),
            line["collation"].as_str(),
            is(line, "localizable", false),
        );
    }
    code += "    ], indexes: &[\n";
    for line in list(json, "indexes") {
        let kind = line["kind"].as_str().unwrap_or("plain");
        let _ = writeln!(
            code,
            "        ({}, Index {{ name: {:?}, kind: {}, columns: {}, localizable: {}, implied_by_fk: {} }}),",
            runs(line, &whole, places)?,
            text(line, "name"),
            variant(
                "IndexKind",
                kind,
                &["plain", "unique", "fulltext", "spatial"]
            )?,
            texts(line, "columns"),
            is(line, "localizable", false),
            is(line, "implied_by_fk", false),
        );
    }
    code += "    ], foreign_keys: &[\n";
    for line in list(json, "foreign_keys") {
        let action = |key: &str| {
            let action = line[key].as_str().unwrap_or("RESTRICT");
            variant(
                "ReferentialAction",
                action,
                &["RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"],
            )
        };
        let _ = writeln!(
            code,
            "        ({}, ForeignKey {{ name: {:?}, columns: {}, ref_table: {:?}, ref_columns: {}, on_delete: {}, \
             on_update: {} }}),",
            runs(line, &whole, places)?,
            text(line, "name"),
            texts(line, "columns"),
            text(line, "ref_table"),
            texts(line, "ref_columns"),
            action("on_delete")?,
            action("on_update")?,
        );
    }
    code += "    ] },\n";
    Ok(code)
}

fn attributes(json: &Value) -> String {
    format!(
        "Attributes {{ nullable: {}, default: {:?}, on_update_now: {} }}",
        is(json, "nullable", true),
        json["default"].as_str(),
        is(json, "on_update_now", false),
    )
}

fn list<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_default()
}

fn texts(json: &Value, key: &str) -> String {
    let texts: Vec<&str> = list(json, key).iter().filter_map(Value::as_str).collect();
    format!("&{texts:?}")
}

fn is(json: &Value, key: &str, otherwise: bool) -> bool {
    json[key].as_bool().unwrap_or(otherwise)
}

/// The variant of an enum that a file spells so: `by-default` is `ByDefault`, `SET NULL` is `SetNull`.
fn variant(of: &str, spelt: &str, known: &[&str]) -> Result<String> {
    if !known.contains(&spelt) {
        return Err(format!("`{spelt}` is not one of {known:?}").into());
    }
    let words = spelt.split([' ', '-']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    });
    Ok(format!("{of}::{}", words.collect::<String>()))
}

/// The states of a line as code; `whole` where it does not name any.
fn runs(line: &Value, whole: &str, places: &HashMap<&str, usize>) -> Result<String> {
    let ranges = ranges(line, places)?;
    Ok(ranges.map_or_else(|| whole.to_owned(), |ranges| format!("&{ranges:?}")))
}

/// The places of the states that a line names, as `4.3.5..5.13, 5.29..`; an open end means the newest state.
fn ranges(line: &Value, places: &HashMap<&str, usize>) -> Result<Option<Vec<(usize, usize)>>> {
    let Some(written) = line["in"].as_str() else {
        return Ok(None);
    };
    let place = |name: &str| {
        let place = places.get(name).copied();
        place.ok_or_else(|| format!("no state is named `{name}`"))
    };
    let mut ranges = Vec::new();
    for run in written.split(", ") {
        ranges.push(match run.split_once("..") {
            None => (place(run)?, place(run)?),
            Some((first, "")) => (place(first)?, places.len() - 1),
            Some((first, last)) => (place(first)?, place(last)?),
        });
    }
    Ok(Some(ranges))
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
