use proptest::prelude::*;

use super::super::values::parse_row;
use super::*;
use crate::schema::lexer::SqlModes;

type Row = Vec<Option<Vec<u8>>>;

/// Takes rows as a dump's reader does.
struct Taken {
    wanted: Wanted,
    heads: Vec<String>,
    rows: Vec<(Option<Row>, Place, bool)>,
    count: u64,
}

impl Taken {
    fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            heads: Vec::new(),
            rows: Vec::new(),
            count: 0,
        }
    }
}

impl Sink for Taken {
    fn statement(&mut self, _: Statement<'_>) {}
    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.heads
            .push(String::from_utf8_lossy(head.text).into_owned());
        self.wanted
    }
    fn row(&mut self, row: Statement<'_>) {
        let values = parse_row(row.text, SqlModes::default());
        self.rows.push((values, row.place, row.cut_short));
    }
    fn rows_end(&mut self, count: u64, _: Option<&[u8]>, _: Place) {
        self.count += count;
    }
    fn comment(&mut self, _: &[u8], _: Place, _: bool) {}
    fn modes(&self) -> SqlModes {
        SqlModes::default()
    }
}

fn read(
    format: &Format,
    encodings: &[Encoding],
    text: &[u8],
    size: usize,
    wanted: Wanted,
) -> (Taken, Ending) {
    let mut taken = Taken::new(wanted);
    let mut rows = DelimitedRows::new(format.clone(), "a`b", None, encodings.to_vec());
    for piece in text.chunks(size) {
        rows.feed(piece, &mut taken);
    }
    let ending = rows.finish(&mut taken);
    (taken, ending)
}

fn values(format: &Format, text: &str) -> Vec<Option<Row>> {
    let (taken, _) = read(format, &[], text.as_bytes(), 3, Wanted::Whole);
    taken.rows.into_iter().map(|(row, ..)| row).collect()
}

fn row(values: &[Option<&str>]) -> Option<Row> {
    let bytes = |text: &Option<&str>| text.map(|text| text.as_bytes().to_vec());
    Some(values.iter().map(bytes).collect())
}

#[test]
fn what_select_into_outfile_writes_is_read() {
    // As MariaDB 10.11 and MySQL 9.7 write it.
    let text = "1\ta\\\tb\\\nc\\\\d\t\\0\r\\\n,\"\t\\N\n2\t\\\\N\t\t3\n3\tNULL\t\\N\tit's\n";
    assert_eq!(
        values(&Format::default(), text),
        [
            row(&[Some("1"), Some("a\tb\nc\\d"), Some("\0\r\n,\""), None]),
            row(&[Some("2"), Some("\\N"), Some(""), Some("3")]),
            row(&[Some("3"), Some("NULL"), None, Some("it's")]),
        ]
    );
}

#[test]
fn enclosed_values_are_read_as_load_data_does() {
    let format = Format::new(",", "\"", "\\", "\r\n").expect("a format");
    let text = "1,\"a,\r\nb\"\"c\\\"d\",NULL\r\n\"NULL\",x\"y,\\N\r\n\"a\"b\",,\"\\N\"\r\n";
    assert_eq!(
        values(&format, text),
        [
            row(&[Some("1"), Some("a,\r\nb\"c\"d"), None]),
            row(&[Some("NULL"), Some("x\"y"), None]),
            row(&[Some("a\"b"), Some(""), None]),
        ]
    );
    let rfc = Format::new(",", "\"", "", "\n").expect("a format");
    assert_eq!(
        values(&rfc, "\"a\\\",NULL,\"b\"\"\"\n"),
        [row(&[Some("a\\"), None, Some("b\"")])]
    );
}

#[test]
fn encoded_columns_are_decoded() {
    let encodings = [Encoding::Hexadecimal, Encoding::Base64, Encoding::Base64];
    let text = b"00fF\tAAH/\\nAg==\t\\N\n";
    let (taken, _) = read(&Format::default(), &encodings, text, 5, Wanted::Whole);
    let expected = vec![Some(vec![0, 255]), Some(vec![0, 1, 255, 2]), None];
    assert_eq!(taken.rows[0].0.as_ref(), Some(&expected));
}

