//! One form for each value, however a dump program or a server spells it.

use std::borrow::Cow;

use bumpalo::Bump;
use time::{Date, Duration, Month, PrimitiveDateTime, Time};

use crate::dump::values::Value;
use crate::schema::model::{Column, Table};

/// What a column holds, as far as its values can be spelled in several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Whole and decimal numbers, with or without zeros in front (ZEROFILL) and behind the point.
    Number,
    /// FLOAT.
    Float,
    /// DOUBLE.
    Double,
    /// Dates and times, with or without a fraction or a time of midnight.
    Time,
    /// TIMESTAMP, which dumps give in the time zone of their session.
    Timestamp,
    /// BIT.
    Bits,
    /// Bytes.
    Bytes,
    /// Text of a column in this character set.
    Text(Charset),
}

/// Character sets whose bytes can be told apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// `utf8mb3`, `utf8mb4` and `ascii`.
    Utf8,
    /// `latin1`, which is the code page 1252 in MySQL and MariaDB.
    Latin1,
    /// `binary`: text comes in the bytes in which it is stored.
    Binary,
    /// Any other.
    Other,
}

impl Charset {
    /// The character set of this name.
    pub fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "utf8" | "utf8mb3" | "utf8mb4" | "ascii" => Self::Utf8,
            "latin1" => Self::Latin1,
            "binary" => Self::Binary,
            _ => Self::Other,
        }
    }
}

/// In which way the values of a dump or a connection are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The character set of text.
    pub charset: Charset,
    /// How many minutes the times of TIMESTAMP columns are ahead of UTC; `None` where nothing says so.
    pub minutes_ahead: Option<i32>,
}

impl Spelling {
    /// The spelling of a connection that asked for UTF-8 and UTC.
    pub const OF_SERVER: Self = Self {
        charset: Charset::Utf8,
        minutes_ahead: Some(0),
    };
}

/// The minutes that a time zone is ahead of UTC, as `SET time_zone` names it: `+00:00`, `-05:30`, `UTC`. `None` for names
/// that depend on the server.
pub fn minutes_ahead(zone: &str) -> Option<i32> {
    if zone.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * 60 + minutes))
}

impl Form {
    /// The form of a column's values.
    pub fn of(column: &Column, table: &Table) -> Self {
        let word = column.data_type.as_str();
        let word = word.find(['(', ' ']).map_or(word, |end| &word[..end]);
        match word {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal"
            | "numeric" | "year" | "boolean" | "bool" => Self::Number,
            "float" => Self::Float,
            "double" | "real" => Self::Double,
            "date" | "datetime" | "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "bit" => Self::Bits,
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum"
            | "set" | "json" => {
                let charset = column.charset.as_ref().or(table.charset.as_ref());
                Self::Text(charset.map_or(Charset::Utf8, |name| Charset::named(name)))
            }
            _ => Self::Bytes,
        }
    }

