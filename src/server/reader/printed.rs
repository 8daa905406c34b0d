//! Tables as SHOW CREATE TABLE prints them.

use crate::gate::{Meaning, Operation};
use crate::schema::sql::{identifier, string};
use crate::server::connection::{Reader, first, text};
use crate::server::error::ServerError;
use crate::server_version::Family;

/// A table's definition as SHOW CREATE TABLE prints it, as SQL that means the table; `None` where the
/// answer does not hold it.
///
/// # Errors
/// There is no such table, the account may not see it, or the connection is lost.
pub fn show_create_table(
    connection: &mut Reader,
    table: &str,
) -> Result<Option<String>, ServerError> {
    let sql = format!("SHOW CREATE TABLE {}", identifier(table));
    let sql = Meaning::new(Operation::ShowCreate, [table]).pass(sql)?;
    let answer = connection.ask(&format!("the definition of {table}"), &sql)?;
    let Some(printed) = answer.first().and_then(|row| text(row, "create table")) else {
        return Ok(None);
    };
    if connection.version.family != Family::Mariadb || !printed.contains(CONSTRAINT) {
        return Ok(Some(printed));
    }
    let sql = format!(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = {}",
        string(table)
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let names = connection.ask(&format!("the foreign keys of {table}"), &sql)?;
    let names = names.iter().filter_map(first).collect();
    Ok(Some(with_names_quoted(printed, names)))
}

/// What the line of a constraint begins with.
const CONSTRAINT: &str = "\n  CONSTRAINT `";

/// MariaDB prints the names of foreign keys between backquotes as they are, backquotes and all, so that
/// only who knows the names can read the text.
fn with_names_quoted(mut printed: String, mut names: Vec<String>) -> String {
    names.retain(|name| name.contains('`'));
    // A name may hold the line of a shorter one.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        let as_it_is = format!("{CONSTRAINT}{name}` FOREIGN KEY (");
        let quoted = format!("\n  CONSTRAINT {} FOREIGN KEY (", identifier(&name));
        printed = printed.replacen(&as_it_is, &quoted, 1);
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_printed_as_they_are_come_out_quoted() {
        let line =
            |name: &str| format!(",\n  CONSTRAINT {name} FOREIGN KEY (`p`) REFERENCES `q` (`id`)");
        // The second holds the line of the first, and both are SQL that means something else.
        let first = "a`` FOREIGN KEY (`p`) -- ";
        let second = &format!("x{}` FOREIGN KEY (`y", line(&format!("`{first}`")));
        let table = |quoted: &dyn Fn(&str) -> String| {
            let lines: String = [first, "plain", second]
                .map(|name| line(&quoted(name)))
                .concat();
            format!("CREATE TABLE `c` (\n  `p` int{lines}\n) ENGINE=InnoDB")
        };
        let printed = table(&|name| format!("`{name}`"));
        let names = [first, "plain", second].map(str::to_owned).to_vec();
        assert_eq!(
            with_names_quoted(printed, names.clone()),
            table(&identifier)
        );
        assert_eq!(
            with_names_quoted(table(&identifier), names),
            table(&identifier)
        );
    }
}
