//! Cuts a log into records: the lines from one time to the next, or single lines where no times stand in it.

/// Bytes that are kept of the beginning and of the end of a record, and of a line: the statement that failed stands in
/// the one, the words of the server in the other.
const KEPT: usize = 32 << 10;

/// A record of a log.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its text, of which the middle is left out where it is very long.
    pub text: &'a [u8],
    /// The number of its first line, from 1.
    pub line: u64,
}

/// Takes the bytes of a log, in pieces of any size, and gives its records. Memory does not grow with the log.
#[derive(Debug, Default)]
pub struct Records {
    line: Vec<u8>,
    record: Vec<u8>,
    /// The number of lines that have ended.
    lines: u64,
    first_line: u64,
    /// Whether the record began with a time, so that only another one ends it.
    is_timed: bool,
}

impl Records {
    /// Takes the next bytes of the log, and gives each record that has ended.
    pub fn feed(&mut self, text: &[u8], give: &mut impl FnMut(Record)) {
        let mut rest = text;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            push(&mut self.line, line);
            self.end_line(give);
            rest = behind.get(1..).unwrap_or_default();
        }
        push(&mut self.line, rest);
    }

    /// Ends the log, and gives its last record. Gives the number of lines.
    pub fn finish(mut self, give: &mut impl FnMut(Record)) -> u64 {
        if !self.line.is_empty() {
            self.end_line(give);
        }
        self.give(give);
        self.lines
    }

    fn end_line(&mut self, give: &mut impl FnMut(Record)) {
        self.lines += 1;
        let line = std::mem::take(&mut self.line);
        let begins_with_time = has_time(&line);
        let begins = begins_with_time || is_of_client(&line);
        let goes_on = !begins && (self.is_timed || continues(&line));
        if !goes_on {
            self.give(give);
            self.first_line = self.lines;
            self.is_timed = begins_with_time;
        }
        push(&mut self.record, &line);
        push(&mut self.record, b"\n");
        self.line = line;
        self.line.clear();
    }

    fn give(&mut self, give: &mut impl FnMut(Record)) {
        if !self.record.trim_ascii().is_empty() {
            give(Record {
                text: &self.record,
                line: self.first_line,
            });
        }
        self.record.clear();
    }
}

/// Adds bytes, of which the middle goes where they become too many. Each byte is moved at most once more.
fn push(to: &mut Vec<u8>, bytes: &[u8]) {
    for piece in bytes.chunks(KEPT) {
        to.extend_from_slice(piece);
        if to.len() > 4 * KEPT {
            to.drain(KEPT..to.len() - KEPT);
        }
    }
}

/// Whether a line begins with a time, in one of the forms of CiviCRM, PHP, web servers and database servers.
fn has_time(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"[").unwrap_or(line);
    const FORMS: [&[u8]; 5] = [
        b"Aaa 99 99:99:99",
        b"9999-99-99",
        b"99-Aaa-9999",
        b"Aaa Aaa 99",
        b"999999 99:99:99",
    ];
    FORMS.iter().any(|form| is_of_form(line, form))
}

/// Whether a text begins in this form: `A` a capital, `a` a small letter, `9` a digit or, where it leads, a blank.
fn is_of_form(text: &[u8], form: &[u8]) -> bool {
    let fits = |(sign, form): (&u8, &u8)| match form {
        b'A' => sign.is_ascii_uppercase(),
        b'a' => sign.is_ascii_lowercase(),
        b'9' => sign.is_ascii_digit() || *sign == b' ',
        other => sign == other,
    };
    text.len() >= form.len() && text.iter().zip(form).all(fits)
}

/// Whether a line is a message of a client or a dump program, which stands for itself.
fn is_of_client(line: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 6] = [
        b"ERROR ",
        b"mysqldump: ",
        b"mariadb-dump: ",
        b"mysql: ",
        b"mariadb: ",
        b"PHP Fatal error",
    ];
    BEGINNINGS
        .iter()
        .any(|beginning| line.starts_with(beginning))
}

/// Whether a line belongs to the one before it, in a text without times.
fn continues(line: &[u8]) -> bool {
    matches!(
        line.first(),
        None | Some(b' ' | b'\t' | b'(' | b')' | b'#' | b'}')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, piece: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut give = |record: Record| {
            let text = String::from_utf8_lossy(record.text).into_owned();
            found.push(format!("{}: {}", record.line, text.trim_end()));
        };
        let mut records = Records::default();
        for piece in text.as_bytes().chunks(piece) {
            records.feed(piece, &mut give);
        }
        records.finish(&mut give);
        found
    }

    #[test]
    fn a_time_begins_a_record_and_pieces_do_not_matter() {
        let log = "Mar 03 10:20:30  [info] a\n(\n  b\n)\nc\n2024-03-03 10:20:30+0000  [error] d\n\ne\n[03-Mar-2024 10:20:30 UTC] PHP f";
        let expected = [
            "1: Mar 03 10:20:30  [info] a\n(\n  b\n)\nc",
            "6: 2024-03-03 10:20:30+0000  [error] d\n\ne",
            "9: [03-Mar-2024 10:20:30 UTC] PHP f",
        ];
        for piece in [1, 2, 7, 1000] {
            assert_eq!(cut(log, piece), expected);
        }
    }

    #[test]
    fn lines_without_times_stand_for_themselves() {
        let text = "one\n  goes on\nERROR 1064 (42000): x\ntwo\n\n";
        let expected = ["1: one\n  goes on", "3: ERROR 1064 (42000): x", "4: two"];
        assert_eq!(cut(text, 5), expected);
    }

    #[test]
    fn a_long_record_keeps_its_beginning_and_its_end() {
        let mut text = b"Mar 03 10:20:30 begin ".to_vec();
        text.resize(10 << 20, b'x');
        text.extend_from_slice(b" end\nand more\n");
        let mut seen = 0;
        let mut give = |record: Record| {
            seen += 1;
            assert!(record.text.len() <= 4 * KEPT);
            assert!(record.text.starts_with(b"Mar 03 10:20:30 begin"));
            assert!(record.text.ends_with(b"x end\nand more\n"));
        };
        let mut records = Records::default();
        text.chunks(100_000)
            .for_each(|piece| records.feed(piece, &mut give));
        assert_eq!(records.finish(&mut give), 2);
        assert_eq!(seen, 1);
    }
}
