//! A dump that was cut anywhere is never taken for whole.

use crate::common;

use cividb::checks::wholeness::{DUMP_EMPTY, DUMP_TRUNCATED};
use cividb::checks::{self, Findings};
use cividb::civicrm::site;
use cividb::dump::reader::DumpReader;
use cividb::dump::scanner::{Scanner, Sink, Statement, Wanted};
use cividb::schema::lexer::SqlModes;
use cividb::snapshot::Place;

/// Offsets at which statements begin, so that a cut there loses whole statements.
#[derive(Default)]
struct Boundaries(Vec<usize>);

impl Sink for Boundaries {
    fn statement(&mut self, s: Statement<'_>) {
        self.0.push(s.place.offset as usize);
    }
    fn rows_begin(&mut self, s: Statement<'_>) -> Wanted {
        self.0.push(s.place.offset as usize);
        Wanted::None
    }
    fn row(&mut self, _: Statement<'_>) {}
    fn rows_end(&mut self, _: u64, _: Option<&[u8]>, _: Place) {}
    fn comment(&mut self, _: &[u8], place: Place, _: bool) {
        self.0.push(place.offset as usize);
    }
    fn modes(&self) -> SqlModes {
        SqlModes::default()
    }
}

/// What `verify` finds after each of the `cuts`, which are in ascending order. The text before
/// a cut is read once for all later ones.
fn verify_cuts(text: &[u8], cuts: &[usize], mut judge: impl FnMut(usize, &Findings)) {
    let mut reader = DumpReader::new(site::ROWS_WANTED);
    let mut scanner = Scanner::default();
    let mut done = 0;
    for &cut in cuts {
        scanner.feed(&text[done..cut], &mut reader);
        done = cut;
        let mut reader = reader.clone();
        let ending = scanner.clone().finish(&mut reader);
        reader.end_file(ending, None, b"");
        let snapshot = reader.finish(None, &site::MARKS).expect("one database");
        judge(
            cut,
            &common::findings(&common::case(snapshot), checks::VERIFY),
        );
    }
}

fn assert_noticed(name: &str, text: &[u8], cuts: &[usize]) {
    let whole = text.trim_ascii_end().len();
    verify_cuts(text, cuts, |cut, findings| {
        let noticed = findings.has(&DUMP_TRUNCATED) || findings.has(&DUMP_EMPTY);
        assert_eq!(
            noticed,
            cut < whole,
            "{name} cut at byte {cut} of {}",
            text.len()
        );
    });
}

/// `count` places spread over `0..length`, the same in every run.
fn spread(length: usize, count: usize) -> Vec<usize> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut places: Vec<usize> = (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % length as u64) as usize
        })
        .collect();
    places.sort_unstable();
    places
}

#[test]
fn the_sample_cut_at_every_statement_and_at_every_byte_of_its_end() {
    let text = common::sample();
    let mut boundaries = Boundaries::default();
    let mut scanner = Scanner::default();
    scanner.feed(&text, &mut boundaries);
    scanner.finish(&mut boundaries);
    let mut cuts = boundaries.0;
    cuts.extend(text.len() - 400..=text.len());
    cuts.extend(0..200);
    cuts.sort_unstable();
    assert_noticed("sample", &text, &cuts);
}

#[test]
fn real_dumps_cut_at_statements_and_at_places_spread_over_all_bytes() {
    // Beginnings of statements, the last of them, places anywhere, and bytes of the end.
    let (every, last, count, end) = match common::everything() {
        true => (1, 20, 1000, 1),
        false => (200, 8, 20, 5),
    };
    for path in common::real_dumps() {
        let text = common::text_of(&path);
        let mut boundaries = Boundaries::default();
        let mut scanner = Scanner::default();
        scanner.feed(&text, &mut boundaries);
        scanner.finish(&mut boundaries);
        let mut cuts: Vec<usize> = boundaries.0.iter().copied().step_by(every).collect();
        cuts.extend(boundaries.0.iter().rev().take(last));
        cuts.extend(spread(text.len(), count));
        cuts.extend((text.len() - 60..=text.len()).step_by(end));
        cuts.sort_unstable();
        assert_noticed(&common::name(&path), &text, &cuts);
    }
}
