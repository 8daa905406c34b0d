//! Goes over the tokens of a body and collects the objects that it names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Access, References, builtin::is_builtin};
use crate::schema::{
    lexer::{Lexer, SqlModes, Token},
    model::Name,
};

pub(super) fn scan(body: &str, modes: SqlModes) -> References {
    let mut lexer = Lexer::new(body, modes);
    let mut tokens = Vec::new();
    loop {
        match lexer.next_lexeme().token {
            Token::End | Token::Unterminated(_) => break,
            token => tokens.push(token),
        }
    }
    let made_here = names_made(&tokens);
    let mut scan = Scan {
        tokens,
        position: 0,
        frame: Frame::default(),
        outer: Vec::new(),
        made_here,
        aliases: BTreeMap::new(),
        qualified: Vec::new(),
        found: Found::default(),
    };
    while scan.position < scan.tokens.len() {
        scan.step();
    }
    scan.finish()
}

/// One pair of parentheses, or the outermost text.
#[derive(Default)]
struct Frame {
    verb: Verb,
    clause: Clause,
    /// Whether a table may come next.
    table_next: bool,
    /// The tables that the statement of this frame names directly.
    targets: Vec<Name>,
    /// Whether the tables of the statement include something other than a table by name.
    derived: bool,
    /// Whether the frame encloses arguments, where FROM may belong to the function.
    arguments: bool,
    /// Whether the frame encloses an item of a table list.
    table_item: bool,
    /// Whether DELETE FROM names a single table, from which rows are deleted.
    deletes: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Verb {
    #[default]
    None,
    Select,
    Insert,
    Update,
    Delete,
    Other,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Clause {
    /// An expression, or anything else in which no table or target is named.
    #[default]
    Other,
    /// A list of tables.
    Tables,
    /// A list of `column = value`.
    Assignments,
}

struct Scan<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
    frame: Frame,
    /// The frames around the current one.
    outer: Vec<Frame>,
    /// Common table expressions and tables that the body creates.
    made_here: BTreeSet<String>,
    /// Each alias and table name with the table it stands for, `None` where that is not certain.
    aliases: BTreeMap<String, Option<Name>>,
    /// `qualifier.column` as met, to be resolved when all aliases are known.
    qualified: Vec<(Option<String>, String, String)>,
    found: Found,
}

/// Words that a statement inside a body may follow.
const BEFORE_STATEMENT: &[&str] = &[
    "BEGIN",
    "THEN",
    "ELSE",
    "DO",
    "LOOP",
    "REPEAT",
    "DETERMINISTIC",
    "SQL",
    "DATA",
    "DEFINER",
    "INVOKER",
    "ENABLE",
    "DISABLE",
    "PRESERVE",
];

/// Words that end a list of tables or of assignments.
const CLAUSES: &[&str] = &[
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "WINDOW",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "INTO",
    "PROCEDURE",
    "LOCK",
    "RETURNING",
    "VALUES",
    "DO",
    "LOOP",
    "END",
    "UNTIL",
    "QUALIFY",
];

/// Words after a table that are not an alias of it.
const NO_ALIAS: &[&str] = &[
    "NATURAL",
    "LEFT",
    "RIGHT",
    "INNER",
    "CROSS",
    "FULL",
    "JOIN",
    "STRAIGHT_JOIN",
    "ON",
    "USING",
    "SET",
    "USE",
    "FORCE",
    "IGNORE",
    "PARTITION",
    "FOR",
    "SELECT",
    "WITH",
    "TABLESAMPLE",
    "AS",
    "THEN",
    "OUTER",
    "READ",
    "WRITE",
    "VALUE",
];

/// Words between CREATE and the name of a table.
const CREATE_TABLE: &[&str] = &[
    "CREATE",
    "OR",
    "REPLACE",
    "TEMPORARY",
    "TABLE",
    "IF",
    "NOT",
    "EXISTS",
];

impl<'a> Scan<'a> {
    fn token(&self, ahead: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.position + ahead)
    }

