//! The same text in pieces of different sizes gives the same statements and rows.
#![no_main]

use cividb::dump::scanner::{Scanner, Sink, Statement, Wanted};
use cividb::snapshot::{Ending, Place};
use cividb::schema::lexer::SqlModes;
use libfuzzer_sys::fuzz_target;

#[derive(Default, PartialEq, Debug)]
struct Events {
    list: Vec<(u64, u64, Vec<u8>)>,
    rows: u64,
    wanted: bool,
    modes: SqlModes,
}

impl Events {
    fn add(&mut self, text: &[u8], place: Place) {
        self.list.push((place.offset, place.line, text.to_vec()));
    }
}

impl Sink for Events {
    fn statement(&mut self, s: Statement<'_>) {
        self.modes.ansi_quotes ^= s.text == b"A";
        self.modes.no_backslash_escapes ^= s.text == b"B";
        self.add(s.text, s.place);
    }
    fn rows_begin(&mut self, s: Statement<'_>) -> Wanted {
        self.add(s.text, s.place);
        if self.wanted { Wanted::Containing(b"") } else { Wanted::None }
    }
    fn row(&mut self, s: Statement<'_>) {
        self.add(s.text, s.place);
    }
    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.rows += count;
        self.add(broken.unwrap_or(b"whole"), place);
    }
    fn comment(&mut self, text: &[u8], place: Place, _: bool) {
        self.add(text, place);
    }
    fn modes(&self) -> SqlModes {
        self.modes
    }
}

fn scan(text: &[u8], size: usize, wanted: bool) -> (Events, Ending) {
    let mut events = Events {
        wanted,
        ..Events::default()
    };
    let mut scanner = Scanner::default();
    for piece in text.chunks(size) {
        scanner.feed(piece, &mut events);
    }
    let ending = scanner.finish(&mut events);
    (events, ending)
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    let wanted = choice & 1 == 1;
    let whole = scan(text, usize::MAX, wanted);
    assert_eq!(whole, scan(text, 1, wanted));
    assert_eq!(whole, scan(text, usize::from(choice) + 2, wanted));
    let counted = scan(text, usize::MAX, false).0.rows;
    assert_eq!(counted, scan(text, usize::MAX, true).0.rows);
});
