//! What CiviCRM shows for an error of the server.

/// The words of PEAR DB, which CiviCRM uses up to today, for an error number of the server; the text of the server
/// itself stands only in CiviCRM's log file.
pub fn shown(number: u32) -> &'static str {
    match number {
        1004..=1006 => "DB Error: can not create",
        1007 | 1022 | 1050 | 1061 | 1062 => "DB Error: already exists",
        1008 => "DB Error: can not drop",
        1044 | 1045 | 1142 | 1143 | 1227 => "DB Error: insufficient permissions",
        1046 => "DB Error: no database selected",
        1048 | 1216 | 1217 | 1451 | 1452 => "DB Error: constraint violation",
        1049 => "DB Error: no such database",
        1051 | 1146 => "DB Error: no such table",
        1054 => "DB Error: no such field",
        1064 => "DB Error: syntax error",
        1091 => "DB Error: not found",
        1136 => "DB Error: value count on row",
        _ => "DB Error: unknown error",
    }
}