    fn before(&self, back: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.position.checked_sub(back)?)
    }

    fn is(&self, ahead: usize, keyword: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is(keyword))
    }

    fn is_any(&self, ahead: usize, keywords: &[&str]) -> bool {
        self.token(ahead)
            .is_some_and(|token| token.is_any(keywords))
    }

    fn symbol(&self, ahead: usize, symbol: char) -> bool {
        self.token(ahead) == Some(&Token::Symbol(symbol))
    }

    /// The identifier `ahead` tokens from here, quoted or not; `None` for another token.
    fn name_at(&self, ahead: usize) -> Option<String> {
        name_of(self.token(ahead)?).map(str::to_owned)
    }

    fn step(&mut self) {
        match self.tokens.get(self.position) {
            Some(Token::Symbol('(')) => self.open(),
            Some(Token::Symbol(')')) => self.close(),
            Some(Token::Symbol(';')) => {
                self.outer.clear();
                self.begin(Verb::Other);
                self.position += 1;
            }
            Some(Token::Symbol(',')) => {
                let frame = &mut self.frame;
                frame.table_next = frame.clause == Clause::Tables;
                self.position += 1;
                if self.frame.clause == Clause::Assignments {
                    self.assignment();
                }
            }
            Some(Token::Word(_) | Token::Quoted(_)) => self.word(),
            // ODBC's { OJ table … }.
            Some(Token::Symbol('{')) => self.position += 2,
            _ => self.position += 1,
        }
    }

    /// Begins a statement, and forgets the one before.
    fn begin(&mut self, verb: Verb) {
        self.frame = Frame {
            verb,
            ..Frame::default()
        };
    }

    fn open(&mut self) {
        let call = matches!(self.before(1), Some(Token::Word(_) | Token::Quoted(_)));
        let table_item = std::mem::take(&mut self.frame.table_next);
        let query = self.is_any(1, &["SELECT", "WITH", "VALUES", "TABLE"]);
        self.frame.derived |= table_item && query;
        let inner = Frame {
            verb: if table_item { Verb::Select } else { Verb::None },
            clause: if table_item && !query {
                Clause::Tables
            } else {
                Clause::Other
            },
            table_next: table_item && !query,
            arguments: call && !table_item,
            table_item,
            ..Frame::default()
        };
        self.outer.push(std::mem::replace(&mut self.frame, inner));
        self.position += 1;
    }

    fn close(&mut self) {
        self.position += 1;
        let Some(outer) = self.outer.pop() else {
            return;
        };
        let closed = std::mem::replace(&mut self.frame, outer);
        if closed.table_item {
            let frame = &mut self.frame;
            frame.derived |= closed.derived;
            frame.targets.extend(closed.targets);
            // The name of a derived table stands for nothing that exists.
            if let Some(alias) = self.alias() {
                self.aliases.insert(alias, None);
            }
        }
    }

    fn word(&mut self) {
        if self.qualified_name() {
            return;
        }
        if self.frame.table_next {
            self.table();
            return;
        }
        if self.at_statement() && self.statement() {
            return;
        }
        if self.is(0, "SELECT") {
            let frame = &mut self.frame;
            frame.verb = Verb::Select;
            frame.clause = Clause::Other;
            frame.arguments = false;
        } else if self.is(0, "FROM") {
            self.from();
        } else if self.is_any(0, &["JOIN", "STRAIGHT_JOIN"]) {
            let frame = &mut self.frame;
            frame.table_next = frame.clause == Clause::Tables;
        } else if self.is(0, "USING") && !self.symbol(1, '(') {
            if self.frame.verb == Verb::Delete {
                // DELETE FROM alias USING table alias: what stood there may be aliases.
                for name in std::mem::take(&mut self.frame.targets) {
                    self.found.tables.remove(&name);
                    self.aliases.remove(&name.name);
                }
                self.frame.table_next = true;
            }
        } else if self.is_any(0, &["USE", "FORCE", "IGNORE"]) && self.is_any(1, &["INDEX", "KEY"]) {
            // Index hints: USE INDEX FOR JOIN (name).
            self.position += 1;
            if self.is(1, "FOR") {
                self.position += 2;
            }
        } else if self.is(0, "SET") {
            self.set();
            return;
        } else if self.is(0, "UPDATE") && self.before(1).is_some_and(|token| token.is("KEY")) {
            self.frame.clause = Clause::Assignments;
            self.position += 1;
            self.assignment();
            return;
        } else if self.is_any(0, CLAUSES) || self.is(0, "FOR") && !self.is(1, "SYSTEM_TIME") {
            // END may be that of CASE inside a value.
            if !(self.is(0, "END") && self.frame.clause == Clause::Assignments) {
                self.frame.clause = Clause::Other;
            }
        } else if self.symbol(1, '(') {
            self.call();
        }
        self.position += 1;
    }

    /// Whether a statement of the body begins here.
    fn at_statement(&self) -> bool {
        if !self.outer.is_empty() {
            return false;
        }
        match self.before(1) {
            None | Some(Token::Symbol(';' | ':')) => true,
            // After a routine's parameters or return type.
            Some(Token::Symbol(')')) => self.frame.verb == Verb::None,
            Some(token) => token.is_any(BEFORE_STATEMENT),
        }
    }

    /// Reads the beginning of a statement that names tables; returns false if it is another statement.
    fn statement(&mut self) -> bool {
        let verb = if self.is_any(0, &["INSERT", "REPLACE"]) && !self.symbol(1, '(') {
            Verb::Insert
        } else if self.is(0, "UPDATE") {
            Verb::Update
        } else if self.is(0, "DELETE") {
            Verb::Delete
        } else if self.is_any(
            0,
            &["CALL", "TRUNCATE", "CREATE", "DROP", "ALTER", "RENAME"],
        ) {
            Verb::Other
        } else {
            return false;
        };
        self.begin(verb);
        if self.is(0, "CALL") {
            self.position += 1;
            let name = self.take_name();
            self.found.procedures.extend(name);
            return true;
        }
        if self.is(0, "TRUNCATE") {
            self.position += if self.is(1, "TABLE") { 2 } else { 1 };
            self.frame.table_next = true;
            return true;
        }
        if verb == Verb::Other {
            self.definition();
            return true;
        }
        self.position += 1;
        while self.is_any(
            0,
            &[
                "LOW_PRIORITY",
                "DELAYED",
                "HIGH_PRIORITY",
                "QUICK",
                "IGNORE",
                "INTO",
            ],
        ) {
            self.position += 1;
        }
        match verb {
            Verb::Update => {
                let frame = &mut self.frame;
                frame.clause = Clause::Tables;
                frame.table_next = true;
            }
            Verb::Insert => self.insert(),
            _ => {}
        }
        true
    }

    /// Skips CREATE TABLE and other definitions of objects that the body makes or changes itself, except the
    /// query that fills a new table.
    fn definition(&mut self) {
        let start = self.position;
        while self.is_any(0, CREATE_TABLE) {
            self.position += 1;
        }
        let created = self.tokens.get(start..self.position).unwrap_or_default();
        let is_table = created.iter().any(|token| token.is("TABLE"));
        let is_named = is_table && self.take_name().is_some();
        while self.token(0).is_some()
            && !self.symbol(0, ';')
            && !(is_named && self.is_any(0, &["SELECT", "WITH"]))
        {
            self.position += 1;
        }
    }

    fn insert(&mut self) {
        let Some(table) = self.take_name() else {
            return;
        };
        let known = self.use_table(&table);
        if known {
            self.found.accesses.insert((table.clone(), Access::Insert));
        }
        if self.is(0, "PARTITION") {
            return;
        }
        self.frame.targets.push(table.clone());
        if !self.symbol(0, '(') || self.is_any(1, &["SELECT", "WITH"]) || self.symbol(1, '(') {
            return;
        }
        self.position += 1;
        while let Some(name) = self.take_name() {
            if known {
                self.found.columns.insert((table.clone(), name.name));
            }
            if !self.symbol(0, ',') {
                break;
            }
            self.position += 1;
        }
        if self.symbol(0, ')') {
            self.position += 1;
        }
    }

    fn from(&mut self) {
        let frame = &mut self.frame;
        // TRIM(x FROM y), EXTRACT(YEAR FROM d); FETCH FROM cursor; SHOW TABLES FROM db.
        let of_query = matches!(frame.verb, Verb::Select | Verb::Delete) && !frame.arguments;
        let of_expression = matches!(frame.clause, Clause::Tables);
        let is_first = |scan: &Self| {
            let before = scan.before(1);
            before.is_some_and(|token| token.is_any(&["DELETE", "LOW_PRIORITY", "QUICK", "IGNORE"]))
        };
        if of_query && !of_expression {
            let deletes = self.frame.verb == Verb::Delete && is_first(self);
            let frame = &mut self.frame;
            frame.deletes = deletes;
            frame.clause = Clause::Tables;
            frame.table_next = true;
        }
    }

    /// Handles SET: after UPDATE or INSERT it begins assignments, as a statement of its own it does not.
    fn set(&mut self) {
        let statement = self.at_statement();
        if statement {
            self.begin(Verb::Other);
        }
        let frame = &mut self.frame;
        let assigns = matches!(frame.verb, Verb::Update | Verb::Insert);
        if assigns {
            frame.clause = Clause::Assignments;
        }
        if frame.verb == Verb::Update
            && let [table] = &frame.targets[..]
            && !frame.derived
        {
            let access = (table.clone(), Access::Update);
            self.found.accesses.insert(access);
        }
        self.position += 1;
        if statement
            && self.is(0, "NEW")
            && self.symbol(1, '.')
            && let Some(column) = self.name_at(2)
        {
            self.found.new_columns_set.insert(column);
        }
        if assigns {
            self.assignment();
        }
    }

    /// Records the target of `column = value`, when only one table can have it.
    fn assignment(&mut self) {
        let frame = &mut self.frame;
        let target = match frame.targets.as_slice() {
            [table] if !frame.derived => table.clone(),
            _ => return,
        };
        if let Some(column) = self.name_at(0)
            && self.symbol(1, '=')
            && self.is_known(&target)
        {
            self.found.columns.insert((target, column));
            self.position += 1;
        }
    }

    /// Reads an item of a table list.
    fn table(&mut self) {
        if self.is(0, "LATERAL") || self.is(0, "ONLY") {
            self.position += 1;
            return;
        }
        self.frame.table_next = false;
        if self.is(0, "SELECT") {
            return;
        }
        let is_word = self.is_any(0, &["WITH", "VALUES", "DUAL", "TABLE"]);
        let Some(table) = (!is_word).then(|| self.take_name()).flatten() else {
            self.position += 1;
            return;
        };
        if self.symbol(0, '(') {
            // JSON_TABLE(…) and similar functions; the parentheses hold arguments.
            self.frame.derived = true;
            return;
        }
        let known = self.use_table(&table);
        let access = match self.frame.verb {
            Verb::Select => Some(Access::Select),
            Verb::Delete if std::mem::take(&mut self.frame.deletes) => Some(Access::Delete),
            _ => None,
        };
        if let Some(access) = access.filter(|_| known) {
            self.found.accesses.insert((table.clone(), access));
        }
        let frame = &mut self.frame;
        frame.targets.push(table.clone());
        frame.derived |= !known;
        let alias = self.alias().unwrap_or_else(|| table.name.clone());
        let meaning = Some(table).filter(|_| known);
        // With two meanings it becomes uncertain.
        let known = self.aliases.entry(alias).or_insert_with(|| meaning.clone());
        if *known != meaning {
            *known = None;
        }
    }

    /// Reads `[PARTITION (…)] [AS] alias` if it comes next.
    fn alias(&mut self) -> Option<String> {
        let explicit = self.is(0, "AS");
        let ahead = usize::from(explicit);
        let is_alias = match self.token(ahead)? {
            Token::Quoted(_) => true,
            Token::Word(_) => !self.is_any(ahead, NO_ALIAS) && !self.is_any(ahead, CLAUSES),
            _ => false,
        };
        // `AS OF` belongs to FOR SYSTEM_TIME, which stands before the alias.
        if !is_alias || self.symbol(ahead + 1, '.') {
            return None;
        }
        let alias = self.name_at(ahead);
        self.position += ahead + 1;
        if self.symbol(0, '(') {
            // Names for the columns of a derived table.
            while self.token(0).is_some() && !self.symbol(0, ')') {
                self.position += 1;
            }
            self.position += 1;
        }
        alias
    }

    /// Reads `name` or `database.name`.
    fn take_name(&mut self) -> Option<Name> {
        let first = self.name_at(0)?;
        self.position += 1;
        if self.symbol(0, '.')
            && let Some(second) = self.name_at(1)
        {
            self.position += 2;
            return Some(Name {
                database: Some(first),
                name: second,
            });
        }
        Some(Name::local(first))
    }

    fn is_known(&self, table: &Name) -> bool {
        table.database.is_some() || !self.made_here.contains(&table.name.to_lowercase())
    }

    /// Records the use of a table, unless the body made it; returns whether it was recorded.
    fn use_table(&mut self, table: &Name) -> bool {
        let known = self.is_known(table);
        if known {
            self.found.tables.insert(table.clone());
        }
        known
    }

    /// Reads `a.b` and `a.b.c` outside of table lists: a column, or the call of a function.
    fn qualified_name(&mut self) -> bool {
        if self.frame.table_next || !self.symbol(1, '.') {
            return false;
        }
        let (Some(first), Some(second)) = (self.name_at(0), self.name_at(2)) else {
            return false;
        };
        if self.symbol(3, '.')
            && let Some(third) = self.name_at(4)
        {
            self.qualified.push((Some(first), second, third));
            self.position += 5;
        } else if self.symbol(3, '(') {
            self.found.functions.insert(Name {
                database: Some(first),
                name: second,
            });
            self.position += 3;
        } else {
            self.qualified.push((None, first, second));
            self.position += 3;
        }
        true
    }

    /// Records the call of a function: a name before a parenthesis.
    fn call(&mut self) {
        // After these a name with parentheses defines or names something else.
        let defines = self.before(1).is_some_and(|token| {
            *token == Token::Symbol(')')
                || token.is_any(&[
                    "AS",
                    "INTO",
                    "INDEX",
                    "KEY",
                    "TABLE",
                    "CURSOR",
                    "OPEN",
                    "FOR",
                    "WITH",
                    "RECURSIVE",
                    "PARTITION",
                    "DECLARE",
                    "RETURNS",
                    "WINDOW",
                    "CONSTRAINT",
                    "REFERENCES",
                    "PROCEDURE",
                    "FUNCTION",
                    "CALL",
                ])
        });
        let Some(name) = self.name_at(0) else { return };
        if defines || is_builtin(&name) || self.made_here.contains(&name.to_lowercase()) {
            return;
        }
        self.found.functions.insert(Name::local(name));
    }

    fn finish(mut self) -> References {
        for (database, qualifier, column) in std::mem::take(&mut self.qualified) {
            let is_row = |name| qualifier.eq_ignore_ascii_case(name);
            if database.is_none() && (is_row("NEW") || is_row("OLD")) {
                self.found.new_old_columns.insert(column);
                continue;
            }
            let table = match database {
                // No alias has a database, so this is a table for certain.
                Some(_) => Some(Name {
                    database,
                    name: qualifier,
                }),
                None => self.aliases.get(&qualifier).cloned().flatten(),
            };
            let column = table.map(|table| (table, column));
            self.found.columns.extend(column);
        }
        self.found.lists()
    }
}

