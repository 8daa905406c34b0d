//! What mends an error of a server, in words for people.

/// What to do about a statement that takes too long.
pub(super) const OUT_OF_TIME: &str = "Look whether it waits (SLEEP, GET_LOCK) or loops without end, also in the triggers and functions that it runs: the \
     site waits there as well. Where it only needs longer, give it more time with --statement-seconds.";

/// What the server says of the row of an INSERT whose values are not as many as the columns, before the row's number.
const AT_ROW: &str = "value count at row ";

/// What to do about an error of a statement of the dump, by the server's number of it and its words.
pub(super) fn advice(code: Option<u16>, message: &str) -> &'static str {
    match code {
        // The server counted the values of the rows before it, and they fit.
        Some(1136)
            if message
                .split_once(AT_ROW)
                .is_some_and(|(_, row)| row.trim() != "1") =>
        {
            "The rows before it in the same statement fit the table, so this row is damaged or was changed by hand: make \
             the backup again, or take the row from another one."
        }
        Some(1005 | 1215 | 1824 | 3780 | 1822) => {
            "Restore with foreign_key_checks=0 (mysql --init-command='SET SESSION foreign_key_checks=0'), and look whether \
             the parent table is in the dump."
        }
        Some(1044 | 1142 | 1143 | 1227 | 1370 | 1419) => {
            "The account of a CiviCRM site may not do that: restore with an administrator's account, or take the statement \
             out of the dump."
        }
        Some(1050 | 1007 | 1062 | 1304 | 1359 | 1022) => {
            "The dump makes it twice: take one of the two out, or make the backup again in one piece."
        }
        Some(1064) => "This is not SQL that the server takes: look at that line of the dump.",
        Some(1054 | 1146 | 1305 | 1356 | 1360) => {
            "What it names is not in the dump: make the backup again with all tables, triggers and routines (mysqldump \
             --routines --triggers --events)."
        }
        Some(1115 | 1253 | 1273) => {
            "Restore on a server that knows it (--on), or replace it in the dump by one that both know, such as \
             utf8mb4_unicode_ci."
        }
        Some(1298) => {
            "The private server knows no named time zones; another server may (mysql_tzinfo_to_sql)."
        }
        Some(1136) => {
            "Make the backup with column names in its INSERTs (mysqldump --complete-insert)."
        }
        Some(1153 | 2006 | 2020) => {
            "Set max_allowed_packet above the size of the statement, on the server and for the client."
        }
        Some(1193 | 1231) => {
            "Take that variable or value out of the dump, or restore on the server that it was made for (--on)."
        }
        Some(1286) => "The server has no such storage engine: replace it by InnoDB in the dump.",
        Some(1364 | 1048 | 1366 | 1292 | 1067 | 1406 | 1264) => {
            "Look at sql_mode: the rows or defaults were written under a laxer one than the server's own."
        }
        Some(1442) => "Restore the rows before the triggers: dump the triggers last.",
        Some(1449) => {
            "Make that account on the server, or take the DEFINER clauses out of the dump."
        }
        Some(1071 | 1118 | 1709) => {
            "Give the table ROW_FORMAT=DYNAMIC, or restore on the server that the dump was made for (--on)."
        }
        Some(3105) => {
            "Make the backup with the mysqldump of the server itself, which leaves generated columns out."
        }
        Some(3546) => "Make the backup with --set-gtid-purged=OFF.",
        Some(1114 | 1021) => "The disk is full: choose another folder with --tmp.",
        _ => "Look at that place of the dump, and at what the server's manual says of the error.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_differs_from_those_before_it_is_damaged() {
        let of = |row: u32| {
            let message = format!("Column count doesn't match value count at row {row}");
            advice(Some(1136), &message)
        };
        assert!(of(1).contains("--complete-insert"));
        for row in [2, 5, 10, 11] {
            assert!(of(row).contains("damaged"), "{row}");
        }
    }
}
