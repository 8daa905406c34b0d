//! An object taken out of a dump is missed by name.

use crate::common;

use std::ops::Range;

use cividb::checks::Severity;
use cividb::dump::scanner::{Scanner, Sink, Statement as Text, Wanted};
use cividb::schema::ddl::{self, Statement};
use cividb::schema::lexer::SqlModes;
use cividb::snapshot::Place;

/// Places and names of the statements that create something.
#[derive(Default)]
struct Creations(Vec<(&'static str, String, Range<usize>)>);

impl Sink for Creations {
    fn statement(&mut self, text: Text<'_>) {
        let sql = String::from_utf8_lossy(text.text);
        let (kind, name) = match ddl::parse(&sql, SqlModes::default()) {
            Ok(Statement::CreateTable(create)) if !create.in_version_comment => {
                ("table", create.name)
            }
            Ok(Statement::CreateTrigger(create)) => ("trigger", create.name),
            Ok(Statement::CreateRoutine(_, create)) => ("routine", create.name),
            Ok(Statement::CreateView(create))
                if create.stand_in_columns(SqlModes::default()).is_none() =>
            {
                ("view", create.name)
            }
            _ => return,
        };
        let start = text.place.offset as usize;
        self.0
            .push((kind, name.name, start..start + text.text.len()));
    }
    fn rows_begin(&mut self, _: Text<'_>) -> Wanted {
        Wanted::None
    }
    fn row(&mut self, _: Text<'_>) {}
    fn rows_end(&mut self, _: u64, _: Option<&[u8]>, _: Place) {}
    fn comment(&mut self, _: &[u8], _: Place, _: bool) {}
    fn modes(&self) -> SqlModes {
        SqlModes::default()
    }
}

/// Takes each `every`th object out of the dump in turn; returns how many were taken out.
fn assert_missed(file: &str, text: &[u8], every: usize) -> usize {
    let before = common::ids(&common::verify(text), Severity::Error);
    let mut creations = Creations::default();
    let mut scanner = Scanner::default();
    scanner.feed(text, &mut creations);
    scanner.finish(&mut creations);
    let mut count = 0;
    for (kind, name, range) in creations.0.into_iter().step_by(every) {
        let mut without = text[..range.start].to_vec();
        without.extend_from_slice(&text[range.end..]);
        let after = common::ids(&common::verify(&without), Severity::Error);
        let wanted = format!("{kind}-missing {name}");
        assert!(
            !before.contains(&wanted) && after.contains(&wanted),
            "{file} without {kind} {name}: {after:?}"
        );
        count += 1;
    }
    count
}

#[test]
fn objects_taken_out_of_the_sample_are_missed_by_name() {
    let every = common::every(4);
    assert!(assert_missed("sample", &common::sample(), every) > 180 / every);
}

#[test]
fn objects_taken_out_of_real_dumps_are_missed_by_name() {
    let every = common::every(31);
    for path in common::real_dumps().into_iter().step_by(common::every(2)) {
        assert!(assert_missed(&common::name(&path), &common::text_of(&path), every) > 3);
    }
}
