//! Rows from templates: the text of a row as a dump holds it, with placeholders for what changes.
//!
//! | placeholder | value |
//! |---|---|
//! | `{id}` | number of the row, from 1 |
//! | `{unit}` | number of the group of rows that the row belongs to |
//! | `{owner}` | the contact that the row belongs to; the place for orphans |
//! | `{each:TABLE}` | the ids of TABLE in turn |
//! | `{any:TABLE}` | an id of TABLE at random |
//! | `{party_a}`, `{party_b}` | the two contacts of the unit |
//! | `{first}`, `{last}`, `{phone}`, `{phone_digits}` | the same wherever they stand in a row |
//! | `{amount}` | the same in every table for the same `{id}` |
//! | `{date}`, `{datetime}`, `{degrees}`, `{hash}` | at random |
//! | `{number:N}` | 1 to N |
//! | `{words:N}` | N words |
//! | `{prose:N}` | about N bytes of sentences, with all that needs an escape |
//! | `{blob:N}` | about N random bytes as a literal |
//! | `{pick:A\|B}` | one of these texts |
//! | `{release}` | the CiviCRM release |

/// Small, fast and the same on every machine: wyrand.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xa076_1d64_78bd_642f);
        let product = u128::from(self.0) * u128::from(self.0 ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// A number that depends on nothing but `key`.
fn hash(key: u64) -> u64 {
    Random::new(key.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next()
}

const FIRST_NAMES: [&str; 32] = [
    "Ada",
    "Bruno",
    "Chiara",
    "Dmitri",
    "Élodie",
    "Farid",
    "Grace",
    "Håkon",
    "Inés",
    "Jürgen",
    "Kofi",
    "Łucja",
    "Mei",
    "Nnamdi",
    "Óscar",
    "Priya",
    "Quentin",
    "Renée",
    "Søren",
    "Tove",
    "Uma",
    "Vít",
    "Wanjiru",
    "Xóchitl",
    "Yusuf",
    "Zoë",
    "Анна",
    "Николай",
    "さくら",
    "李娜",
    "D\\'Arcy",
    "محمد",
];

const LAST_NAMES: [&str; 32] = [
    "Abara",
    "Bjørnstad",
    "Castañeda",
    "Dvořák",
    "Eriksen",
    "Fürst",
    "García",
    "Haddad",
    "Ivanov",
    "Jędrzejczak",
    "Kaya",
    "Lefèvre",
    "Müller",
    "Nakamura",
    "O\\'Brien",
    "Papadopoulos",
    "Quispe",
    "Rossi",
    "Schäfer",
    "Tanaka",
    "Uzun",
    "van \\'t Hoff",
    "Weiß",
    "Xu",
    "Yılmaz",
    "Zając",
    "Соколова",
    "Παππάς",
    "de la Cruz",
    "St. John",
    "N\\'Diaye",
    "王",
];

const SYLLABLES: [&str; 32] = [
    "ba", "ce", "di", "fo", "gu", "ha", "jo", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo",
    "wen", "xi", "yar", "zel", "bro", "cle", "dra", "fin", "gol", "lum", "nor", "pra", "ster",
    "tal", "vri", "é",
];

/// What follows a sentence: mostly a blank, now and then what a dump escapes or a careless reader trips over.
const AFTER_SENTENCE: [&str; 24] = [
    " ",
    " ",
    " ",
    " ",
    " ",
    " ",
    " ",
    " ",
    "\\n",
    "\\n",
    "\\r\\n",
    "\\n\\n",
    " \\'quoted\\' ",
    " \\\"quoted\\\" ",
    " C:\\\\temp\\\\",
    "; -- not a comment ",
    " /* nor this */ ",
    "),(",
    "`;\\n",
    " 🎉 ",
    " Łódź ",
    "\\0",
    "\\Z",
    "\t",
];

/// The texts that rows are made of.
pub struct Vocabulary {
    words: Vec<String>,
    /// More of them than a compressor's window holds, or the dumps would compress unlike real ones.
    sentences: Vec<String>,
}

impl Vocabulary {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let words: Vec<String> = (0..4096)
            .map(|_| {
                (0..2 + random.below(3))
                    .map(|_| *random.pick(&SYLLABLES))
                    .collect()
            })
            .collect();
        let sentences = (0..4096)
            .map(|_| {
                let words: Vec<&str> = (0..5 + random.below(12))
                    .map(|_| random.pick(&words).as_str())
                    .collect();
                words.join(" ") + "."
            })
            .collect();
        Self { words, sentences }
    }
}

/// How literals come out, for all tables alike.
pub struct Style {
    /// Binary values as `0x...`, as `--hex-blob` writes them.
    pub hex_blob: bool,
    /// How many rows with an `{owner}` name a contact that does not exist, from the first row on.
    pub orphans: u64,
}

enum Piece {
    Text(String),
    Id,
    Unit,
    Owner { contacts: u64 },
    Each { rows: u64 },
    Any { rows: u64 },
    Party { contacts: u64, second: bool },
    First,
    Last,
    Phone,
    PhoneDigits,
    Amount,
    Date,
    DateTime,
    Degrees,
    Hash,
    Number(u64),
    Words(u64),
    Prose(u64),
    Blob(u64),
    Pick(Vec<String>),
}

/// A parsed row template.
pub struct Template(Vec<Piece>);

impl Template {
    /// Parses `text`; `rows_of` tells how many rows a table has.
    pub fn parse(
        text: &str,
        release: &str,
        rows_of: impl Fn(&str) -> Option<u64>,
    ) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (placeholder, after) = after
                .split_once('}')
                .ok_or_else(|| format!("no }} after {{{after}"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(
                parse_placeholder(placeholder, release, &rows_of)
                    .ok_or_else(|| format!("cannot fill {{{placeholder}}}"))?,
            );
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Appends row number `id` of unit `unit` to `out`.
    pub fn write(
        &self,
        (id, unit): (u64, u64),
        random: &mut Random,
        vocabulary: &Vocabulary,
        style: &Style,
        out: &mut Vec<u8>,
    ) {
        let key = random.next();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Id => number(out, id),
                Piece::Unit => number(out, unit),
                Piece::Owner { contacts } if id <= style.orphans => number(out, contacts + id),
                Piece::Owner { contacts: rows } | Piece::Each { rows } => {
                    number(out, (id - 1) % rows + 1);
                }
                Piece::Any { rows } => number(out, 1 + random.below(*rows)),
                Piece::Party { contacts, second } => {
                    number(out, 1 + hash(unit * 2 + u64::from(*second)) % contacts);
                }
                Piece::First => out.extend_from_slice(FIRST_NAMES[(key & 31) as usize].as_bytes()),
                Piece::Last => {
                    out.extend_from_slice(LAST_NAMES[(key >> 5 & 31) as usize].as_bytes())
                }
                Piece::Phone => {
                    let [area, exchange, line] = phone(key);
                    out.push(b'(');
                    number(out, area);
                    out.extend_from_slice(b") ");
                    number(out, exchange);
                    out.push(b'-');
                    number(out, line);
                }
                Piece::PhoneDigits => phone(key).into_iter().for_each(|part| number(out, part)),
                Piece::Amount => {
                    number(out, 5 + hash(id) % 500);
                    out.extend_from_slice(b".00");
                }
                Piece::Date => date(random, out),
                Piece::DateTime => {
                    date(random, out);
                    out.push(b' ');
                    padded(out, random.below(24));
                    out.push(b':');
                    padded(out, random.below(60));
                    out.push(b':');
                    padded(out, random.below(60));
                }
                Piece::Degrees => {
                    number(out, random.below(90));
                    out.push(b'.');
                    number(out, 100_000 + random.below(900_000));
                }
                Piece::Hash => {
                    for _ in 0..2 {
                        hex(out, &random.next().to_be_bytes());
                    }
                }
                Piece::Number(bound) => number(out, 1 + random.below(*bound)),
                Piece::Words(count) => {
                    for word in 0..*count {
                        if word > 0 {
                            out.push(b' ');
                        }
                        out.extend_from_slice(random.pick(&vocabulary.words).as_bytes());
                    }
                }
                Piece::Prose(size) => {
                    let end = out.len() as u64 + size / 2 + random.below(*size);
                    while (out.len() as u64) < end {
                        out.extend_from_slice(random.pick(&vocabulary.sentences).as_bytes());
                        out.extend_from_slice(random.pick(&AFTER_SENTENCE).as_bytes());
                    }
                }
                Piece::Blob(size) => blob(size / 2 + random.below(*size), random, style, out),
                Piece::Pick(texts) => out.extend_from_slice(random.pick(texts).as_bytes()),
            }
        }
    }
}

fn parse_placeholder(
    text: &str,
    release: &str,
    rows_of: impl Fn(&str) -> Option<u64>,
) -> Option<Piece> {
    let (name, argument) = text.split_once(':').unwrap_or((text, ""));
    let contacts = || rows_of("civicrm_contact");
    let size = || argument.parse().ok();
    Some(match name {
        "id" => Piece::Id,
        "unit" => Piece::Unit,
        "owner" => Piece::Owner {
            contacts: contacts()?,
        },
        "each" => Piece::Each {
            rows: rows_of(argument)?,
        },
        "any" => Piece::Any {
            rows: rows_of(argument)?,
        },
        "party_a" => Piece::Party {
            contacts: contacts()?,
            second: false,
        },
        "party_b" => Piece::Party {
            contacts: contacts()?,
            second: true,
        },
        "first" => Piece::First,
        "last" => Piece::Last,
        "phone" => Piece::Phone,
        "phone_digits" => Piece::PhoneDigits,
        "amount" => Piece::Amount,
        "date" => Piece::Date,
        "datetime" => Piece::DateTime,
        "degrees" => Piece::Degrees,
        "hash" => Piece::Hash,
        "number" => Piece::Number(size()?),
        "words" => Piece::Words(size()?),
        "prose" => Piece::Prose(size()?),
        "blob" => Piece::Blob(size()?),
        "pick" => Piece::Pick(argument.split('|').map(str::to_owned).collect()),
        "release" => Piece::Text(release.to_owned()),
        _ => return None,
    })
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

fn padded(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&[b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

/// A day of the years 2010 to 2024 that every month has.
fn date(random: &mut Random, out: &mut Vec<u8>) {
    number(out, 2010 + random.below(15));
    out.push(b'-');
    padded(out, 1 + random.below(12));
    out.push(b'-');
    padded(out, 1 + random.below(28));
}

fn phone(key: u64) -> [u64; 3] {
    [
        200 + (key >> 10) % 800,
        200 + (key >> 20) % 800,
        1000 + (key >> 30) % 9000,
    ]
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(b"0123456789ABCDEF"[usize::from(digit)]);
        }
    }
}

/// A binary value, with the escapes of `mysql_real_escape_string`.
fn blob(size: u64, random: &mut Random, style: &Style, out: &mut Vec<u8>) {
    out.extend_from_slice(if style.hex_blob { b"0x" } else { b"_binary '" });
    for _ in 0..size.div_ceil(8) {
        let bytes = random.next().to_le_bytes();
        if style.hex_blob {
            hex(out, &bytes);
            continue;
        }
        for byte in bytes {
            match byte {
                0 => out.extend_from_slice(b"\\0"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                0x1a => out.extend_from_slice(b"\\Z"),
                b'\\' | b'\'' | b'"' => out.extend_from_slice(&[b'\\', byte]),
                _ => out.push(byte),
            }
        }
    }
    if !style.hex_blob {
        out.push(b'\'');
    }
}
