//! Which values go into a column of another type. An ALTER TABLE in strict mode fails with the first that does not
//! (measured on MariaDB 10.11 and MySQL 9.7).

use super::server_model::{ServerError, ServerModel};
use crate::schema::charset::has_charset;
use crate::schema::meaning::family;
use crate::schema::model::Column;
use crate::schema::sql::string;

/// Characters of the longest number or time as a text: a BIGINT with its sign, `2020-01-02 03:04:05.000000`.
const LONGEST_NUMBER_OR_DATE: u32 = 26;

/// What a value has to be so that it goes into a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// A text of at most so many characters.
    Characters {
        /// The most characters.
        most: u32,
        /// Whether it comes out of one VARCHAR and goes into another; servers have another error for that.
        between_varchars: bool,
    },
    /// A text of at most so many bytes.
    Bytes(u64),
    /// A whole number in this range.
    Integer {
        /// The least number.
        least: i128,
        /// The greatest number.
        most: i128,
        /// What the values are.
        of: Origin,
    },
    /// A number.
    Number,
    /// One of these texts, or the place of one.
    Choice(Vec<String>),
    /// A date.
    Date,
    /// A time that a TIMESTAMP can hold: 1970 to 2038, with a month and a day.
    Timestamp,
}

/// What the values of a column are that becomes a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Texts.
    Text,
    /// Whole numbers.
    Number,
    /// Dates or times, whose digits make a number.
    Date,
}

/// Why a value does not go into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It does not begin like a number.
    NoNumber,
    /// It begins with a number.
    MoreThanNumber,
    /// It is too great or too small.
    OutOfRange,
    /// It is a text that is too long.
    TooLong,
    /// It is none of the choices.
    NoChoice,
    /// It is no date.
    NoDate,
}

impl Misfit {
    const ALL: [Self; 6] = [
        Self::NoNumber,
        Self::MoreThanNumber,
        Self::OutOfRange,
        Self::TooLong,
        Self::NoChoice,
        Self::NoDate,
    ];

    /// What is wrong with the value, in words that say nothing of the value itself.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoNumber => "no number",
            Self::MoreThanNumber => "more than a number",
            Self::OutOfRange => "out of range",
            Self::TooLong => "too long",
            Self::NoChoice => "none of the choices",
            Self::NoDate => "no date",
        }
    }

    /// The misfit of these words.
    pub fn of_words(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|misfit| misfit.words() == words)
    }
}

impl Fit {
    /// What a value of a column has to be so that the column can become `new`; `None` where every value goes into it, or
    /// where it is not known.
    pub fn between(old: &Column, new: &Column) -> Option<Self> {
        let (from, to) = (family(&old.data_type), family(&new.data_type));
        let of_text = has_charset(&old.data_type) && from != "enum" && from != "set";
        let (from_varchar, to_varchar) = (from == "varchar", to == "varchar");
        let origin = match from {
            _ if of_text => Some(Origin::Text),
            "date" | "datetime" | "timestamp" => Some(Origin::Date),
            _ => range(&old.data_type).map(|_| Origin::Number),
        };
        match to {
            "varchar" | "char" if origin.is_some() => {
                let most = length(&new.data_type)?;
                let is_wide = match of_text {
                    true => {
                        from.ends_with("char")
                            && length(&old.data_type).is_some_and(|length| length <= most)
                    }
                    false => most >= LONGEST_NUMBER_OR_DATE,
                };
                (!is_wide).then_some(Self::Characters {
                    most,
                    between_varchars: from_varchar && to_varchar,
                })
            }
            "tinytext" | "text" if of_text => {
                let most = bytes_of(to)?;
                let fits = from.ends_with("char") || bytes_of(from).is_some_and(|own| own <= most);
                (!fits).then_some(Self::Bytes(most))
            }
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => {
                let (least, most) = range(&new.data_type)?;
                let own = range(&old.data_type);
                let fits = own.is_some_and(|(lowest, highest)| least <= lowest && highest <= most);
                let of = origin.filter(|_| !fits)?;
                Some(Self::Integer { least, most, of })
            }
            "decimal" | "double" | "float" if of_text => Some(Self::Number),
            "enum" if origin.is_some() || from == "enum" => {
                let choices = choices(&new.data_type);
                let fits = from == "enum"
                    && self::choices(&old.data_type)
                        .iter()
                        .all(|choice| choices.contains(choice));
                (!fits).then_some(Self::Choice(choices))
            }
            "date" | "datetime" | "timestamp"
                if matches!(origin, Some(Origin::Text | Origin::Number)) =>
            {
                Some(Self::Date)
            }
            "timestamp" if matches!(from, "date" | "datetime") => Some(Self::Timestamp),
            _ => None,
        }
    }

