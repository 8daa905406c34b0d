//! Small parts alone: `cargo bench --bench micro`, with names at the end only those. With `CIVIDB_SIMD=none` before it no
//! vector instructions are used.

use std::fmt::Write as _;
use std::io::Read;
use std::sync::LazyLock;

use cividb::civicrm::catalogue::Catalogue;
use cividb::civicrm::release::Version;
use cividb::dump::scanner::{Scanner, Sink, Statement, Wanted};
use cividb::dump::values::{Next, Values, parse_row};
use cividb::schema::compare::{self, compare};
use cividb::schema::ddl;
use cividb::schema::lexer::SqlModes;
use cividb::schema::model::Schema;
use cividb::schema::sql::schema_sql;
use cividb::snapshot::Place;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use flate2::read::GzDecoder;

/// Length of an INSERT statement as mysqldump writes it, in bytes.
const STATEMENT: usize = 1 << 20;

/// The rows of the sample, those of each table again and again in one long INSERT statement.
static ROWS: LazyLock<String> = LazyLock::new(|| {
    let mut sample = Vec::new();
    GzDecoder::new(&include_bytes!("../tests/data/sample.sql.gz")[..])
        .read_to_end(&mut sample)
        .expect("the sample unpacks");
    // What binary values are made of matters to nobody here.
    let sample = String::from_utf8_lossy(&sample);
    let mut text = String::new();
    let inserts = sample.lines().filter(|line| line.starts_with("INSERT"));
    for (head, rows) in inserts.filter_map(|line| line.split_once(" VALUES ")) {
        let rows = rows.trim_end_matches(';');
        let more = format!(",{rows}").repeat(STATEMENT / rows.len());
        writeln!(text, "{head} VALUES {rows}{more};").expect("memory takes everything");
    }
    text
});

/// Wants some rows, and counts them all.
#[derive(Default)]
struct Count {
    wanted: Wanted,
    rows: u64,
    values: u64,
}

impl Sink for Count {
    fn statement(&mut self, _: Statement<'_>) {}
    fn rows_begin(&mut self, _: Statement<'_>) -> Wanted {
        self.wanted
    }
    fn row(&mut self, row: Statement<'_>) {
        let mut values = Values::new(row.text, SqlModes::default());
        while let Next::Value(_) = values.value() {
            self.values += 1;
        }
    }
    fn rows_end(&mut self, count: u64, _: Option<&[u8]>, _: Place) {
        self.rows += count;
    }
    fn comment(&mut self, _: &[u8], _: Place, _: bool) {}
    fn modes(&self) -> SqlModes {
        SqlModes::default()
    }
}

fn scan(wanted: Wanted) -> Count {
    let mut count = Count {
        wanted,
        ..Count::default()
    };
    let mut scanner = Scanner::default();
    // Pieces as a container gives them.
    for piece in ROWS.as_bytes().chunks(256 << 10) {
        scanner.feed(piece, &mut count);
    }
    scanner.finish(&mut count);
    count
}

/// Rows that nobody wants are counted, and the values of the others are read.
#[divan::bench(args = ["count", "values"])]
fn scanner(bencher: Bencher, what: &str) {
    let wanted = match what {
        "count" => Wanted::None,
        _ => Wanted::Whole,
    };
    bencher
        .counter(BytesCount::of_str(&*ROWS))
        .counter(ItemsCount::new(scan(wanted).rows))
        .bench(|| scan(wanted));
}

#[divan::bench]
fn values_unescaped(bencher: Bencher) {
    let row =
        r"1,'Individual','M-1','Maria O\'Neill',NULL,'2024-02-29 12:00:00',0x4142,12.50,'a\\b\n'";
    bencher
        .counter(BytesCount::of_str(row))
        .bench(|| parse_row(black_box(row.as_bytes()), SqlModes::default()));
}

static CATALOGUE: LazyLock<&'static Catalogue> =
    LazyLock::new(|| Catalogue::embedded().expect("the schemas are sound"));

fn schema(release: &str) -> Schema {
    let version = Version::parse(release).expect("a release");
    let state = CATALOGUE.state_for(&version).expect("a known release");
    CATALOGUE.schema(state).plain_install()
}

#[divan::bench]
fn catalogue() -> Catalogue {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");
    Catalogue::from_folder(folder.as_ref()).expect("the schemas are sound")
}

/// What a command needs that is about one release.
#[divan::bench]
fn one_release(bencher: Bencher) {
    LazyLock::force(&CATALOGUE);
    bencher.bench(|| schema("5.81"));
}

#[divan::bench]
fn diff(bencher: Bencher) {
    let (old, new) = (schema("4.7.31"), schema("6.4.1"));
    bencher
        .counter(ItemsCount::new(new.tables.len()))
        .bench(|| compare(&old, &new, &compare::Options::default()));
}

#[divan::bench]
fn ddl(bencher: Bencher) {
    let statements = schema_sql(&schema("6.4.1"));
    bencher
        .counter(BytesCount::new(
            statements.iter().map(String::len).sum::<usize>(),
        ))
        .counter(ItemsCount::new(statements.len()))
        .bench(|| {
            for statement in &statements {
                black_box(ddl::parse(statement, SqlModes::default())).expect("our own SQL");
            }
        });
}

fn main() {
    divan::main();
}
