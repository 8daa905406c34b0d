//! The values of one row of an INSERT.

use crate::schema::lexer::SqlModes;

/// Splits the text between a row's parentheses into values; `None` stands for NULL.
///
/// Strings come without quotes and escapes, hexadecimal literals as their bytes, anything
/// else as written. Returns `None` when the text is not a list of values.
pub fn parse_row(text: &[u8], modes: SqlModes) -> Option<Vec<Option<Vec<u8>>>> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (value, after) = parse_value(rest.trim_ascii_start(), modes)?;
        values.push(value);
        match after.trim_ascii_start() {
            [] => return Some(values),
            [b',', next @ ..] => rest = next,
            _ => return None,
        }
    }
}

type Value = Option<Vec<u8>>;

fn parse_value(text: &[u8], modes: SqlModes) -> Option<(Value, &[u8])> {
    match text {
        [b'\'', rest @ ..] => quoted(rest, b'\'', modes),
        [b'"', rest @ ..] if !modes.ansi_quotes => quoted(rest, b'"', modes),
        // A charset introducer before a string, as in _binary 'x'.
        [b'_', ..] => {
            let end = text.iter().position(|b| matches!(b, b'\'' | b' ' | b'"'))?;
            parse_value(text.get(end..)?.trim_ascii_start(), modes)
        }
        [b'0', b'x', rest @ ..] => hexadecimal(rest),
        [b'x' | b'X', b'\'', rest @ ..] => {
            let (value, after) = hexadecimal(rest)?;
            Some((value, after.strip_prefix(b"'")?))
        }
        _ => {
            let end = bare_end(text)?;
            let (word, after) = text.split_at(end);
            let word = word.trim_ascii_end();
            if word.is_empty() {
                return None;
            }
            let value = (!word.eq_ignore_ascii_case(b"NULL")).then(|| word.to_vec());
            Some((value, after))
        }
    }
}

/// Where a value that is no string ends: the next comma outside parentheses and quotes.
fn bare_end(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (i, &byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"' | b'`') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.checked_sub(1)?,
            (None, b',') if depth == 0 => return Some(i),
            _ => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

/// Escapes are those of the MySQL manual, "String Literals"; any other escaped byte is itself.
fn quoted(text: &[u8], quote: u8, modes: SqlModes) -> Option<(Value, &[u8])> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [b'\\', escaped, after @ ..] if !modes.no_backslash_escapes => {
                value.push(match escaped {
                    b'0' => 0,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'Z' => 0x1A,
                    other => *other,
                });
                rest = after;
            }
            [first, second, after @ ..] if *first == quote && *second == quote => {
                value.push(quote);
                rest = after;
            }
            [first, after @ ..] if *first == quote => return Some((Some(value), after)),
            [first, after @ ..] => {
                value.push(*first);
                rest = after;
            }
            [] => return None,
        }
    }
}

fn hexadecimal(text: &[u8]) -> Option<(Value, &[u8])> {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_hexdigit())
        .unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    let digit = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut value = Vec::with_capacity(digits.len().div_ceil(2));
    let mut pairs = digits.rchunks(2).rev();
    for pair in &mut pairs {
        value.push(match *pair {
            [high, low] => digit(high)? << 4 | digit(low)?,
            [low] => digit(low)?,
            _ => return None,
        });
    }
    Some((Some(value), after))
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
        assert_eq!(
            row(r"1,'a\'b''c\\',NULL,-1.5e3,0x4142,x'41', _binary 'x\0y',"),
            None
        );
        assert_eq!(
            row(r"1 , 'a\'b''c\\',NULL,-1.5e3,0x4142,x'41', _binary 'x\0y',''"),
            Some(vec![
                some("1"),
                some("a'b'c\\"),
                None,
                some("-1.5e3"),
                some("AB"),
                some("A"),
                some("x\0y"),
                some(""),
            ])
        );
        assert_eq!(
            row("'a',POINT(1,'),')"),
            Some(vec![some("a"), some("POINT(1,'),')")])
        );
    }

    #[test]
    fn what_is_no_list_of_values_is_refused() {
        for text in ["", "1,", "'a", "'a' 'b'x", "(1", "1)", "x'4"] {
            assert_eq!(row(text), None, "{text}");
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

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse_row(&text, SqlModes { ansi_quotes: true, no_backslash_escapes: true });
            let _ = parse_row(&text, SqlModes::default());
        }
    }
}