    /// A value in the form that all spellings of it share; `None` for NULL. What does not stand so in the value itself is
    /// kept in `made`.
    #[inline]
    pub fn canonical<'v>(
        self,
        value: Value<'v>,
        spelling: Spelling,
        made: &'v Bump,
    ) -> Option<&'v [u8]> {
        let bytes = match value {
            Value::Null => return None,
            Value::Bare(digits) if self == Self::Number && is_whole_number(digits) => {
                return Some(digits);
            }
            _ if self == Self::Bits => return bits(value).map(|bits| kept(bits, made)),
            Value::Plain(text) => text,
            Value::Bare(text) | Value::Marked(text, _) => match unhex(text) {
                Some(bytes) => made.alloc_slice_copy(&bytes),
                // What cannot be read as a literal is taken as it stands.
                None => value.bytes().map_or(text, |bytes| kept(bytes, made)),
            },
        };
        Some(match self {
            Self::Number => number(bytes, made),
            Self::Float => parsed(bytes, made, |text| {
                Some((text.parse::<f32>().ok()? + 0.0).to_le_bytes())
            }),
            Self::Double => parsed(bytes, made, |text| {
                Some((text.parse::<f64>().ok()? + 0.0).to_le_bytes())
            }),
            Self::Time => time(bytes),
            Self::Timestamp => match spelling.minutes_ahead {
                None | Some(0) => time(bytes),
                Some(minutes) => time(in_utc(bytes, minutes, made)),
            },
            Self::Bits | Self::Bytes => bytes,
            Self::Text(column) => match (spelling.charset, column) {
                (Charset::Latin1, _) | (Charset::Binary, Charset::Latin1) => {
                    from_latin1(bytes, made)
                }
                _ => bytes,
            },
        })
    }

    /// A value in its canonical form as people and SQL write it: numbers of FLOAT and DOUBLE as decimal ones.
    pub fn written(self, canonical: &[u8]) -> Cow<'_, [u8]> {
        let number = match self {
            Self::Float => canonical
                .try_into()
                .ok()
                .map(|bytes| f32::from_le_bytes(bytes).to_string()),
            Self::Double => canonical
                .try_into()
                .ok()
                .map(|bytes| f64::from_le_bytes(bytes).to_string()),
            _ => None,
        };
        number.map_or(Cow::Borrowed(canonical), |number| {
            Cow::Owned(number.into_bytes())
        })
    }
}

fn kept<'v>(bytes: Cow<'v, [u8]>, made: &'v Bump) -> &'v [u8] {
    match bytes {
        Cow::Borrowed(bytes) => bytes,
        Cow::Owned(bytes) => made.alloc_slice_copy(&bytes),
    }
}

