//! Pieces of a file that was split: told by the file's name.

use std::path::Path;

use indexmap::IndexMap;

/// A file that is by its name a piece of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The folder and name that all pieces begin with.
    pub stem: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `split` and most programs: the pieces follow each other by name.
    Plain,
    /// A split zip archive, which has to be joined by `zip`.
    Zip,
}

/// The piece that a file is by its name: `x.sql.gz.aa` and `x.sql.gz.001` (split), `x.sql.part2`, `xaa` (split
/// without a name), `x.sql.gz-aa`, `x.z01` (zip -s), and `x.zip` with `x.z01` beside it. `None` for any other name.
pub fn of(name: &str) -> Option<Piece> {
    let file = Path::new(name).file_name()?.to_str()?;
    let folder = name.strip_suffix(file)?;
    let piece = |stem: &str, kind| Piece {
        stem: format!("{folder}{stem}"),
        kind,
    };
    let is_all =
        |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(is);
    if file.len() == 3 && file.starts_with('x') && is_all(file, u8::is_ascii_lowercase) {
        return Some(piece("x", Kind::Plain));
    }
    let is_dump = |stem: &str| {
        let stem = stem.to_ascii_lowercase();
        [
            ".sql", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".mysql", ".dump",
        ]
        .iter()
        .any(|known| stem.ends_with(known) || stem.contains(&format!("{known}.")))
    };
    // `split -b 100M x.sql.gz x.sql.gz-` names pieces so; programs that keep the last backups use numbers.
    for sign in ['-', '_'] {
        if let Some((stem, end)) = file.rsplit_once(sign)
            && end.starts_with('a')
            && is_letters(end)
            && is_dump(stem)
        {
            return Some(piece(&format!("{stem}{sign}"), Kind::Plain));
        }
    }
    let (stem, end) = file.rsplit_once('.')?;
    let lower = end.to_ascii_lowercase();
    // The last piece of a split zip archive has the name of a whole one; the first lies beside it.
    if lower == "zip" && Path::new(&format!("{folder}{stem}.z01")).exists() {
        return Some(piece(&format!("{stem}."), Kind::Zip));
    }
    if lower.len() == 3 && lower.starts_with('z') && is_all(lower.get(1..)?, u8::is_ascii_digit) {
        return Some(piece(&format!("{stem}."), Kind::Zip));
    }
    for word in ["part", "part-", "part_"] {
        if let Some(number) = lower.strip_prefix(word)
            && (is_all(number, u8::is_ascii_digit) || is_letters(number))
        {
            let word = end.get(..word.len())?;
            return Some(piece(&format!("{stem}.{word}"), Kind::Plain));
        }
    }
    let is_number = end.len() >= 2 && is_all(end, u8::is_ascii_digit);
    let is_piece = is_dump(stem) && (is_number && end.len() <= 4 || is_letters(end))
        || is_number && end.len() == 3;
    is_piece.then(|| piece(&format!("{stem}."), Kind::Plain))
}

/// Whether `split` names a piece so: `aa` to `zz`, and three letters of which the first is mostly `a`.
fn is_letters(end: &str) -> bool {
    let is_lower = end.bytes().all(|byte| byte.is_ascii_lowercase());
    is_lower
        && (end.len() == 2 && end != "gz" && end != "xz" || end.len() == 3 && end.starts_with("aa"))
}

/// What to do about files of which several are, by their names, pieces of the same one: a sentence for each.
pub fn joined<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut pieces: IndexMap<String, (Piece, usize)> = IndexMap::new();
    for piece in names.filter_map(of) {
        let known = pieces.entry(piece.stem.clone()).or_insert((piece, 0));
        known.1 += 1;
    }
    let several = pieces.into_values().filter(|(_, count)| *count > 1);
    several
        .map(|(piece, count)| {
            let advice = piece.command();
            format!("{count} of these files are by their names pieces of one file: {advice}")
        })
        .collect()
}

impl Piece {
    /// What to do with it.
    pub fn advice(&self) -> String {
        let command = self.command();
        format!("By its name this is one piece of a file that was split: {command}.")
    }

    fn command(&self) -> String {
        let stem = &self.stem;
        match self.kind {
            Kind::Plain => {
                format!("join all pieces and read them together (cat {stem}* | cividb verify -)")
            }
            Kind::Zip => format!(
                "join all pieces of the zip archive (zip -s 0 {stem}zip --out whole.zip) and read that"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_known_by_their_names() {
        let stem = |name: &str| of(name).map(|piece| piece.stem);
        for (name, expected) in [
            ("backup.sql.gz.aa", "backup.sql.gz."),
            ("/b/backup.sql.gz.ab", "/b/backup.sql.gz."),
            ("backup.sql.aaa", "backup.sql."),
            ("backup.sql.gz.001", "backup.sql.gz."),
            ("backup.sql.00", "backup.sql."),
            ("backup.7z.002", "backup.7z."),
            ("backup.001", "backup."),
            ("backup.z01", "backup."),
            ("backup.sql.part1", "backup.sql.part"),
            ("backup.sql.gz.part-aa", "backup.sql.gz.part-"),
            ("xab", "x"),
            ("backup.sql.xz-aa", "backup.sql.xz-"),
            ("backup.sql_ab", "backup.sql_"),
        ] {
            assert_eq!(stem(name).as_deref(), Some(expected), "{name}");
        }
        for name in [
            "backup.sql",
            "backup.sql.gz",
            "backup.sql.xz",
            "backup.20250501",
            "civi.db",
            "dump.sql.bz2",
            "-",
            "backup.sql.zip",
            "monday.7z",
            "sql",
            "backup.12",
            "backup.sql-20250501",
            "backup.sql-de",
            "site-ab",
            "civi-ab.sql",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
