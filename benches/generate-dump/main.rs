//! Writes a MySQL dump of a CiviCRM site to standard output, for benches and tests.
//!
//! The same options give the same bytes on every machine. The dump loads into MySQL 5.7 and later and MariaDB,
//! and no foreign key in it is broken unless `--orphans` asks for it.

mod dump;
mod programs;
mod rows;
mod tables;

use std::{
    collections::HashMap,
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};

use crate::{
    dump::{Dump, STATEMENT_SIZE},
    rows::{Random, Style, Template, Vocabulary},
    tables::{Rows, TABLES, create_statements},
};

#[derive(Parser)]
#[command(about)]
struct Options {
    /// Size of the dump, within two per cent from 4M on; K, M and G are powers of 1024
    #[arg(long, value_parser = parse_size, required_unless_present_any = ["sample", "contacts"])]
    size: Option<u64>,
    /// A site of so many contacts, rounded up to the next 20, instead of a size; about 3,600 bytes each
    #[arg(long, conflicts_with_all = ["size", "shape"])]
    contacts: Option<u64>,
    /// A small dump: every kind of object, a few rows a table
    #[arg(long, conflicts_with_all = ["size", "contacts", "shape"])]
    sample: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What civicrm_domain.version says; the structure is that of 5.81 in any case
    #[arg(long, default_value = "5.81.2")]
    release: String,
    /// Binary values as 0x...
    #[arg(long)]
    hex_blob: bool,
    /// So many rows of civicrm_email refer to contacts that do not exist
    #[arg(long, default_value_t = 0, value_name = "ROWS")]
    orphans: u64,
    #[arg(long, value_enum, default_value_t)]
    shape: Shape,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Shape {
    /// A CiviCRM site
    #[default]
    Site,
    /// One table, all its rows in one INSERT statement
    OneInsert,
    /// One row with one value
    LongString,
    /// Tables of one row, about 800 bytes each
    ManyTables,
    /// Not a dump: NUL bytes
    Zeros,
}

fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err("give a number with K, M or G".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|error| format!("{error}"))?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "too big".to_owned())
}

/// A site of some number of contacts.
#[derive(Clone, Copy)]
struct Site<'a> {
    options: &'a Options,
    vocabulary: &'a Vocabulary,
    contacts: u64,
}

/// Numbers of contacts are multiples of it, so that the rows of every table come out even.
const CONTACTS_STEP: u64 = 20;

impl Site<'_> {
    fn rows(&self, rows: &Rows) -> u64 {
        match rows {
            Rows::Once(templates) => templates.len() as u64,
            Rows::PerHundredContacts(count, _) => self.contacts * count / 100,
        }
    }

    fn write(&self, sink: impl Write) -> io::Result<u64> {
        let style = Style {
            hex_blob: self.options.hex_blob,
            orphans: self.options.orphans,
        };
        let counts: HashMap<&str, u64> = TABLES
            .iter()
            .map(|table| (table.name, self.rows(&table.rows)))
            .collect();
        let mut dump = Dump::begin(sink)?;
        for (number, (name, create)) in create_statements().enumerate() {
            let count = counts.get(name).copied().unwrap_or(0);
            dump.structure(name, create, count)?;
            dump.data(name, |dump| {
                let Some(table) = TABLES.iter().find(|table| table.name == name) else {
                    return Ok(());
                };
                let (Rows::Once(texts) | Rows::PerHundredContacts(_, texts)) = table.rows;
                let templates: Vec<Template> = texts
                    .iter()
                    .map(|text| {
                        Template::parse(text, &self.options.release, |name| {
                            counts.get(name).copied()
                        })
                    })
                    .collect::<Result<_, _>>()
                    .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
                let mut random = Random::new(self.options.seed ^ (number as u64) << 32);
                let mut rows = (0..count).zip(templates.iter().cycle());
                dump.inserts(name, STATEMENT_SIZE, |_, row| {
                    let Some((before, template)) = rows.next() else {
                        return false;
                    };
                    let place = (before + 1, before / table.unit + 1);
                    template.write(place, &mut random, self.vocabulary, &style, row);
                    true
                })
            })?;
            dump.triggers(name)?;
        }
        dump.routines()?;
        dump.end()
    }

    /// A site whose dump has about `size` bytes, found by proportion from smaller ones. Rows grow with the digits of
    /// their ids, so a big site is measured at a tenth.
    fn of_size(self, size: u64) -> io::Result<Self> {
        let with = |contacts| Site { contacts, ..self };
        let least = with(CONTACTS_STEP).write(io::sink())?;
        let wanted = size.saturating_sub(least);
        let mut steps = 100;
        loop {
            let grown = with((1 + steps) * CONTACTS_STEP).write(io::sink())? - least;
            let estimate = (wanted * steps + grown / 2) / grown;
            if estimate / 10 <= steps {
                return Ok(with((1 + estimate) * CONTACTS_STEP));
            }
            steps = estimate / 10;
        }
    }
}