/// Whether a text is a whole number without a sign and zeros in front.
#[inline]
fn is_whole_number(text: &[u8]) -> bool {
    match text {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// A number without zeros in front and behind the point.
#[inline]
fn number<'v>(text: &'v [u8], made: &'v Bump) -> &'v [u8] {
    match is_whole_number(text) {
        true => text,
        false => shortened(text, made).unwrap_or(text),
    }
}

/// `None` for what is not a number without an exponent.
fn shortened<'v>(text: &'v [u8], made: &'v Bump) -> Option<&'v [u8]> {
    let (is_negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let point = memchr::memchr(b'.', rest);
    let (whole, fraction) = match point {
        Some(at) => (rest.get(..at)?, rest.get(at + 1..)?),
        None => (rest, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty()
        || !whole.iter().chain(fraction).all(u8::is_ascii_digit)
    {
        return None;
    }
    // One zero stays where there are no other digits before the point.
    let first = whole.iter().position(|byte| *byte != b'0');
    let first = first.unwrap_or(whole.len().saturating_sub(1));
    let digits = fraction.iter().rposition(|byte| *byte != b'0');
    let end = digits.map_or(whole.len(), |last| whole.len() + last + 2);
    let is_zero = digits.is_none() && matches!(whole.get(first..), None | Some([] | [b'0']));
    match (is_negative && !is_zero, whole.is_empty()) {
        (false, false) => rest.get(first..end),
        (true, false) if first == 0 => text.get(..=end),
        (is_negative, _) => {
            let mut short = Vec::with_capacity(text.len() + 2);
            short.extend_from_slice(if is_negative { b"-" } else { b"" });
            short.extend_from_slice(if whole.is_empty() { b"0" } else { b"" });
            short.extend_from_slice(rest.get(first..end)?);
            Some(made.alloc_slice_copy(&short))
        }
    }
}

fn parsed<'v, const N: usize>(
    bytes: &'v [u8],
    made: &'v Bump,
    parse: impl FnOnce(&str) -> Option<[u8; N]>,
) -> &'v [u8] {
    let parsed = std::str::from_utf8(bytes).ok().and_then(parse);
    parsed.map_or(bytes, |parsed| made.alloc(parsed))
}

/// A time without a fraction of zeros, and a date without a time of midnight.
#[inline]
fn time(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'.', text).map_or(text.len(), |point| {
        let fraction = text.get(point + 1..).unwrap_or_default();
        let digits = fraction.iter().rposition(|byte| *byte != b'0');
        digits.map_or(point, |last| point + last + 2)
    });
    match text.get(..end).unwrap_or_default() {
        [
            date @ ..,
            b' ',
            b'0',
            b'0',
            b':',
            b'0',
            b'0',
            b':',
            b'0',
            b'0',
        ] if date.len() == 10 => date,
        shown => shown,
    }
}

/// A date and time that is `minutes` ahead of UTC, in UTC; others, such as the zero date, stay as they are.
fn in_utc<'v>(bytes: &'v [u8], minutes: i32, made: &'v Bump) -> &'v [u8] {
    let moved = |text: &[u8]| {
        let (moment, fraction) = text.split_at_checked(19)?;
        let moment = parsed_moment(std::str::from_utf8(moment).ok()?)?;
        let moment = moment.checked_sub(Duration::minutes(i64::from(minutes)))?;
        let (date, time) = (moment.date(), moment.time());
        let mut moved = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
        .into_bytes();
        moved.extend_from_slice(fraction);
        Some(moved)
    };
    moved(bytes).map_or(bytes, |moved| made.alloc_slice_copy(&moved))
}

/// Reads `2020-01-31 10:20:30`.
fn parsed_moment(text: &str) -> Option<PrimitiveDateTime> {
    let (date, time) = text.split_once(' ')?;
    let year = date.get(..4)?.parse().ok()?;
    let (month, day) = (date.get(5..7)?, date.get(8..)?);
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, day.parse().ok()?).ok()?;
    let mut clock = time.splitn(3, ':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let time = Time::from_hms(hour, minute, second).ok()?;
    Some(PrimitiveDateTime::new(date, time))
}

/// Bits as bytes without zero bytes in front, whether they are written as bytes, as `b'0101'` or as a number.
fn bits(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    let trimmed = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).unwrap_or_default().to_vec()
    };
    let bytes = match value {
        Value::Null => return None,
        Value::Bare(digits) => match crate::dump::values::integer(digits) {
            Some(number) => trimmed(&number.to_be_bytes()),
            None => binary_digits(digits)
                .map_or_else(|| digits.to_vec(), |number| trimmed(&number.to_be_bytes())),
        },
        Value::Marked(text, _) => match binary_digits(text) {
            Some(number) => trimmed(&number.to_be_bytes()),
            None => trimmed(&value.bytes().unwrap_or(Cow::Borrowed(text))),
        },
        Value::Plain(bytes) => trimmed(bytes),
    };
    Some(Cow::Owned(bytes))
}

/// The bytes of `UNHEX('4142')`, as Adminer writes them.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_prefix(b"UNHEX('")?.strip_suffix(b"')")?;
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

/// The number of `b'0101'`, or of what Adminer writes in its place; a BIT has at most 64 digits.
fn binary_digits(text: &[u8]) -> Option<u64> {
    let digits = match text {
        [b'b' | b'B', b'\'', digits @ .., b'\''] | [b'0', b'b', digits @ ..] => digits,
        _ => text
            .strip_prefix(b"CONV('")?
            .strip_suffix(b"', 2, 10) + 0")?,
    };
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 2).ok()
}

/// The characters of code page 1252 from 0x80 to 0x9F; those that it leaves undefined are control characters, as for
/// the servers.
const FROM_80: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

