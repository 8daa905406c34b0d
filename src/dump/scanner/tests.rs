use proptest::prelude::*;

use super::block::Simd;
use super::*;
use crate::schema::lexer::SqlModes;
use crate::snapshot::{Ending, Open, Place};

/// Everything the scanner hands over, as comparable text.
#[derive(Default)]
struct Recorder {
    events: Vec<String>,
    wanted: Wanted,
    modes: SqlModes,
    /// The number of values of each INSERT of which they were counted.
    values: Vec<u64>,
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Sink for Recorder {
    fn statement(&mut self, s: Statement<'_>) {
        if s.text.ends_with(b"NO_BACKSLASH_ESCAPES'") {
            self.modes.no_backslash_escapes = true;
        }
        if s.text.ends_with(b"ANSI_QUOTES'") {
            self.modes.ansi_quotes = true;
        }
        self.events.push(format!(
            "{}:{} {}",
            s.place.line,
            s.place.offset,
            show(s.text)
        ));
    }
    fn rows_begin(&mut self, s: Statement<'_>) -> Wanted {
        self.events.push(format!(
            "{}:{} {} rows",
            s.place.line,
            s.place.offset,
            show(s.text)
        ));
        self.wanted
    }
    fn row(&mut self, s: Statement<'_>) {
        self.events.push(format!(
            "{}:{} row {}",
            s.place.line,
            s.place.offset,
            show(s.text)
        ));
    }
    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        let broken =
            broken.map(|tail| format!(", broken {}:{} {}", place.line, place.offset, show(tail)));
        self.events
            .push(format!("{count} rows{}", broken.unwrap_or_default()));
    }
    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        self.events.push(format!(
            "{}:{} comment {} {ended}",
            place.line,
            place.offset,
            show(text)
        ));
    }
    fn comment_inside(&mut self, text: &[u8], place: Place) {
        self.events.push(format!(
            "{}:{} inside {}",
            place.line,
            place.offset,
            show(text)
        ));
    }
    fn values(&mut self, count: u64) {
        self.values.push(count);
    }
    fn modes(&self) -> SqlModes {
        self.modes
    }
}

/// Every row.
const ALL: Wanted = Wanted::Containing(b"");

fn scan_in_pieces(input: &[u8], wanted: Wanted, sizes: &[usize]) -> (Vec<String>, Ending) {
    scan_with(Simd::best(), input, wanted, sizes)
}

fn scan_with(simd: Simd, input: &[u8], wanted: Wanted, sizes: &[usize]) -> (Vec<String>, Ending) {
    let mut recorder = Recorder {
        wanted,
        ..Recorder::default()
    };
    let mut scanner = Scanner {
        simd,
        ..Scanner::default()
    };
    let mut rest = input;
    let mut sizes = sizes.iter().copied().cycle();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(sizes.next().unwrap().clamp(1, rest.len()));
        scanner.feed(piece, &mut recorder);
        rest = after;
    }
    let ending = scanner.finish(&mut recorder);
    (recorder.events, ending)
}

/// With what is found out about each piece by itself.
fn scan_ahead(input: &[u8], wanted: Wanted, size: usize) -> (Vec<String>, Ending) {
    let mut recorder = Recorder {
        wanted,
        ..Recorder::default()
    };
    let mut scanner = Scanner::default();
    for piece in input.chunks(size) {
        scanner.feed_ahead(piece, Some(&Ahead::of(piece)), &mut recorder);
    }
    let ending = scanner.finish(&mut recorder);
    (recorder.events, ending)
}

fn scan(input: &str) -> (Vec<String>, Ending) {
    scan_in_pieces(input.as_bytes(), ALL, &[usize::MAX])
}

#[track_caller]
fn expect(input: &str, events: &[&str]) -> Ending {
    let (found, ending) = scan(input);
    assert_eq!(found, events);
    ending
}

#[test]
fn statements_end_at_the_delimiter_and_know_their_place() {
    let ending = expect(
        "SET a=1;\n\n  DROP TABLE `x`;\n",
        &["1:0 SET a=1", "3:12 DROP TABLE `x`"],
    );
    assert_eq!(ending.interrupted, None);
    assert_eq!((ending.bytes, ending.lines), (28, 3));
}

#[test]
fn delimiters_in_quotes_and_comments_do_not_count() {
    expect(
        "SELECT 'a;''b\\';' , \"c;\" , `d;` /* ; ' */ -- ; '\n , 1 # ; \"\n;x;",
        &[
            "1:42 inside -- ; '",
            "2:54 inside # ; \"",
            "1:0 SELECT 'a;''b\\';' , \"c;\" , `d;` /* ; ' */ -- ; '\n , 1 # ; \"",
            "3:61 x",
        ],
    );
}