#[test]
fn rows_have_their_places_and_a_cut_one_is_told() {
    let text = b"1\ta\\\nb\n2\tc\n3\td";
    for size in [1, 4, 100] {
        let (taken, ending) = read(&Format::default(), &[], text, size, Wanted::Whole);
        let places: Vec<(u64, u64)> = taken
            .rows
            .iter()
            .map(|(_, at, _)| (at.offset, at.line))
            .collect();
        assert_eq!(places, [(0, 1), (7, 3)]);
        assert_eq!(taken.heads, ["INSERT INTO `a``b` VALUES"]);
        assert_eq!((taken.count, ending.bytes, ending.lines), (2, 14, 3));
        let interrupted = ending.interrupted.expect("it is cut");
        assert_eq!(interrupted.open, Open::Row);
        assert_eq!(
            interrupted.place,
            Place {
                offset: 11,
                line: 4
            }
        );
    }
    let (taken, ending) = read(&Format::default(), &[], b"", 1, Wanted::Whole);
    assert_eq!((taken.heads.len(), ending.interrupted), (0, None));
}

#[test]
fn long_rows_are_not_kept_where_they_are_not_wanted() {
    let mut text = vec![b'x'; 3 << 20];
    text.extend_from_slice(b"\n2\n");
    for wanted in [Wanted::None, Wanted::First, Wanted::Containing(b"y")] {
        let mut taken = Taken::new(wanted);
        let mut rows = DelimitedRows::new(Format::default(), "t", None, Vec::new());
        for piece in text.chunks(1 << 20) {
            rows.feed(piece, &mut taken);
            assert!(rows.buffer.len() <= MAX_TEXT + 100, "{wanted:?}");
        }
        let ending = rows.finish(&mut taken);
        assert_eq!((taken.count, ending.interrupted), (2, None));
        for (row, _, cut_short) in &taken.rows {
            assert!(*cut_short && row.is_none(), "{wanted:?}");
        }
    }
}

proptest! {
    /// However the text comes in pieces, and whatever separates the values, they are the ones that were written.
    #[test]
    fn what_is_written_is_read(
        rows in proptest::collection::vec(
            proptest::collection::vec(proptest::option::of("[a-cN\\\\\"', \t\r\n0]{0,6}"), 1..4), 0..6,
        ),
        size in 1usize..20,
        (fields, enclosed, lines) in prop_oneof![
            Just(("\t", "", "\n")), Just((",", "\"", "\r\n")), Just((";;", "'", "|\n")), Just(("a", "b", "cc")),
        ],
    ) {
        let format = Format::new(fields, enclosed, "\\", lines).expect("a format");
        let mut text = String::new();
        for row in &rows {
            let values: Vec<String> = row.iter().map(|value| match value {
                None => "\\N".to_owned(),
                Some(value) => {
                    let mut escaped = String::new();
                    for character in value.chars() {
                        let is_mark = character == '\\'
                            || [fields, enclosed, lines].iter().any(|mark| mark.starts_with(character));
                        if is_mark {
                            escaped.push('\\');
                        }
                        escaped.push(character);
                    }
                    format!("{enclosed}{escaped}{enclosed}")
                }
            }).collect();
            text += &values.join(fields);
            text += lines;
        }
        // b stands for a backspace, n and so on for other bytes: those are not marks here but where they enclose.
        prop_assume!(enclosed != "b" || !text.contains("\\b") && !text.contains("\\0"));
        let expected: Vec<Option<Row>> = rows.iter().map(|row| {
            Some(row.iter().map(|value| value.clone().map(String::into_bytes)).collect())
        }).collect();
        let (taken, ending) = read(&format, &[], text.as_bytes(), size, Wanted::Whole);
        let found: Vec<Option<Row>> = taken.rows.into_iter().map(|(row, ..)| row).collect();
        prop_assert_eq!(found, expected, "{:?}", text);
        prop_assert_eq!(ending.interrupted, None);
        prop_assert_eq!(ending.bytes, text.len() as u64);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in proptest::collection::vec(any::<u8>(), 0..80),
        size in 1usize..9,
        marks in ("[a\t\"]{1,2}", "[b\"]?", "[b\\\\\"]?", "[\nab]{1,2}"),
    ) {
        let (fields, enclosed, escape, lines) = marks;
        if let Some(format) = Format::new(&fields, &enclosed, &escape, &lines) {
            let (one, ending) = read(&format, &[], &text, size, Wanted::Whole);
            let (other, same) = read(&format, &[], &text, 1000, Wanted::Whole);
            prop_assert_eq!(one.rows, other.rows);
            prop_assert_eq!(&ending, &same);
            prop_assert_eq!(ending.bytes, text.len() as u64);
            let _ = (format.values_in_first_row(&text), format.is_followed_by_returns(&text));
        }
    }
}
