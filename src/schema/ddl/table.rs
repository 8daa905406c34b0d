//! Reads CREATE TABLE, table options, and the statements on tables that are only lists of names.

use super::{
    CreateTable, DdlError, Statement, TableOption, TableSource, column, key, parser::Parser,
};
use crate::schema::{
    charset,
    element::{ColumnDefinition, Duplicate, Element},
    lexer::Token,
    model::Table,
};

/// An item between the parentheses of CREATE TABLE.
enum Item {
    Column(ColumnDefinition),
    Element(Element),
}

/// Reads CREATE TABLE from after the word TABLE.
pub(super) fn create(
    parser: &mut Parser,
    or_replace: bool,
    temporary: bool,
    in_version_comment: bool,
) -> Result<Statement, DdlError> {
    let if_not_exists = parser.eat_if_not_exists();
    let name = parser.name("the name of a table")?;
    let mut create = CreateTable {
        name,
        or_replace,
        if_not_exists,
        temporary,
        in_version_comment,
        table: Table::default(),
        source: TableSource::Definition,
        invisible: Vec::new(),
        without_collation: Vec::new(),
    };
    let opens = !is_query(&parser.peek_second()) && parser.eat_symbol('(');
    if parser.eat("LIKE") {
        create.source = TableSource::Like(parser.name("the name of a table")?);
        if opens {
            parser.expect_symbol(')', ")")?;
        }
        parser.expect_end()?;
        return Ok(Statement::CreateTable(Box::new(create)));
    }
    let items = if opens { items(parser)? } else { Vec::new() };
    let table = &mut create.table;
    while let Some(option) = option(parser)? {
        table.set_option(option);
        parser.eat_symbol(',');
    }
    if let (Some(charset), None) = (&table.charset, &table.collation) {
        create.without_collation.push((None, charset.clone()));
    }
    (table.charset, table.collation) =
        charset::complete(table.charset.take(), table.collation.take());
    if parser.at("PARTITION") {
        parser.text_until(is_query)?;
    }
    parser.eat_any(&["IGNORE", "REPLACE"]);
    if parser.eat("AS") || is_query(parser.peek()) || parser.at_symbol('(') {
        create.source = TableSource::Query(parser.rest()?);
    }
    parser.expect_end()?;
    let has_columns = items.iter().any(|item| matches!(item, Item::Column(_)));
    if !has_columns && create.source == TableSource::Definition {
        return Err(parser.unexpected("at least one column"));
    }
    for item in &items {
        if let Item::Column(definition) = item {
            let (name, column) = (&definition.name, &definition.column);
            if let (Some(charset), None) = (&column.charset, &column.collation)
                && !definition.binary_collation
            {
                let without = (Some(name.clone()), charset.clone());
                create.without_collation.push(without);
            }
            if definition.invisible {
                create.invisible.push(name.clone());
            }
        }
    }
    fill(&mut create.table, &create.name.name, items)
        .map_err(|duplicate| parser.refuse("names that differ", duplicate.to_string()))?;
    Ok(Statement::CreateTable(Box::new(create)))
}

/// Puts columns and keys into the table, whose options must be known by now.
fn fill(table: &mut Table, name: &str, items: Vec<Item>) -> Result<(), Duplicate> {
    for item in items {
        match item {
            Item::Column(definition) => table.add_column(definition, None)?,
            Item::Element(element) => table.add_element(name, element)?,
        }
    }
    table.settle();
    Ok(())
}

/// Most columns and keys that are read of one table; no server takes so many (4096 columns, and at most 128
/// indexes).
const MAX_ITEMS: usize = 5000;

fn items(parser: &mut Parser) -> Result<Vec<Item>, DdlError> {
    let mut items = Vec::new();
    loop {
        if items.len() == MAX_ITEMS {
            return Err(parser.unexpected("no more than 4096 columns"));
        }
        items.push(match key::element(parser)? {
            Some((element, _)) => Item::Element(element),
            None => Item::Column(column::definition(parser)?),
        });
        if !parser.eat_symbol(',') {
            parser.expect_symbol(')', ", or )")?;
            return Ok(items);
        }
    }
}