#[test]
fn two_minus_signs_without_a_blank_are_no_comment_inside_a_statement() {
    expect("SELECT 1--1;\nx;", &["1:0 SELECT 1--1", "2:13 x"]);
}

#[test]
fn rows_are_counted_and_handed_over() {
    expect(
        "INSERT INTO `t` (`a`,`b`) VALUES (1,'(x),(y)'),\n (2,POINT(1,2)) , (3,'');",
        &[
            "1:0 INSERT INTO `t` (`a`,`b`) VALUES rows",
            "1:33 row 1,'(x),(y)'",
            "2:49 row 2,POINT(1,2)",
            "2:66 row 3,''",
            "3 rows",
        ],
    );
}

#[test]
fn what_follows_the_values_is_not_counted_as_rows() {
    expect(
        "insert into t values(1) ON DUPLICATE KEY UPDATE a=VALUES(a), b=(2);",
        &["1:0 insert into t values rows", "1:20 row 1", "1 rows"],
    );
}

#[test]
fn a_message_between_rows_is_handed_over() {
    expect(
        "INSERT INTO t VALUES (1)\nmysqldump: Error 2013: Lost connection;\nx;",
        &[
            "1:0 INSERT INTO t VALUES rows",
            "1:21 row 1",
            "1 rows, broken 2:25 mysqldump: Error 2013: Lost connection",
            "3:65 x",
        ],
    );
}

#[test]
fn insert_select_is_a_plain_statement() {
    expect(
        "INSERT INTO t (a) SELECT (1) FROM `values` WHERE x IN (2);",
        &["1:0 INSERT INTO t (a) SELECT (1) FROM `values` WHERE x IN (2)"],
    );
}

#[test]
fn an_insert_inside_a_trigger_body_is_no_insert_of_the_dump() {
    expect(
        "DELIMITER ;;\nCREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN\nINSERT INTO u VALUES (1);\nEND ;;\nDELIMITER ;\nx;",
        &[
            "2:13 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN\nINSERT INTO u VALUES (1);\nEND",
            "6:113 x",
        ],
    );
}

#[test]
fn version_comments_are_text_and_plain_comments_are_not() {
    expect(
        "-- head\n/* plain; */ /*!40101 SET a=1 */;\n/*M!100616 SET b=2 */;#end",
        &[
            "1:0 comment -- head true",
            "2:8 comment /* plain; */ true",
            "2:21 /*!40101 SET a=1 */",
            "3:42 /*M!100616 SET b=2 */",
            "3:64 comment #end false",
        ],
    );
}

#[test]
fn the_sandbox_mark_is_a_comment_of_its_own() {
    expect(
        "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n",
        &[
            "1:0 comment /*M!999999\\- enable the sandbox mode */ true",
            "2:41 comment -- MariaDB dump true",
        ],
    );
}

#[test]
fn the_first_form_of_the_sandbox_mark_is_known_as_well() {
    expect(
        "/*!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n",
        &[
            "1:0 comment /*!999999\\- enable the sandbox mode */ true",
            "2:40 comment -- MariaDB dump true",
        ],
    );
}

#[test]
fn slashes_can_be_the_delimiter() {
    expect(
        "DELIMITER //\nSELECT 4/2 /* // */ //\nx//",
        &["2:13 SELECT 4/2 /* // */", "3:36 x"],
    );
}

#[test]
fn quoting_follows_the_sql_mode_of_the_dump() {
    let (events, _) = scan("SET sql_mode='NO_BACKSLASH_ESCAPES';x '\\';y;");
    assert_eq!(events[1..], ["1:36 x '\\'", "1:42 y"]);
    let (events, _) = scan("SET sql_mode='ANSI_QUOTES';x \"\\\";y;");
    assert_eq!(events[1..], ["1:27 x \"\\\"", "1:33 y"]);
    let (events, _) = scan("x \"\\\";y\";");
    assert_eq!(events, ["1:0 x \"\\\";y\""]);
}

