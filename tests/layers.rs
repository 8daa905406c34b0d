//! The map of rooms in `src/lib.rs` is true: each room uses exactly the rooms that the map allows it,
//! and only rooms that stand above it there, so that no two rooms can need each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// Rooms in the order of the map, each with the rooms that it may use.
type Map = Vec<(String, BTreeSet<String>)>;

/// Reads the map out of the documentation of `src/lib.rs`: the lines `room -> rooms`.
fn map() -> Map {
    let library = fs::read_to_string(source().join("lib.rs")).expect("src/lib.rs can be read");
    let lines = library.lines().filter_map(|line| {
        let (room, uses) = line.strip_prefix("//! ")?.split_once(" -> ")?;
        // The way of the data, above the map, has arrows as well.
        if room.contains(' ') || uses.contains("->") {
            return None;
        }
        let uses = uses.split_whitespace().filter(|room| *room != "nothing");
        Some((room.trim().to_owned(), uses.map(str::to_owned).collect()))
    });
    lines.collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The room that a file of `src` belongs to; `None` of the crate's own `lib.rs` and `main.rs`.
fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(source()).expect("the file is in src");
    let first = inside.components().next()?.as_os_str().to_string_lossy();
    let room = first.strip_suffix(".rs").unwrap_or(&first);
    (!matches!(room, "lib" | "main")).then(|| room.to_owned())
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of src can be listed") {
        let path = entry.expect("an entry of it can be read").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

/// What the tokens of one file name behind `crate::`, and its modules that exist for tests only.
#[derive(Default)]
struct Names {
    used: BTreeSet<String>,
    test_modules: BTreeSet<String>,
}

impl Names {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let word = |at: usize| tokens.get(at).map(ToString::to_string).unwrap_or_default();
        let mut at = 0;
        while at < tokens.len() {
            if word(at) == "#" && word(at + 1).replace(' ', "") == "[cfg(test)]" {
                at = self.skip_test_item(&tokens, at + 2);
                continue;
            }
            if word(at) == "crate" && word(at + 1) == ":" && word(at + 2) == ":" {
                match tokens.get(at + 3) {
                    Some(TokenTree::Group(names)) => self.read_group(names.stream()),
                    Some(name) => {
                        self.used.insert(name.to_string());
                    }
                    None => {}
                }
            } else if let Some(TokenTree::Group(inner)) = tokens.get(at) {
                self.read(inner.stream());
            }
            at += 1;
        }
    }

    /// The first word of each path in `crate::{…}`.
    fn read_group(&mut self, names: TokenStream) {
        let mut begins = true;
        for token in names {
            match &token {
                TokenTree::Ident(name) if begins => {
                    self.used.insert(name.to_string());
                    begins = false;
                }
                TokenTree::Punct(mark) if mark.as_char() == ',' => begins = true,
                _ => {}
            }
        }
    }

    /// Passes over the item behind `#[cfg(test)]`; returns where the next one begins.
    fn skip_test_item(&mut self, tokens: &[TokenTree], mut at: usize) -> usize {
        if tokens
            .get(at)
            .is_some_and(|token| token.to_string() == "mod")
            && let Some(name) = tokens.get(at + 1)
        {
            self.test_modules.insert(name.to_string());
        }
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ';' => break,
                TokenTree::Group(body) if body.delimiter() == proc_macro2::Delimiter::Brace => {
                    break;
                }
                _ => {}
            }
        }
        at
    }
}

/// Which rooms each room really uses, with one file that does.
fn uses() -> BTreeMap<String, BTreeMap<String, PathBuf>> {
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    let read = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file).expect("a file of src can be read");
        let tokens = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut names = Names::default();
        names.read(tokens);
        (file, names)
    });
    let read: Vec<(PathBuf, Names)> = read.collect();
    let is_for_tests = |file: &Path| {
        read.iter().any(|(parent, names)| {
            let folder = match parent.file_stem() {
                Some(name) if name != "mod" => parent.with_extension(""),
                _ => parent.parent().expect("a file has a folder").to_owned(),
            };
            let inside = file.strip_prefix(folder).ok();
            let first = inside.and_then(|inside| inside.iter().next());
            first.is_some_and(|first| {
                let first = first.to_string_lossy();
                names
                    .test_modules
                    .contains(first.strip_suffix(".rs").unwrap_or(&first))
            })
        })
    };
    let mut uses: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for (file, names) in read.iter().filter(|(file, _)| !is_for_tests(file)) {
        let Some(room) = room_of(file) else { continue };
        let of_room = uses.entry(room.clone()).or_default();
        for name in names.used.iter().filter(|name| **name != room) {
            of_room.entry(name.clone()).or_insert_with(|| file.clone());
        }
    }
    uses
}

#[test]
fn each_room_uses_exactly_the_rooms_that_the_map_says() {
    let map: BTreeMap<String, BTreeSet<String>> = map().into_iter().collect();
    let mut wrong = Vec::new();
    for (room, used) in uses() {
        let Some(allowed) = map.get(&room) else {
            wrong.push(format!("{room} is not on the map"));
            continue;
        };
        for (other, file) in &used {
            if !allowed.contains(other) {
                wrong.push(format!("{room} uses {other} ({})", file.display()));
            }
        }
        for other in allowed.iter().filter(|other| !used.contains_key(*other)) {
            wrong.push(format!("the map lets {room} use {other}, and it does not"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_room_stands_below_all_that_it_uses_on_the_map() {
    let mut above = BTreeSet::new();
    for (room, uses) in map() {
        let below: Vec<&String> = uses.difference(&above).collect();
        assert!(
            below.is_empty(),
            "{room} uses {below:?}, which do not stand above it"
        );
        above.insert(room);
    }
    assert!(above.contains("cli"), "the map has been read");
}