fn from_latin1<'v>(bytes: &'v [u8], made: &'v Bump) -> &'v [u8] {
    if bytes.is_ascii() {
        return bytes;
    }
    let chars = bytes.iter().map(|byte| match byte {
        0x80..=0x9F => FROM_80
            .get(usize::from(byte - 0x80))
            .copied()
            .unwrap_or(char::from(*byte)),
        _ => char::from(*byte),
    });
    made.alloc_str(&chars.collect::<String>()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::values::{Next, Values};
    use crate::schema::lexer::SqlModes;

    fn canonical(form: Form, literal: &str, spelling: Spelling) -> Vec<u8> {
        let mut values = Values::new(literal.as_bytes(), SqlModes::default());
        let Next::Value(value) = values.value() else {
            panic!("{literal}");
        };
        form.canonical(value, spelling, &Bump::new())
            .unwrap()
            .to_vec()
    }

    #[test]
    fn spellings_of_one_value_are_one() {
        let text = Form::Text(Charset::Utf8);
        let timestamp = Form::Timestamp;
        for (form, spellings) in [
            (
                Form::Number,
                &["7", "'7'", "0007", "7.00", "+7", "'07'"][..],
            ),
            (Form::Number, &["-0.50", "-.5", "'-0.5'"]),
            (Form::Number, &["0", "0.00", "-0", "000"]),
            (Form::Float, &["1.1", "'1.10'", "11e-1", "1.1000"]),
            (Form::Double, &["-1e10", "-10000000000", "'-1E+10'"]),
            (
                Form::Time,
                &[
                    "'2020-01-02'",
                    "'2020-01-02 00:00:00'",
                    "'2020-01-02 00:00:00.000'",
                ],
            ),
            (
                Form::Time,
                &["'2020-01-02 10:00:00.5'", "'2020-01-02 10:00:00.500000'"],
            ),
            (
                Form::Bits,
                &["b'101'", "0x05", "5", "'\x05'", "_binary '\\0\x05'"],
            ),
            (Form::Bits, &["b'101'", "CONV('101', 2, 10) + 0"]),
            (Form::Bytes, &["UNHEX('4142')", "0x4142"]),
            (Form::Bytes, &["0x4142", "'AB'", "_binary 'AB'", "x'4142'"]),
            (text, &["'a\\'b'", "'a''b'", "0x612762", "_utf8mb4'a\\'b'"]),
            (
                timestamp,
                &["'2020-01-02 10:00:00'", "'2020-01-02 10:00:00.000'"],
            ),
        ] {
            let all: Vec<Vec<u8>> = spellings
                .iter()
                .map(|text| canonical(form, text, Spelling::OF_SERVER))
                .collect();
            for other in &all {
                assert_eq!(*other, all[0], "{form:?} {spellings:?}");
            }
        }
    }

    #[test]
    fn different_values_stay_different() {
        for (form, one, other) in [
            (Form::Number, "70", "7"),
            (Form::Number, "-7", "7"),
            (Form::Number, "0.05", "0.5"),
            (Form::Time, "'0000-00-00'", "'2020-01-01'"),
            (Form::Time, "'2020-01-02 00:00:01'", "'2020-01-02'"),
            (Form::Bits, "b'1'", "b'10'"),
            (Form::Bytes, "'\\0'", "''"),
            (Form::Text(Charset::Utf8), "'a '", "'a'"),
        ] {
            let of = |text| canonical(form, text, Spelling::OF_SERVER);
            assert_ne!(of(one), of(other), "{form:?} {one} {other}");
        }
    }

    #[test]
    fn times_come_in_utc_and_text_in_utf_8() {
        let ahead = Spelling {
            charset: Charset::Latin1,
            minutes_ahead: minutes_ahead("+02:00"),
        };
        let moved = canonical(Form::Timestamp, "'2020-01-01 01:30:00'", ahead);
        assert_eq!(moved, b"2019-12-31 23:30:00");
        assert_eq!(
            canonical(Form::Timestamp, "'0000-00-00 00:00:00'", ahead),
            b"0000-00-00"
        );
        let value = Value::Plain(b"\x80 \xFC");
        let made = Bump::new();
        let text = Form::Text(Charset::Utf8).canonical(value, ahead, &made);
        assert_eq!(text, Some("€ ü".as_bytes()));
        assert_eq!(minutes_ahead("SYSTEM"), None);
        assert_eq!(minutes_ahead("-05:30"), Some(-330));
    }
}