#[test]
fn every_kind_of_cut_is_told_apart() {
    let open = |input: &str| scan(input).1.interrupted.map(|i| i.open);
    assert_eq!(open("x;\n-- done"), None);
    assert_eq!(open("x"), Some(Open::Statement));
    assert_eq!(open("x 'y"), Some(Open::Quoted));
    assert_eq!(open("x 'y\\"), Some(Open::Quoted));
    assert_eq!(open("x /* y"), Some(Open::Comment));
    assert_eq!(open("/* y *"), Some(Open::Comment));
    assert_eq!(open("INSERT INTO t VALUES (1),(2"), Some(Open::Statement));
    assert_eq!(open("INSERT INTO t VALUES (1)"), Some(Open::Statement));
    assert!(scan("DELIMITER ;;\nx;;\n").1.inside_delimiter_block);
    assert!(
        !scan("DELIMITER ;;\nx;;\nDELIMITER ;\n")
            .1
            .inside_delimiter_block
    );
}

#[test]
fn a_delimiter_inside_a_row_ends_the_statement_as_it_does_in_the_client() {
    expect(
        "INSERT INTO t VALUES (1),(2;\nx;",
        &[
            "1:0 INSERT INTO t VALUES rows",
            "1:21 row 1",
            "1 rows, broken 1:0 ",
            "2:29 x",
        ],
    );
}

#[test]
fn an_endless_statement_is_cut_short_and_its_end_still_found() {
    let mut recorder = Recorder::default();
    let mut scanner = Scanner::default();
    scanner.feed(b"SELECT '", &mut recorder);
    for _ in 0..MAX_TEXT / 4096 + 2 {
        scanner.feed(&[b'x'; 4096], &mut recorder);
    }
    scanner.feed(b"'; y;", &mut recorder);
    assert!(scanner.text.capacity() <= 2 * MAX_TEXT);
    scanner.finish(&mut recorder);
    assert_eq!(recorder.events.len(), 2);
    assert!(recorder.events[0].len() < MAX_TEXT + 100);
    assert!(recorder.events[1].ends_with(" y"));
}

/// Text made of the pieces that matter to the scanner.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let word = proptest::sample::select(
        &[
            "'",
            "\"",
            "`",
            "\\",
            ";",
            ";;",
            "$$",
            "(",
            ")",
            ",",
            "--",
            "-- ",
            "#",
            "/*",
            "*/",
            "/*!50003 ",
            "/*M!100616 ",
            "/*M!999999",
            "\n",
            " ",
            "DELIMITER ;;\n",
            "DELIMITER ;\n",
            "delimiter $$\n",
            "INSERT INTO `t` VALUES (",
            "INSERT INTO t (a) VALUES\n(",
            "REPLACE INTO t VALUE (",
            "),(",
            "VALUES",
            "CREATE TABLE x",
            "é",
            "\0",
            "abc",
            "SET sql_mode='ANSI_QUOTES';",
            "SET sql_mode='NO_BACKSLASH_ESCAPES';",
            "a long run without anything of interest in it that spans more than one block of bytes",
        ][..],
    );
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes())
}

/// An INSERT of many rows, mostly as dump programs write them.
fn insert() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        8 => proptest::sample::select(&["NULL", "0", "12345", "'abc'", "''", "'2026-11-22 17:00:00'", "'a (b), c;'"][..])
            .prop_map(str::to_owned),
        3 => "'(\\\\\\\\|\\\\'|[a-z(),;\" -]|''|\\n|#|/\\*){0,70}'",
        1 => proptest::sample::select(&["-1.5", "\"d\\\"q\"", "POINT(1,2)", "_binary 'x\\0'", "0x41", "1--1", "4/2", "`x`", "\\"][..])
            .prop_map(str::to_owned),
    ];
    let row = proptest::collection::vec(value, 1..12).prop_map(|values| values.join(","));
    let odd =
        proptest::sample::select(&[") , (", "),\r\n(", ");\nINSERT INTO t VALUES (", ")x("][..]);
    // A dump program writes all rows alike.
    let separators = proptest::sample::select(&["),(", "),\n("][..]);
    let separator = separators.prop_flat_map(move |usual| {
        let other = proptest::sample::select(&["),(", "),\n("][..]);
        let separator = prop_oneof![18 => Just(usual), 1 => other, 1 => odd.clone()];
        proptest::collection::vec((row.clone(), separator), 1..40)
    });
    separator.prop_map(|rows| {
        let mut text = "INSERT INTO t VALUES (".to_owned();
        for (row, separator) in rows {
            text.push_str(&row);
            text.push_str(separator);
        }
        text.push_str("1);\nSET a=1;\n");
        text.into_bytes()
    })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    proptest::sample::select(
        &[
            Wanted::None,
            Wanted::First,
            ALL,
            Wanted::Containing(b"0,1"),
            Wanted::Containing(b"abc"),
        ][..],
    )
}

