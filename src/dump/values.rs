//! The values of a row of an INSERT, read from its bytes where they stand.

use std::borrow::Cow;

use crate::schema::lexer::SqlModes;

/// Splits the text between a row's parentheses into values; `None` stands for NULL.
///
/// Strings come without quotes and escapes, hexadecimal literals as their bytes, anything
/// else as written. Returns `None` when the text is not a list of values.
pub fn parse_row(text: &[u8], modes: SqlModes) -> Option<Vec<Option<Vec<u8>>>> {
    let mut values = Values::new(text, modes);
    let mut row = Vec::new();
    loop {
        row.push(match values.value() {
            Next::Value(Value::Null) => None,
            Next::Value(value) => Some(value.bytes()?.into_owned()),
            Next::End => return Some(row),
            Next::Broken => return None,
        });
    }
}

/// A value as it is written in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The value NULL.
    Null,
    /// A number, or a word without quotes.
    Bare(&'a [u8]),
    /// The inside of a string that has no escape in it.
    Plain(&'a [u8]),
    /// A string with its quotes and escapes, or a hexadecimal literal.
    Marked(&'a [u8], SqlModes),
}

impl<'a> Value<'a> {
    /// The value that is written in the first `length` bytes of a text, with no blank or parenthesis outside of quotes.
    #[inline]
    pub fn of(text: &'a [u8], length: usize, modes: SqlModes) -> Self {
        let value = text.get(..length).unwrap_or(text);
        match value {
            b"NULL" => Self::Null,
            [b'1'..=b'9' | b'-', ..] => Self::Bare(value),
            // What follows is looked at as well, because that is faster.
            [b'\'', inside @ .., b'\'']
                if text.get(1..).and_then(next_mark) == Some(inside.len()) =>
            {
                Self::Plain(inside)
            }
            _ => Self::other(value, modes),
        }
    }

    /// A value that is neither a plain string nor broken.
    fn other(text: &'a [u8], modes: SqlModes) -> Self {
        match text {
            _ if text.eq_ignore_ascii_case(b"NULL") => Self::Null,
            [b'\'' | b'"' | b'_' | b'x' | b'X', ..] | [b'0', b'x', ..] => Self::Marked(text, modes),
            _ => Self::Bare(text),
        }
    }

    /// The value as a whole number, negative ones as their two's complement; `None` if it is not one.
    #[inline]
    pub fn integer(&self) -> Option<u64> {
        match self {
            Self::Bare(digits) | Self::Plain(digits) => integer(digits),
            Self::Null | Self::Marked(..) => integer(&self.bytes()?),
        }
    }

    /// The bytes of the value without quotes and escapes; `None` for NULL, and for what cannot be read.
    pub fn bytes(&self) -> Option<Cow<'a, [u8]>> {
        match *self {
            Self::Null => None,
            Self::Bare(bytes) | Self::Plain(bytes) => Some(Cow::Borrowed(bytes)),
            Self::Marked(text, modes) => decode(text, modes),
        }
    }
}

/// The bytes that a string or a hexadecimal literal stands for; `None` when the text is neither.
fn decode(text: &[u8], modes: SqlModes) -> Option<Cow<'_, [u8]>> {
    match text {
        [b'\'', rest @ ..] => unquoted(rest, b'\'', modes).map(Cow::Owned),
        [b'"', rest @ ..] if !modes.ansi_quotes => unquoted(rest, b'"', modes).map(Cow::Owned),
        // A charset introducer before a string, as in _binary 'x'.
        [b'_', ..] => {
            let end = text.iter().position(|b| matches!(b, b'\'' | b' ' | b'"'))?;
            decode(text.get(end..)?.trim_ascii_start(), modes)
        }
        [b'0', b'x', digits @ ..] | [b'x' | b'X', b'\'', digits @ .., b'\''] => {
            hexadecimal(digits).map(Cow::Owned)
        }
        // A string that is opened and not closed.
        [b'x' | b'X', b'\'', ..] => None,
        word => Some(Cow::Borrowed(word)),
    }
}

/// The inside of a string, where the text ends with its closing quote. Escapes are those of the MySQL manual,
/// "String Literals"; any other escaped byte stands for itself.
fn unquoted(text: &[u8], quote: u8, modes: SqlModes) -> Option<Vec<u8>> {
    let escape = if modes.no_backslash_escapes {
        quote
    } else {
        b'\\'
    };
    let mut value = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(memchr::memchr2(quote, escape, rest)?);
        value.extend_from_slice(plain);
        rest = match special {
            [first, second, after @ ..] if *first == quote && *second == quote => {
                value.push(quote);
                after
            }
            [first] if *first == quote => return Some(value),
            [b'\\', escaped, after @ ..] if escape == b'\\' => {
                value.push(match escaped {
                    b'0' => 0,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'Z' => 0x1A,
                    other => *other,
                });
                after
            }
            _ => return None,
        };
    }
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut value = Vec::with_capacity(digits.len().div_ceil(2));
    for pair in digits.rchunks(2).rev() {
        value.push(match *pair {
            [high, low] => digit(high)? << 4 | digit(low)?,
            [low] => digit(low)?,
            _ => return None,
        });
    }
    Some(value)
}