    /// The same as one text.
    pub(super) fn key(&self) -> String {
        format!("{self:?}")
    }

    /// What the values should be, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Characters { most, .. } => format!("a text of at most {most} characters"),
            Self::Bytes(most) => format!("a text of at most {most} bytes"),
            Self::Integer { least, most, .. } => format!("a whole number from {least} to {most}"),
            Self::Number => "a number".to_owned(),
            Self::Choice(choices) => {
                let choices: Vec<String> = choices.iter().map(|choice| string(choice)).collect();
                format!("one of {}", choices.join(", "))
            }
            Self::Date => "a date".to_owned(),
            Self::Timestamp => "a time from 1970 to 2038, with a month and a day".to_owned(),
        }
    }

    /// Why a value that is not NULL does not fit; `None` if it does.
    pub fn misfit(&self, value: &str) -> Option<Misfit> {
        match self {
            Self::Characters { most, .. } => {
                let is_long = value.chars().nth(*most as usize).is_some();
                is_long.then_some(Misfit::TooLong)
            }
            Self::Bytes(most) => (value.len() as u64 > *most).then_some(Misfit::TooLong),
            Self::Integer { least, most, of } => {
                let of_digits: String;
                let value = match of {
                    Origin::Date => {
                        let whole = value.split('.').next().unwrap_or_default();
                        of_digits = whole.chars().filter(char::is_ascii_digit).collect();
                        of_digits.as_str()
                    }
                    Origin::Text | Origin::Number => value,
                };
                let trimmed = value.trim_matches(' ');
                let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
                let count = digits.bytes().take_while(u8::is_ascii_digit).count();
                if count == 0 {
                    return Some(Misfit::NoNumber);
                }
                if count < digits.len() {
                    return Some(Misfit::MoreThanNumber);
                }
                // One that is too long for this type is out of every range.
                let number = trimmed.trim_start_matches('+').parse::<i128>();
                let fits = number.is_ok_and(|number| *least <= number && number <= *most);
                (!fits).then_some(Misfit::OutOfRange)
            }
            Self::Number => {
                let trimmed = value.trim_matches(' ');
                let is_number = trimmed.parse::<f64>().is_ok_and(f64::is_finite)
                    && trimmed
                        .bytes()
                        .all(|byte| !byte.is_ascii_alphabetic() || b"eE".contains(&byte));
                (!is_number).then_some(Misfit::NoNumber)
            }
            Self::Choice(choices) => {
                let is_known = choices
                    .iter()
                    .any(|choice| choice.eq_ignore_ascii_case(value.trim_end_matches(' ')));
                let place = value.parse::<usize>();
                let is_place = place.is_ok_and(|place| (1..=choices.len()).contains(&place));
                (!is_known && !is_place).then_some(Misfit::NoChoice)
            }
            // Servers differ over a number that is 0.
            Self::Date => (!begins_like_date(value) && value != "0").then_some(Misfit::NoDate),
            Self::Timestamp => {
                let whole = match value.len() {
                    10 => format!("{value} 00:00:00"),
                    _ => value.to_owned(),
                };
                let (month, day) = (whole.get(5..7), whole.get(8..10));
                let is_zero = whole.starts_with("0000-00-00");
                let lacks = month == Some("00") || day == Some("00");
                let fits = is_zero
                    || !lacks
                        && whole.as_str() > "1970-01-01 00:00:00"
                        && whole.as_str() <= "2038-01-19 03:14:07";
                (!fits).then_some(Misfit::OutOfRange)
            }
        }
    }

    /// The condition under which a value of a column, quoted as `column`, does not fit, and an expression that says why in
    /// [`Misfit::words`].
    pub fn sql(&self, column: &str) -> (String, String) {
        let word = |misfit: Misfit| string(misfit.words());
        match self {
            Self::Characters { most, .. } => (
                format!("CHAR_LENGTH({column}) > {most}"),
                word(Misfit::TooLong),
            ),
            Self::Bytes(most) => (format!("LENGTH({column}) > {most}"), word(Misfit::TooLong)),
            Self::Integer {
                least,
                most,
                of: Origin::Number | Origin::Date,
            } => (
                format!("{column} IS NOT NULL AND NOT ({column} + 0 BETWEEN {least} AND {most})"),
                word(Misfit::OutOfRange),
            ),
            Self::Integer { least, most, .. } => {
                let whole = format!("{column} REGEXP '^ *[-+]?[0-9]+ *$'");
                let begins = format!("{column} REGEXP '^ *[-+]?[0-9]'");
                let number = format!("CAST({column} AS DECIMAL(65, 0))");
                (
                    format!(
                        "{column} IS NOT NULL AND NOT ({whole} AND {number} BETWEEN {least} AND {most})"
                    ),
                    format!(
                        "CASE WHEN {whole} THEN {} WHEN {begins} THEN {} ELSE {} END",
                        word(Misfit::OutOfRange),
                        word(Misfit::MoreThanNumber),
                        word(Misfit::NoNumber)
                    ),
                )
            }
            Self::Number => (
                format!(
                    "{column} IS NOT NULL AND NOT ({column} REGEXP \
                     '^ *[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)? *$')"
                ),
                word(Misfit::NoNumber),
            ),
            Self::Choice(choices) => {
                let list: Vec<String> = choices.iter().map(|choice| string(choice)).collect();
                let places: Vec<String> = (1..=choices.len())
                    .map(|place| string(&place.to_string()))
                    .collect();
                (
                    format!(
                        "{column} IS NOT NULL AND {column} NOT IN ({})",
                        [list, places].concat().join(", ")
                    ),
                    word(Misfit::NoChoice),
                )
            }
            Self::Date => (
                format!(
                    "{column} IS NOT NULL AND (NOT ({column} REGEXP \
                     '^[0-9]+-(0?[0-9]|1[0-2])-([0-2]?[0-9]|3[01])([ T][0-9].*)?$' OR {column} REGEXP \
                     '^([0-9][0-9])?[0-9][0-9](0[0-9]|1[0-2])([0-2][0-9]|3[01])([0-9][0-9][0-9][0-9][0-9][0-9])?$' OR {column} = '0') \
                     OR {column} REGEXP '^[0-9]+-(0?[469]-31|11-31|0?2-3[01])' OR {column} REGEXP \
                     '^([0-9][0-9])?[0-9][0-9](0[469]31|1131|023[01])' OR {column} REGEXP '^[0-9]+-0?2-29' AND \
                     DAYOFMONTH(LAST_DAY(CONCAT(SUBSTRING_INDEX({column}, '-', 1), '-02-01'))) = 28)"
                ),
                word(Misfit::NoDate),
            ),
            Self::Timestamp => (
                format!(
                    "{column} > '0000-00-00' AND ({column} <= '1970-01-01 00:00:00' OR {column} > \
                     '2038-01-19 03:14:07' OR MONTH({column}) = 0 OR DAYOFMONTH({column}) = 0)"
                ),
                word(Misfit::OutOfRange),
            ),
        }
    }

    /// The error of the server with the first value that does not fit.
    pub fn error(&self, misfit: Misfit, column: &str, server: &ServerModel) -> ServerError {
        let column = column.to_owned();
        let is_mariadb = server.is_mariadb();
        match (self, misfit) {
            (
                Self::Characters {
                    between_varchars: true,
                    ..
                }
                | Self::Choice(_),
                _,
            ) => ServerError::Truncated { column },
            (_, Misfit::TooLong) => ServerError::TooLong { column },
            (Self::Timestamp | Self::Date, _) | (_, Misfit::NoDate) => ServerError::WrongDate {
                value: "…".to_owned(),
                column,
            },
            (_, Misfit::OutOfRange) => ServerError::OutOfRange { column },
            (Self::Integer { .. }, Misfit::MoreThanNumber) if !is_mariadb => {
                ServerError::Truncated { column }
            }
            _ => ServerError::WrongNumber { column },
        }
    }
}