proptest! {
    #[test]
    fn rows_passed_over_by_the_block_are_those_found_byte_by_byte(
        input in insert(),
        wanted in wanted(),
        sizes in proptest::collection::vec(1usize..700, 1..8),
    ) {
        // Pieces of one byte never hold a whole block.
        let slow = scan_in_pieces(&input, wanted, &[1]);
        prop_assert_eq!(&slow, &scan_in_pieces(&input, wanted, &sizes));
        for simd in Simd::available() {
            prop_assert_eq!(&slow, &scan_with(simd, &input, wanted, &[usize::MAX]));
        }
        prop_assert_eq!(&slow, &scan_ahead(&input, wanted, 700));
    }

    #[test]
    fn the_rows_handed_over_are_the_first_and_those_that_contain_what_is_wanted(
        input in insert(),
        what in proptest::sample::select(&["abc", "0,1", "(", "12345,"][..]),
    ) {
        let is_row = |event: &&String| event.split(' ').nth(1) == Some("row");
        let mut first = true;
        let expected: Vec<String> = scan_in_pieces(&input, ALL, &[usize::MAX])
            .0
            .into_iter()
            .filter(|event| {
                let head = event.ends_with(" rows");
                let keep = !is_row(&event) || first || event.contains(what);
                first = head || first && !is_row(&event);
                keep
            })
            .collect();
        let found = scan_in_pieces(&input, Wanted::Containing(what.as_bytes()), &[usize::MAX]);
        prop_assert_eq!(found.0, expected);
    }

    #[test]
    fn the_result_does_not_depend_on_the_read_size(
        input in soup(),
        wanted in wanted(),
        sizes in proptest::collection::vec(1usize..120, 1..8),
    ) {
        let whole = scan_in_pieces(&input, wanted, &[usize::MAX]);
        prop_assert_eq!(&whole, &scan_in_pieces(&input, wanted, &[1]));
        prop_assert_eq!(&whole, &scan_in_pieces(&input, wanted, &sizes));
        prop_assert_eq!(&whole, &scan_ahead(&input, wanted, 200));
        prop_assert_eq!(whole.1.bytes, input.len() as u64);
        prop_assert_eq!(whole.1.lines, input.iter().filter(|b| **b == b'\n').count() as u64);
    }

    #[test]
    fn a_cut_never_panics_and_only_shortens_what_came_before(input in soup(), cut in 0usize..400) {
        let whole = scan_in_pieces(&input, ALL, &[usize::MAX]).0;
        let cut = cut.min(input.len());
        let (mut events, _) = scan_in_pieces(&input[..cut], ALL, &[7]);
        // The last two events may belong to what the cut interrupted.
        events.truncate(events.len().saturating_sub(2));
        prop_assert_eq!(&whole[..events.len()], &events[..]);
    }
}

/// Takes the bytes of each statement, and where it began.
#[derive(Default)]
struct Bytes {
    statements: Vec<(u64, String)>,
    current: Vec<u8>,
}

