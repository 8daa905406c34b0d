//! What programs put around a message of a server: its number, and the statement that failed.

use memchr::memmem;

/// Words one of which stands in every text that has a number or a statement.
pub(super) const MARKS: [&str; 5] = [
    "nativecode=",
    "sqlstate[",
    "error",
    "couldn't execute",
    "#1",
];

/// The most bytes between `SQLSTATE[…]` and the number.
const FAR: usize = 200;
/// The most numbers that are kept of one record.
const MOST: usize = 8;

/// The numbers of the server's errors in a text in lower case. A number counts only where a program puts one: others
/// may be anything.
pub(super) fn numbers(lower: &[u8]) -> Vec<u32> {
    let mut found = Vec::new();
    let mut add = |number: Option<u32>| {
        if let Some(number) = number
            && (1000..10_000).contains(&number)
            && found.len() < MOST
            && !found.contains(&number)
        {
            found.push(number);
        }
    };
    let behind = |mark: &'static str| {
        let found = memmem::find_iter(lower, mark);
        found
            .take(MOST * 4)
            .filter_map(move |at| lower.get(at + mark.len()..))
    };
    // PEAR DB.
    behind("nativecode=").for_each(|rest| add(leading(rest)));
    // The client, mysqldump and mariadb-dump: `ERROR 1064 (42000)`, `Error 2013:`, `Got error: 1449:`.
    for mark in ["error ", "error: "] {
        for rest in behind(mark) {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let after = rest.get(digits..).unwrap_or_default();
            let is_number = after.starts_with(b" (") || after.starts_with(b":");
            add(leading(rest).filter(|_| is_number));
        }
    }
    // PDO: `SQLSTATE[42S02]: Base table or view not found: 1146 Table …`, `SQLSTATE[HY000] [2002] …`.
    for rest in behind("sqlstate[") {
        let near = rest.get(..rest.len().min(FAR)).unwrap_or_default();
        let mut places = memmem::find_iter(near, ": ").chain(memmem::find_iter(near, " ["));
        add(places.find_map(|at| leading(near.get(at + 2..)?)));
    }
    // phpMyAdmin: `#1091 - Can't DROP`.
    for rest in behind("#") {
        let is_number = rest.get(4..).is_some_and(|after| after.starts_with(b" - "));
        add(leading(rest).filter(|_| is_number));
    }
    // mysqldump: `Couldn't execute 'show create table `x`': View … (1356)`.
    for rest in behind("couldn't execute") {
        let open = memmem::rfind(rest, b"(").and_then(|open| rest.get(open + 1..));
        let number = open.filter(|inside| inside.get(4) == Some(&b')'));
        add(number.and_then(leading));
    }
    found
}

/// The number of four digits with which a text begins.
fn leading(text: &[u8]) -> Option<u32> {
    let digits = text.get(..4)?;
    let is_longer = text.get(4).is_some_and(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits).ok()?;
    let is_number = !is_longer && digits.iter().all(u8::is_ascii_digit);
    number.parse().ok().filter(|_| is_number)
}

/// What PEAR DB writes before a statement.
const BEFORE: [&[u8]; 3] = [b"debug_info] => ", b"user_info] => ", b"info=\""];

/// The statement that PEAR DB says has failed, as it stands in the record.
pub(super) fn statement(record: &[u8]) -> Option<&[u8]> {
    let end = memmem::find(record, b"[nativecode=")?;
    let before = record.get(..end)?;
    let starts = BEFORE
        .iter()
        .filter_map(|mark| Some(memmem::rfind(before, mark)? + mark.len()));
    before.get(starts.max()?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_where_a_program_puts_it() {
        for (text, expected) in [
            ("x [nativecode=1091 ** can't drop", &[1091][..]),
            ("error 1064 (42000) at line 3: you have", &[1064]),
            ("mysqldump: error 2013: lost", &[2013]),
            ("mysqldump: got error: 1449: the user", &[1449]),
            (
                "sqlstate[42s02]: base table or view not found: 1146 table",
                &[1146],
            ),
            ("sqlstate[hy000] [2002] connection refused", &[2002]),
            ("#1452 - cannot add", &[1452]),
            ("mysqldump: couldn't execute 'x': view (1356)", &[1356]),
            ("contact 1452 has no error in 1091 rows", &[]),
            ("error 12345 (x)", &[]),
            ("error 500: internal", &[]),
            ("issue #1452", &[]),
        ] {
            assert_eq!(numbers(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_statement_ends_at_the_number() {
        let record = b"[message] => x\n[debug_info] => ALTER TABLE a\nDROP KEY b [nativecode=1091 ** c]\n[user_info] => ALTER [nativecode=1091]";
        let statement = statement(record).unwrap();
        assert_eq!(
            String::from_utf8_lossy(statement),
            "ALTER TABLE a\nDROP KEY b "
        );
    }
}