/// A whole number written as `12`, `-3`, `+4` or, as MySQL writes floats, `12.0`; `None` for other text.
#[inline]
pub fn integer(digits: &[u8]) -> Option<u64> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, digits),
    };
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let mut number = 0u64;
    let always_fits = digits.len() < 20;
    for (i, digit) in digits.iter().enumerate() {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            let fraction = digits.get(i..)?.strip_prefix(b".")?;
            if i == 0 || !fraction.iter().all(|digit| *digit == b'0') {
                return None;
            }
            break;
        }
        let digit = u64::from(digit);
        number = match always_fits {
            true => number * 10 + digit,
            false => number.checked_mul(10)?.checked_add(digit)?,
        };
    }
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// Whether a date has no day or no month: `0000-00-00`, `2010-00-00`, perhaps with a time.
#[inline]
pub fn is_zero_date(date: &[u8]) -> bool {
    match date {
        [_, _, _, _, b'-', m1, m2, b'-', d1, d2, ..] => {
            (*m1, *m2) == (b'0', b'0') || (*d1, *d2) == (b'0', b'0')
        }
        // 0 and 00000000 are zero dates as well.
        _ => !date.is_empty() && date.iter().all(|byte| *byte == b'0'),
    }
}

/// Reads the values of a row one after the other.
pub struct Values<'a> {
    rest: &'a [u8],
    modes: SqlModes,
    ended: bool,
    /// Whether the text goes on behind the row's closing parenthesis.
    open: bool,
}

/// What comes next in a row: a value, the end, or text that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// The next value of the row.
    Value(Value<'a>),
    /// The row has no more values.
    End,
    /// The text is not a value, or not a plain one in an open text.
    Broken,
}

impl<'a> Values<'a> {
    /// Reads the values of a row whose text comes without the outer parentheses.
    pub fn new(text: &'a [u8], modes: SqlModes) -> Self {
        Self {
            rest: text,
            modes,
            ended: false,
            open: false,
        }
    }

    /// Reads the values of the row that begins here, behind its opening parenthesis; other rows may follow it.
    /// Takes numbers, strings and NULL only: text that may hold a comment or the end of the statement counts as
    /// broken.
    pub fn open(text: &'a [u8], modes: SqlModes) -> Self {
        Self {
            open: true,
            ..Self::new(text, modes)
        }
    }

    /// Passes over `count` values; returns whether there were so many.
    #[inline]
    pub fn skip(&mut self, count: usize) -> bool {
        (0..count).all(|_| matches!(self.value(), Next::Value(_)))
    }

    /// Passes over the rest of an open row; returns how many values that were, and the text after its closing parenthesis.
    #[inline]
    pub fn close(mut self) -> Option<(usize, &'a [u8])> {
        let mut passed = 0;
        loop {
            match self.value() {
                Next::Value(_) => passed += 1,
                Next::End => return Some((passed, self.rest.strip_prefix(b")")?)),
                Next::Broken => return None,
            }
        }
    }

