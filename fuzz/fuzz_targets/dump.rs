//! Any file at all: container, scanner, statements, checks, report. It must not panic or hang.
#![no_main]

use std::io::Cursor;


use cividb::case::Case;
use cividb::checks::{Examination, Selection, VERIFY, examine};
use cividb::civicrm::catalogue::Catalogue;
use cividb::civicrm::site;
use cividb::dump::container::ByteStream;
use cividb::dump::reader::DumpReader;
use cividb::dump::scanner::Scanner;
use cividb::report::{Report, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(mut stream) = ByteStream::from_reader("fuzz", Cursor::new(data.to_vec())) else {
        return;
    };
    let mut reader = DumpReader::new(site::ROWS_WANTED);
    let mut scanner = Scanner::default();
    let mut bytes = 0;
    while let Some(chunk) = stream.next_chunk() {
        scanner.feed(chunk, &mut reader);
        bytes += chunk.len();
        // Bombs are no news, and slow.
        if bytes > 4 << 20 {
            return;
        }
    }
    let text = scanner.finish(&mut reader);
    let damage = stream.ending().and_then(|ending| ending.damage()).cloned();
    let tail = &data[data.len().saturating_sub(4096)..];
    reader.end_file(text, damage, tail);
    if let Ok(snapshot) = reader.finish(None, &site::MARKS) {
        let catalogue = Catalogue::embedded().expect("the catalogue can be read");
        let case = Case::new(snapshot, catalogue);
        let findings = examine(&Examination::of(&case), VERIFY, &Selection::default());
        json::value(&Report::new("verify", &case, findings, false));
    }
});