/// Whether a query begins with this token.
fn is_query(token: &Token) -> bool {
    token.is_any(&["SELECT", "WITH", "VALUES", "TABLE"])
}

impl Table {
    /// Sets a table option; the caller completes character set and collation.
    pub(crate) fn set_option(&mut self, option: TableOption) {
        match option {
            TableOption::Engine(engine) => self.engine = Some(engine),
            TableOption::Charset(charset) => self.charset = Some(charset),
            TableOption::Collation(collation) => self.collation = Some(collation),
            TableOption::RowFormat(format) => self.row_format = format,
            TableOption::Other => {}
        }
    }
}

/// Options whose value may follow without `=`.
const OPTIONS: &[&str] = &[
    "AUTOEXTEND_SIZE",
    "AUTO_INCREMENT",
    "AVG_ROW_LENGTH",
    "CHECKSUM",
    "COMMENT",
    "COMPRESSION",
    "CONNECTION",
    "DELAY_KEY_WRITE",
    "ENCRYPTION",
    "ENGINE_ATTRIBUTE",
    "INSERT_METHOD",
    "KEY_BLOCK_SIZE",
    "MAX_ROWS",
    "MIN_ROWS",
    "PACK_KEYS",
    "PASSWORD",
    "SECONDARY_ENGINE",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "STORAGE",
    "TABLESPACE",
];

/// Reads one table option; `None` when no option begins here.
pub(super) fn option(parser: &mut Parser) -> Result<Option<TableOption>, DdlError> {
    parser.eat("DEFAULT");
    if parser.eat_any(&["ENGINE", "TYPE"]) {
        parser.eat_symbol('=');
        let engine = parser.word_or_text("an engine")?;
        return Ok(Some(TableOption::Engine(canonical_engine(engine))));
    }
    if parser.eat_charset() {
        parser.eat_symbol('=');
        let charset = parser.word_or_text("a character set")?;
        return Ok(Some(if charset.eq_ignore_ascii_case("DEFAULT") {
            TableOption::Other
        } else {
            TableOption::Charset(charset::canonical(&charset))
        }));
    }
    if parser.eat("COLLATE") {
        parser.eat_symbol('=');
        let collation = parser.word_or_text("a collation")?;
        return Ok(Some(TableOption::Collation(charset::canonical(&collation))));
    }
    if parser.eat("ROW_FORMAT") {
        parser.eat_symbol('=');
        let format = parser.identifier("a row format")?.to_ascii_uppercase();
        let format = Some(format).filter(|format| format != "DEFAULT");
        return Ok(Some(TableOption::RowFormat(format)));
    }
    if parser.eat_all(&["WITH", "SYSTEM", "VERSIONING"])
        || parser.eat_all(&["WITHOUT", "SYSTEM", "VERSIONING"])
        || parser.eat_all(&["START", "TRANSACTION"])
    {
        return Ok(Some(TableOption::Other));
    }
    if parser.eat("UNION") {
        parser.eat_symbol('=');
        parser.parenthesised()?;
        return Ok(Some(TableOption::Other));
    }
    let takes_value = parser.eat_any(OPTIONS)
        || parser.eat_all(&["DATA", "DIRECTORY"])
        || parser.eat_all(&["INDEX", "DIRECTORY"]);
    if !takes_value {
        // An option of some storage engine; it can be skipped without knowing it.
        if parser.peek_second() != Token::Symbol('=') {
            return Ok(None);
        }
        parser.identifier("a table option")?;
    }
    parser.eat_symbol('=');
    parser.option_value()?;
    Ok(Some(TableOption::Other))
}

/// The name of a storage engine as servers spell it.
fn canonical_engine(name: String) -> String {
    if name.eq_ignore_ascii_case("HEAP") {
        return "MEMORY".to_owned();
    }
    [
        "InnoDB",
        "MyISAM",
        "MEMORY",
        "Aria",
        "ARCHIVE",
        "BLACKHOLE",
        "CSV",
        "FEDERATED",
        "MRG_MyISAM",
        "ndbcluster",
        "ROCKSDB",
    ]
    .into_iter()
    .find(|known| known.eq_ignore_ascii_case(&name))
    .map_or(name, str::to_owned)
}