fn one_insert(size: u64, vocabulary: &Vocabulary, sink: impl Write) -> io::Result<u64> {
    let template = Template::parse("{id},'{prose:300}'", "", |_| None).map_err(io::Error::other)?;
    let (mut random, style) = (
        Random::new(1),
        Style {
            hex_blob: false,
            orphans: 0,
        },
    );
    one_table(sink, |dump| {
        let mut id = 0;
        dump.inserts("civicrm_shape", u64::MAX, |dump, row| {
            id += 1;
            template.write((id, id), &mut random, vocabulary, &style, row);
            dump.written() < size
        })
    })
}

fn long_string(size: u64, sink: impl Write) -> io::Result<u64> {
    let line = b"A long string with an escape: \\' and a semicolon at the end of its line;\\n";
    one_table(sink, |dump| {
        dump.bytes(b"INSERT INTO `civicrm_shape` VALUES (1,'")?;
        while dump.written() < size {
            dump.bytes(line)?;
        }
        dump.bytes(b"');\n")
    })
}

/// A dump of one table of long texts, with the rows that `rows` writes.
fn one_table<W: Write>(
    sink: W,
    rows: impl FnOnce(&mut Dump<W>) -> io::Result<()>,
) -> io::Result<u64> {
    let mut dump = Dump::begin(sink)?;
    dump.structure("civicrm_shape", &shape_table("civicrm_shape"), 0)?;
    dump.data("civicrm_shape", rows)?;
    dump.end()
}

fn many_tables(size: u64, sink: impl Write) -> io::Result<u64> {
    let mut dump = Dump::begin(sink)?;
    for number in 1.. {
        if dump.written() >= size {
            break;
        }
        let name = format!("civicrm_shape_{number:06}");
        dump.structure(&name, &shape_table(&name), 1)?;
        let mut left = true;
        dump.data(&name, |dump| {
            dump.inserts(&name, STATEMENT_SIZE, |_, row| {
                row.extend_from_slice(b"1,NULL");
                std::mem::take(&mut left)
            })
        })?;
    }
    dump.end()
}

fn shape_table(name: &str) -> String {
    format!(
        "CREATE TABLE `{name}` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `body` longtext COLLATE utf8mb4_unicode_ci,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;"
    )
}

fn zeros(size: u64, mut sink: impl Write) -> io::Result<u64> {
    io::copy(&mut io::Read::take(io::repeat(0), size), &mut sink)
}

fn generate(options: &Options, sink: impl Write) -> io::Result<u64> {
    let vocabulary = &Vocabulary::new(options.seed);
    let size = options.size.unwrap_or(0);
    match options.shape {
        Shape::Site => {
            let contacts = options.contacts.unwrap_or(CONTACTS_STEP);
            let site = Site {
                options,
                vocabulary,
                contacts: contacts.next_multiple_of(CONTACTS_STEP),
            };
            match options.size {
                Some(size) => site.of_size(size)?.write(sink),
                None => site.write(sink),
            }
        }
        Shape::OneInsert => one_insert(size, vocabulary, sink),
        Shape::LongString => long_string(size, sink),
        Shape::ManyTables => many_tables(size, sink),
        Shape::Zeros => zeros(size, sink),
    }
}

fn main() -> ExitCode {
    let sink = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    match generate(&Options::parse(), sink) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate-dump: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(arguments: &[&str]) -> Vec<u8> {
        let options = Options::parse_from([&["generate-dump"], arguments].concat());
        let mut bytes = Vec::new();
        let written = generate(&options, &mut bytes).expect("memory takes everything");
        assert_eq!(written, bytes.len() as u64);
        bytes
    }

    #[test]
    fn sample_of_the_repository_is_what_the_generator_writes() {
        let mut sample = Vec::new();
        let file = include_bytes!("../../tests/data/sample.sql.gz");
        io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&file[..]), &mut sample)
            .expect("the sample unpacks");
        assert!(
            sample == generated(&["--sample"]),
            "make the sample again: benches/README.md"
        );
    }

    #[test]
    fn size_is_kept_within_two_per_cent() {
        for size in [4u64 << 20, 16 << 20] {
            let got = generated(&["--size", &size.to_string()]).len() as u64;
            assert!(got.abs_diff(size) <= size / 50, "{got} bytes for {size}");
        }
    }

    #[test]
    fn contacts_are_as_many_as_asked_for() {
        assert_eq!(generated(&["--contacts", "20"]), generated(&["--sample"]));
        let dump = generated(&["--contacts", "4001"]);
        let last = dump
            .windows(8)
            .rev()
            .find(|bytes| bytes.starts_with(b",'M-"));
        assert_eq!(last.map(|bytes| &bytes[4..]), Some(&b"4018"[..]));
    }

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_seed_others() {
        let first = generated(&["--size", "1M", "--seed", "7"]);
        assert!(first == generated(&["--size", "1M", "--seed", "7"]));
        assert!(first != generated(&["--size", "1M", "--seed", "8"]));
    }

    #[test]
    fn every_table_with_rows_is_in_the_schema() {
        let names: Vec<&str> = create_statements().map(|(name, _)| name).collect();
        for table in TABLES {
            assert!(names.contains(&table.name), "{}", table.name);
        }
    }

    #[test]
    fn no_statement_of_a_site_is_longer_than_mysqldump_makes_them() {
        let dump = generated(&["--size", "4M"]);
        let longest = dump.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        assert!(longest.is_some_and(|length| length as u64 <= STATEMENT_SIZE && length > 500_000));
    }
}
