//! Names that break whatever is not quoted with care: one list for all tests, the same in every run.

use std::collections::HashSet;

/// How many there are.
pub const COUNT: usize = 2000;

/// What they are made of.
const PIECES: [&str; 47] = [
    "`",
    "``",
    "'",
    "\"",
    "\\",
    "\\'",
    "\\`",
    ";",
    ";\n",
    "; DROP TABLE x",
    "*/",
    "/*",
    "/*!50000 x */",
    "/*M! y */",
    "--",
    " -- ",
    "\n-- ",
    "#",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{1b}[2J",
    "\0",
    "é",
    "ß",
    "😀",
    "\u{202e}",
    "(",
    ")",
    ",",
    "?",
    "%",
    "_",
    "\\_",
    "@a",
    "$1",
    "a",
    "` ADD COLUMN `b",
    "`; DROP TABLE `id`; -- ",
    "` (`id`), ADD KEY `x",
    "` FOREIGN KEY (`p",
    "\n  CONSTRAINT `k",
    "0x1",
    "X'",
    "{}",
    " x",
];

/// 2,000 names of 1 to 64 characters, no two of them the same for any collation.
///
/// First each piece alone, then pieces in a row with the number of the name somewhere among them; every
/// tenth has all 64 characters.
pub fn names() -> Vec<String> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap_or_default() % below
    };
    let mut names: Vec<String> = PIECES.map(str::to_owned).to_vec();
    for number in PIECES.len()..COUNT {
        let number = format!("{number:04}");
        let mut parts = vec![number.as_str()];
        let (pieces, longest) = match random(10) {
            0 => (64, 64),
            _ => (1 + random(6), 60),
        };
        let length = |parts: &[&str]| parts.iter().map(|part| part.chars().count()).sum::<usize>();
        for _ in 0..pieces {
            let piece = PIECES[random(PIECES.len())];
            let room = longest - length(&parts);
            let piece = piece
                .char_indices()
                .nth(room)
                .map_or(piece, |(end, _)| &piece[..end]);
            parts.insert(random(parts.len() + 1), piece);
        }
        names.push(parts.concat());
    }
    // The first ones alone have no number in them.
    let mut seen = HashSet::new();
    assert!(names.iter().all(|name| seen.insert(name.clone())));
    names
}

/// Whether no server can store a name, so that the gate refuses statements about it: an identifier
/// may hold neither a NUL nor a character beyond U+FFFF.
pub fn is_unstorable(name: &str) -> bool {
    name.chars()
        .any(|character| character == '\0' || character > '\u{ffff}')
}

/// Whether the gate refuses statements about a column of this name: it cannot be stored, or it looks like
/// an expression, so that it cannot be told from one.
pub fn is_refused(name: &str) -> bool {
    is_unstorable(name) || name.starts_with('(')
}