    /// The next value of the row.
    #[inline(always)]
    pub fn value(&mut self) -> Next<'a> {
        // Every other value is one of these; they are not worth a call.
        let value = match self.rest {
            [b'N', b'U', b'L', b'L', b',', rest @ ..] => {
                self.rest = rest;
                Value::Null
            }
            [b'0'..=b'9', b',', rest @ ..] => {
                let (digit, _) = self.rest.split_at(1);
                self.rest = rest;
                Value::Bare(digit)
            }
            _ => return self.longer(),
        };
        Next::Value(value)
    }

    fn longer(&mut self) -> Next<'a> {
        if self.ended {
            return Next::End;
        }
        let text = self.rest;
        let (value, end) = match text {
            [b'0'..=b'9' | b'-', ..] => {
                let is_of_number =
                    |b: &u8| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
                let end = text
                    .iter()
                    .position(|b| !is_of_number(b))
                    .unwrap_or(text.len());
                let (value, _) = text.split_at(end);
                (Value::Bare(value), end)
            }
            [b'\'', ..] => match self.string(text) {
                Some(found) => found,
                None => return self.slow(),
            },
            [b'N', b'U', b'L', b'L', ..] => (Value::Null, 4),
            _ => return self.slow(),
        };
        self.after(value, end)
    }

    /// Reads a string: its inside if it has no escapes, or the whole of it if it has some.
    #[inline]
    fn string(&self, text: &'a [u8]) -> Option<(Value<'a>, usize)> {
        let mut at = 1;
        let mut marked = false;
        loop {
            at += next_mark(text.get(at..)?)?;
            match text.get(at..)? {
                [b'\\', ..] if !self.modes.no_backslash_escapes => {
                    marked = true;
                    at += 2;
                }
                [b'\\', ..] => at += 1,
                [b'\'', b'\'', ..] => {
                    marked = true;
                    at += 2;
                }
                // The quote that closes it may be the first half of a doubled one.
                [b'\''] if self.open => return None,
                _ => break,
            }
        }
        let value = if marked {
            Value::Marked(text.get(..=at)?, self.modes)
        } else {
            Value::Plain(text.get(1..at)?)
        };
        Some((value, at + 1))
    }

    /// Goes on after a value that ends at `end`.
    #[inline]
    fn after(&mut self, value: Value<'a>, end: usize) -> Next<'a> {
        match self.rest.get(end..) {
            Some([b',', rest @ ..]) => self.rest = rest,
            Some(rest @ [b')', ..]) if self.open => {
                self.rest = rest;
                self.ended = true;
            }
            Some([]) if !self.open => self.ended = true,
            _ => return self.slow(),
        }
        Next::Value(value)
    }

    /// Reads any value that is not written as mysqldump does: blanks, other quotes, introducers, hexadecimal
    /// literals, words and functions.
    #[cold]
    fn slow(&mut self) -> Next<'a> {
        let text = self.rest.trim_ascii_start();
        let Some(end) = self.end_of(text) else {
            return self.broken();
        };
        let (value, rest) = text.split_at(end);
        let value = value.trim_ascii();
        match rest {
            [b',', rest @ ..] => self.rest = rest,
            rest => {
                self.rest = rest;
                self.ended = true;
            }
        }
        match value {
            [] => self.broken(),
            _ => Next::Value(Value::other(value, self.modes)),
        }
    }

    /// Marks the row as broken: no text after this can be read.
    fn broken(&mut self) -> Next<'a> {
        self.ended = true;
        self.rest = &[];
        Next::Broken
    }

    /// Index at which a value ends: at the next comma outside of quotes and parentheses.
    fn end_of(&self, text: &[u8]) -> Option<usize> {
        let mut depth = 0usize;
        let mut quote = None;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match (quote, byte) {
                (Some(b'\'' | b'"'), b'\\') if !self.modes.no_backslash_escapes => at += 1,
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b',') if depth == 0 => return Some(at),
                (None, b')') if self.open => return Some(at),
                (None, byte) if self.open => match byte {
                    b'_' | b'.' | b'+' => {}
                    byte if byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() => {}
                    _ => return None,
                },
                (None, b'`') => quote = Some(byte),
                (None, b'(') => depth += 1,
                (None, b')') => depth = depth.checked_sub(1)?,
                _ => {}
            }
            at += 1;
        }
        (depth == 0 && quote.is_none() && !self.open).then_some(text.len())
    }
}