/// The name that the token is, quoted or not; `None` for another token.
fn name_of<'a>(token: &'a Token) -> Option<&'a str> {
    match token {
        Token::Word(word) => Some(word),
        Token::Quoted(name) => Some(name),
        _ => None,
    }
}

/// How many tokens to look back for the name of a common table expression; tables have at most 4096 columns.
const LONGEST_COLUMN_LIST: usize = 8192;

/// What [`References`] will list.
#[derive(Default)]
struct Found {
    tables: BTreeSet<Name>,
    new_old_columns: BTreeSet<String>,
    columns: BTreeSet<(Name, String)>,
    functions: BTreeSet<Name>,
    procedures: BTreeSet<Name>,
    accesses: BTreeSet<(Name, Access)>,
    new_columns_set: BTreeSet<String>,
}

impl Found {
    /// A list takes a tenth of the memory of a set that holds one or two names, and a dump may have many programs.
    fn lists(self) -> References {
        References {
            tables: list(self.tables),
            new_old_columns: list(self.new_old_columns),
            columns: list(self.columns),
            functions: list(self.functions),
            procedures: list(self.procedures),
            accesses: list(self.accesses),
            new_columns_set: list(self.new_columns_set),
        }
    }
}

fn list<T>(set: BTreeSet<T>) -> Vec<T> {
    set.into_iter().collect()
}

/// The names of common table expressions and of tables that the body creates, lower case.
fn names_made(tokens: &[Token]) -> BTreeSet<String> {
    let name = |token: Option<&Token>| Some(name_of(token?)?.to_lowercase());
    let mut made = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let at = |ahead: usize| tokens.get(index + ahead);
        if token.is("CREATE") {
            let mut ahead = 1;
            while at(ahead).is_some_and(|token| token.is_any(CREATE_TABLE)) {
                ahead += 1;
            }
            made.extend(name(at(ahead)));
        }
        let is_query = at(1) == Some(&Token::Symbol('('))
            && at(2).is_some_and(|token| token.is_any(&["SELECT", "WITH", "VALUES", "TABLE"]));
        if token.is("AS") && is_query {
            // name AS (SELECT …), or name (columns) AS (SELECT …)
            let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at));
            let mut back = 1;
            if before(1) == Some(&Token::Symbol(')')) {
                while back < LONGEST_COLUMN_LIST
                    && before(back).is_some_and(|token| *token != Token::Symbol('('))
                {
                    back += 1;
                }
                back += 1;
            }
            made.extend(name(before(back)));
        }
    }
    made
}