/// Whether a text begins with a date that has a month and a day of the calendar, or zeros in their place.
fn begins_like_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split(['-', ' ', 'T']).take(3).collect();
    let number = |part: Option<&&str>| part.and_then(|part| part.parse::<u32>().ok());
    let fits = |year: Option<u32>, month: u32, day: u32| {
        let most = match month {
            4 | 6 | 9 | 11 => 30,
            2 => year.map_or(29, |year| if is_leap(year) { 29 } else { 28 }),
            _ => 31,
        };
        month <= 12 && day <= most
    };
    if let (Some(year), Some(month), Some(day)) = (
        number(parts.first()),
        number(parts.get(1)),
        number(parts.get(2)),
    ) {
        // Servers read a year of two digits as one of this or the last century, with the same leap years.
        return fits(Some(year), month, day);
    }
    let is_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let year = match value.len() {
        6 | 12 => 2,
        8 | 14 => 4,
        _ => return false,
    };
    let part = |at: usize| {
        value
            .get(at..at + 2)
            .and_then(|part| part.parse::<u32>().ok())
    };
    is_digits
        && matches!((part(year), part(year + 2)), (Some(month), Some(day)) if fits(None, month, day))
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn length(data_type: &str) -> Option<u32> {
    let (_, rest) = data_type.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

fn bytes_of(family: &str) -> Option<u64> {
    Some(match family {
        "tinytext" => 255,
        "text" => 65_535,
        "mediumtext" => 16_777_215,
        "longtext" => u64::from(u32::MAX),
        _ => return None,
    })
}

/// The range of a type of whole numbers.
fn range(data_type: &str) -> Option<(i128, i128)> {
    let bits = match family(data_type) {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        "bigint" => 64,
        _ => return None,
    };
    Some(match data_type.contains("unsigned") {
        true => (0, (1 << bits) - 1),
        false => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
    })
}

/// The texts of an ENUM.
fn choices(data_type: &str) -> Vec<String> {
    let inner = data_type.split_once('(').map_or("", |(_, rest)| rest);
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    let inner = inner.strip_prefix('\'').unwrap_or(inner);
    let inner = inner.strip_suffix('\'').unwrap_or(inner);
    inner
        .split("','")
        .map(|choice| choice.replace("''", "'"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misfit(old: &str, value: &str, new: &str) -> Option<Misfit> {
        let column = |data_type: &str| Column::new(data_type, true);
        Fit::between(&column(old), &column(new))?.misfit(value)
    }

    #[test]
    fn values_fit_as_servers_were_seen_to_take_them() {
        for (old, value, new, expected) in [
            ("varchar(255)", "abcde", "varchar(4)", Some(Misfit::TooLong)),
            ("varchar(4)", "abcd", "varchar(4)", None),
            ("varchar(20)", "word", "int", Some(Misfit::NoNumber)),
            ("varchar(20)", "", "int", Some(Misfit::NoNumber)),
            ("varchar(20)", "5abc", "int", Some(Misfit::MoreThanNumber)),
            ("varchar(20)", " 4 ", "int", None),
            ("varchar(20)", "+5", "int", None),
            (
                "varchar(20)",
                "-5",
                "int unsigned",
                Some(Misfit::OutOfRange),
            ),
            (
                "bigint",
                "99999999999",
                "int unsigned",
                Some(Misfit::OutOfRange),
            ),
            ("int", "300", "tinyint", Some(Misfit::OutOfRange)),
            ("tinyint", "3", "int", None),
            (
                "datetime",
                "2020-01-02 03:04:05",
                "tinyint",
                Some(Misfit::OutOfRange),
            ),
            ("datetime", "0000-00-00 00:00:00", "tinyint", None),
            ("date", "2020-01-02", "int", None),
            (
                "timestamp",
                "2020-01-02 00:00:00",
                "int",
                Some(Misfit::OutOfRange),
            ),
            (
                "datetime",
                "2020-01-02 03:04:05",
                "varchar(8)",
                Some(Misfit::TooLong),
            ),
            ("datetime", "2020-01-02 03:04:05", "varchar(64)", None),
            ("int", "77", "varchar(1)", Some(Misfit::TooLong)),
            ("int", "7", "enum('a','b')", Some(Misfit::NoChoice)),
            ("int", "1", "enum('a','b')", None),
            ("int", "7", "datetime", Some(Misfit::NoDate)),
            (
                "datetime",
                "2020-01-02 03:04:05",
                "enum('a','b')",
                Some(Misfit::NoChoice),
            ),
            ("varchar(20)", "1e3", "decimal(20,2)", None),
            ("varchar(20)", "", "decimal(20,2)", Some(Misfit::NoNumber)),
            ("varchar(20)", "c", "enum('a','b')", Some(Misfit::NoChoice)),
            ("varchar(20)", "A", "enum('a','b')", None),
            ("varchar(20)", "1", "enum('a','b')", None),
            ("enum('a','b')", "a", "enum('a','b','c')", None),
            ("varchar(20)", "word", "datetime", Some(Misfit::NoDate)),
            (
                "varchar(20)",
                "2011-13-01",
                "datetime",
                Some(Misfit::NoDate),
            ),
            ("varchar(20)", "20110101", "datetime", None),
            (
                "varchar(20)",
                "2010-02-30",
                "timestamp",
                Some(Misfit::NoDate),
            ),
            (
                "varchar(20)",
                "2011-02-29 10:00:00",
                "datetime",
                Some(Misfit::NoDate),
            ),
            ("varchar(20)", "2012-02-29", "datetime", None),
            ("varchar(20)", "20110431", "datetime", Some(Misfit::NoDate)),
            (
                "datetime",
                "1931-05-05 00:00:00",
                "timestamp",
                Some(Misfit::OutOfRange),
            ),
            ("date", "2011-00-00", "timestamp", Some(Misfit::OutOfRange)),
            ("date", "2011-02-03", "timestamp", None),
        ] {
            assert_eq!(misfit(old, value, new), expected, "{old} {value} {new}");
        }
    }
}