/// Index of the next quote or backslash; looks at eight bytes at a time. Most strings are short, for which a
/// call to memchr costs more than this.
#[inline]
fn next_mark(text: &[u8]) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The lowest set bit belongs to the first zero byte (Warren, "Hacker's Delight", 6-1).
    let zero = |word: u64| word.wrapping_sub(EACH) & !word & HIGH;
    let mut at = 0;
    while at < 32 {
        let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            break;
        };
        let word = u64::from_le_bytes(*word);
        let marks = zero(word ^ (EACH * 0x27)) | zero(word ^ (EACH * 0x5C));
        if marks != 0 {
            return Some(at + (marks.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    Some(at + memchr::memchr2(b'\'', b'\\', text.get(at..)?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str) -> Option<Vec<Option<String>>> {
        let values = parse_row(text.as_bytes(), SqlModes::default())?;
        let text = |v: Vec<u8>| String::from_utf8_lossy(&v).into_owned();
        Some(values.into_iter().map(|v| v.map(text)).collect())
    }

    #[test]
    fn every_form_that_dump_programs_write_is_read() {
        let some = |s: &str| Some(s.to_owned());
        for (text, expected) in [
            (
                r"1 , 'a\'b''c\\',NULL,-1.5e3,0x4142,x'41', _binary 'x\0y',''",
                vec![
                    some("1"),
                    some("a'b'c\\"),
                    None,
                    some("-1.5e3"),
                    some("AB"),
                    some("A"),
                    some("x\0y"),
                    some(""),
                ],
            ),
            (
                "1 , 'a' ,NULL , _utf8mb4 'x', null,X'4A4b',0xABC,_utf8mb4\"y\"",
                vec![
                    some("1"),
                    some("a"),
                    None,
                    some("x"),
                    None,
                    some("JK"),
                    some("\n\u{FFFD}"),
                    some("y"),
                ],
            ),
            (
                r#"'a',POINT(1,'),'),"do""uble",CONCAT('\',',2)"#,
                vec![
                    some("a"),
                    some("POINT(1,'),')"),
                    some("do\"uble"),
                    some(r"CONCAT('\',',2)"),
                ],
            ),
            (
                "'a much longer text than sixteen bytes, with, commas',2",
                vec![
                    some("a much longer text than sixteen bytes, with, commas"),
                    some("2"),
                ],
            ),
            (
                r"'ends in a backslash\\'",
                vec![some(r"ends in a backslash\")],
            ),
        ] {
            assert_eq!(row(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn without_backslash_escapes_a_backslash_is_itself() {
        let modes = SqlModes {
            no_backslash_escapes: true,
            ..SqlModes::default()
        };
        assert_eq!(
            parse_row(br"'a\','b''c',3", modes),
            Some(vec![
                Some(br"a\".to_vec()),
                Some(b"b'c".to_vec()),
                Some(b"3".to_vec())
            ])
        );
    }

    #[test]
    fn what_is_no_list_of_values_is_refused() {
        for text in [
            "", "1,", "'a", "'a' 'b'x", "'a' 'b'", "(1", "1)", "x'4", "x'4g'", "0x4g", "_utf8mb4",
            "'a'b", ",1", "1,,2",
        ] {
            assert_eq!(row(text), None, "{text}");
        }
        let end = r"1,'a\'b''c\\',NULL,-1.5e3,0x4142,x'41', _binary 'x\0y',";
        assert_eq!(row(end), None);
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (text, number) in [
            ("12", Some(12)),
            ("'12'", Some(12)),
            ("012", Some(12)),
            ("-1", Some(u64::MAX)),
            ("12.000", Some(12)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("12.5", None),
            ("''", None),
            ("abc", None),
            ("-", None),
        ] {
            let mut values = Values::new(text.as_bytes(), SqlModes::default());
            let Next::Value(value) = values.value() else {
                panic!("{text}");
            };
            assert_eq!(value.integer(), number, "{text}");
        }
    }

    #[test]
    fn zero_dates_are_those_without_a_day_or_month() {
        for (date, is) in [
            ("0000-00-00", true),
            ("0000-00-00 00:00:00", true),
            ("2010-00-01", true),
            ("2010-01-00 12:00:00", true),
            ("2010-10-10 00:00:00", false),
            ("0001-01-01", false),
            ("0", true),
            ("", false),
        ] {
            assert_eq!(is_zero_date(date.as_bytes()), is, "{date}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_survive_quoting(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut text = vec![b'\''];
            for byte in &value {
                if matches!(byte, b'\'' | b'\\') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
            text.extend(b"',2");
            let row = parse_row(&text, SqlModes::default()).unwrap();
            prop_assert_eq!(&row[..], &[Some(value), Some(b"2".to_vec())][..]);
        }

        /// Values are read in a quick way where they stand as mysqldump writes them, and in
        /// a thorough one everywhere else.
        #[test]
        fn blanks_between_values_change_nothing(
            values in proptest::collection::vec(
                r#"[0-9]{1,3}|-?[0-9]\.[0-9]e[+-]?[0-9]|NULL|'([a-c,() ]|\\.|''){0,12}'|x'([0-9A-F]{2}){0,3}'|0x[0-9A-F]{1,4}"#,
                1..6,
            ),
        ) {
            let (close, wide) = (values.join(","), format!(" {} ", values.join(" , ")));
            let row = row(&close);
            prop_assert!(row.as_ref().is_some_and(|row| row.len() == values.len()), "{}", close);
            prop_assert_eq!(row, self::row(&wide), "{}", close);
        }

        #[test]
        fn the_next_mark_is_the_first(text in "[a-z'\\\\]{0,60}") {
            let first = text.bytes().position(|b| matches!(b, b'\'' | b'\\'));
            prop_assert_eq!(next_mark(text.as_bytes()), first);
        }

        #[test]
        fn an_open_row_is_read_like_a_closed_one(text in "[0-9a-c',\\\\ NUL().;-]{0,24}") {
            let modes = SqlModes::default();
            let followed = format!("{text}),(1");
            let mut values = Values::open(followed.as_bytes(), modes);
            let mut row = Vec::new();
            while let Next::Value(value) = values.value() {
                row.push(value);
            }
            if values.close() == Some((0, b",(1")) {
                let mut closed = Values::new(text.as_bytes(), modes);
                for value in row {
                    prop_assert_eq!(closed.value(), Next::Value(value));
                }
                prop_assert_eq!(closed.value(), Next::End);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse_row(&text, SqlModes { ansi_quotes: true, no_backslash_escapes: true });
            let _ = parse_row(&text, SqlModes::default());
        }
    }
}