impl Sink for Bytes {
    fn statement(&mut self, _: Statement<'_>) {}
    fn rows_begin(&mut self, _: Statement<'_>) -> Wanted {
        Wanted::None
    }
    fn row(&mut self, _: Statement<'_>) {}
    fn rows_end(&mut self, _: u64, _: Option<&[u8]>, _: Place) {}
    fn comment(&mut self, _: &[u8], _: Place, _: bool) {}
    fn wants_bytes(&self) -> bool {
        true
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.current.extend_from_slice(bytes);
    }
    fn ended(&mut self, place: Place, _: &[u8]) {
        self.statements.push((place.offset, show(&self.current)));
        self.current.clear();
    }
    fn modes(&self) -> SqlModes {
        SqlModes::default()
    }
}

#[test]
fn statements_come_as_they_stand_wherever_the_pieces_are_cut() {
    let long = format!(
        "INSERT INTO a VALUES {}",
        vec!["(1,'x;y',NULL)"; 400].join(",")
    );
    let text = format!(
        "-- a comment\n/*!40101 SET NAMES utf8 */;\n{long};\nDELIMITER ;;\n\
         CREATE TRIGGER t -- why\nBEGIN SET @a = 1; END ;;\nDELIMITER ;\n\
         INSERT INTO b VALUES ('it''s', /* x */ '\\''),\n(2) ON DUPLICATE KEY UPDATE a = 1;\n;; SELECT 'open at the end"
    );
    let expected = [
        "/*!40101 SET NAMES utf8 */",
        &long,
        "CREATE TRIGGER t -- why\nBEGIN SET @a = 1; END ",
        "INSERT INTO b VALUES ('it''s', /* x */ '\\''),\n(2) ON DUPLICATE KEY UPDATE a = 1",
        "SELECT 'open at the end",
    ];
    for size in [1, 2, 7, 31, 64, 100, 1000, text.len()] {
        let mut sink = Bytes::default();
        let mut scanner = Scanner::default();
        for piece in text.as_bytes().chunks(size) {
            scanner.feed(piece, &mut sink);
        }
        scanner.finish(&mut sink);
        let found: Vec<&str> = sink
            .statements
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(found, expected, "pieces of {size}");
        for (offset, statement) in &sink.statements {
            let at = usize::try_from(*offset).unwrap();
            assert!(text[at..].starts_with(statement.as_str()), "{statement}");
        }
    }
}

/// Values with commas, quotes, parentheses and escapes in them.
const VALUES: [&str; 12] = [
    "1",
    "-2.5e3",
    "NULL",
    "''",
    "'a'",
    "'a, b),(c'",
    "'it''s, so'",
    "'\\\\'",
    "'\\',('",
    "_binary 'x,y'",
    "f(1,2)",
    "\"d,e\"",
];

proptest! {
    #[test]
    fn values_are_counted_as_they_were_written(
        rows in prop::collection::vec(
            prop::collection::vec(prop::sample::select(&VALUES), 1..6),
            1..120,
        ),
        separator in prop::sample::select(&["),(", "),\n(", "), ("]),
        wanted in prop::sample::select(&[Wanted::None, Wanted::First, Wanted::Containing(b"NULL"), Wanted::Whole]),
        size in 1..700_usize,
    ) {
        let texts: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let text = format!("INSERT INTO `t` VALUES ({});\n", texts.join(separator));
        let expected = [rows.iter().map(Vec::len).sum::<usize>() as u64];
        let count = |simd, ahead: bool| {
            let mut recorder = Recorder { wanted, ..Recorder::default() };
            let mut scanner = Scanner { simd, ..Scanner::default() };
            for piece in text.as_bytes().chunks(size) {
                match ahead {
                    true => scanner.feed_ahead(piece, Some(&Ahead::of(piece)), &mut recorder),
                    false => scanner.feed(piece, &mut recorder),
                }
            }
            scanner.finish(&mut recorder);
            recorder.values
        };
        prop_assert_eq!(count(Simd::best(), true), expected);
        prop_assert_eq!(count(Simd::best(), false), expected);
        prop_assert_eq!(count(Simd::Portable, false), expected);
    }
}

proptest! {
    /// Rows are long enough here to be passed over by the block.
    #[test]
    fn zero_bytes_are_found_alike_with_and_without_passing_over_rows(
        count in 1usize..60,
        zeros in proptest::collection::vec(0usize..2000, 0..4),
    ) {
        let mut text = format!("INSERT INTO `t` VALUES {};", vec!["(1,'some text, so')"; count].join(",")).into_bytes();
        for at in zeros {
            if let Some(byte) = text.get_mut(at) {
                *byte = 0;
            }
        }
        prop_assert_eq!(Ahead::of(&text).zero(), text.iter().position(|byte| *byte == 0));
    }
}

#[test]
fn the_first_zero_byte_of_a_piece_has_its_place() {
    #[derive(Default)]
    struct Zeros(Vec<Place>);
    impl Sink for Zeros {
        fn statement(&mut self, _: Statement<'_>) {}
        fn rows_begin(&mut self, _: Statement<'_>) -> Wanted {
            Wanted::None
        }
        fn row(&mut self, _: Statement<'_>) {}
        fn rows_end(&mut self, _: u64, _: Option<&[u8]>, _: Place) {}
        fn comment(&mut self, _: &[u8], _: Place, _: bool) {}
        fn zero_byte(&mut self, place: Place) {
            self.0.push(place);
        }
        fn modes(&self) -> SqlModes {
            SqlModes::default()
        }
    }
    let text = b"SET a=1;\nINSERT INTO `t` VALUES (1,'a\n'),\n(2,'\0\0'),(3,'c');\nSET b=1;\n";
    for size in 1..text.len() {
        let mut zeros = Zeros::default();
        let mut scanner = Scanner::default();
        for piece in text.chunks(size) {
            scanner.feed(piece, &mut zeros);
        }
        scanner.finish(&mut zeros);
        let place = Place {
            offset: 46,
            line: 4,
        };
        assert_eq!(zeros.0.first(), Some(&place), "{size}");
    }
}
