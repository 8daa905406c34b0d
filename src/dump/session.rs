//! The session variables that the statements of a dump leave behind them.

use indexmap::IndexMap;

use crate::schema::ddl::{Assignment, VariableScope};
use crate::schema::lexer::SqlModes;

/// The session variables after the SET statements read so far.
#[derive(Clone, Debug)]
pub struct Session {
    sql_mode: Option<String>,
    modes: SqlModes,
    foreign_key_checks: bool,
    /// The value of `time_zone`; `None` while it is the server's own.
    time_zone: Option<String>,
    /// User variables that hold a system variable's value, and that value where it matters.
    saved: IndexMap<String, Saved>,
    /// The user variable that a statement restores although none has saved it.
    never_saved: Option<String>,
}

/// The values of the variables that matter; those that were not saved are the server's own.
#[derive(Clone, Debug)]
struct Saved {
    sql_mode: Option<String>,
    foreign_key_checks: bool,
    restored: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            sql_mode: None,
            modes: SqlModes::default(),
            foreign_key_checks: true,
            time_zone: None,
            saved: IndexMap::new(),
            never_saved: None,
        }
    }
}

impl Session {
    /// The flags of `sql_mode` that change how text is read.
    pub fn modes(&self) -> SqlModes {
        self.modes
    }

    fn set_sql_mode(&mut self, sql_mode: Option<String>) {
        self.sql_mode = sql_mode;
        let has = |wanted: &[&str]| {
            let is_wanted = |flag: &str| wanted.iter().any(|it| flag.eq_ignore_ascii_case(it));
            flags(self.sql_mode.as_deref().unwrap_or_default()).any(is_wanted)
        };
        self.modes = SqlModes {
            // The combination modes include ANSI_QUOTES (MySQL manual, "Server SQL Modes").
            ansi_quotes: has(&[
                "ANSI_QUOTES",
                "ANSI",
                "DB2",
                "MAXDB",
                "MSSQL",
                "ORACLE",
                "POSTGRESQL",
            ]),
            no_backslash_escapes: has(&["NO_BACKSLASH_ESCAPES"]),
        };
    }

    /// The value of `sql_mode` that the dump has set; `None` while it is the server's own.
    pub fn sql_mode(&self) -> Option<&str> {
        self.sql_mode.as_deref()
    }

    /// Whether foreign keys are checked (`foreign_key_checks`). They are, unless the dump says otherwise.
    pub fn foreign_key_checks(&self) -> bool {
        self.foreign_key_checks
    }

    /// The value of `time_zone` that the dump has set; `None` while it is the server's own.
    pub fn time_zone(&self) -> Option<&str> {
        self.time_zone.as_deref()
    }

    /// Sets whether foreign keys are checked, where no statement of the dump does it.
    pub fn set_key_checks(&mut self, on: bool) {
        self.foreign_key_checks = on;
    }

    /// User variables that hold the saved value of a system variable which no statement has restored.
    pub fn unrestored(&self) -> impl Iterator<Item = &str> {
        self.saved
            .iter()
            .filter(|(_, saved)| !saved.restored)
            .map(|(name, _)| name.as_str())
    }

    /// Whether the dump saves variables at its start to restore them at its end, as
    /// mysqldump and phpMyAdmin do under the name `@OLD_…`. (Others are saved and restored
    /// around each table or trigger.)
    pub fn marks_end(&self) -> bool {
        self.saved.keys().any(|name| name.starts_with("old_"))
    }

    /// The user variable that the last assignment restored although none had saved it, if it was one of those
    /// that dump programs save (`@OLD_…`, `@saved_…`).
    pub fn take_never_saved(&mut self) -> Option<String> {
        self.never_saved.take()
    }

    /// Applies one assignment of a SET statement.
    pub fn assign(&mut self, assignment: &Assignment) {
        let value = assignment.value.trim();
        match assignment.scope {
            VariableScope::User => {
                if let Some(variable) = value.strip_prefix("@@") {
                    let variable = variable.rsplit('.').next().unwrap_or(variable).trim();
                    let is = |name: &str| variable.eq_ignore_ascii_case(name);
                    let sql_mode = self.sql_mode.clone().filter(|_| is("sql_mode"));
                    let saved = Saved {
                        sql_mode,
                        foreign_key_checks: self.foreign_key_checks || !is("foreign_key_checks"),
                        restored: false,
                    };
                    self.saved.insert(assignment.name.clone(), saved);
                } else if is_of_program(&assignment.name) {
                    // Sequel Ace does not save sql_mode but writes what is to be restored.
                    let saved = Saved {
                        sql_mode: (assignment.name == "old_sql_mode")
                            .then(|| unquote(value).to_owned()),
                        foreign_key_checks: true,
                        restored: true,
                    };
                    self.saved.insert(assignment.name.clone(), saved);
                }
            }
            VariableScope::Session => self.assign_session(&assignment.name, value),
            VariableScope::Global | VariableScope::Persist => {}
        }
    }

    fn assign_session(&mut self, name: &str, value: &str) {
        let user = user_variable(value).map(str::to_ascii_lowercase);
        if let Some(user) = &user
            && is_of_program(user)
            && !self.saved.contains_key(user)
        {
            self.never_saved = Some(user.clone());
        }
        let saved = user.and_then(|user| self.saved.get_mut(&user));
        match (name, saved) {
            ("sql_mode", Some(saved)) => {
                saved.restored = true;
                let before = saved.sql_mode.clone();
                self.set_sql_mode(before);
            }
            ("sql_mode", None) => self.set_sql_mode(Some(unquote(value).to_owned())),
            ("foreign_key_checks", Some(saved)) => {
                saved.restored = true;
                self.foreign_key_checks = saved.foreign_key_checks;
            }
            ("foreign_key_checks", None) => {
                let value = unquote(value);
                self.foreign_key_checks = !(value == "0" || value.eq_ignore_ascii_case("off"));
            }
            ("time_zone", None) => self.time_zone = Some(unquote(value).to_owned()),
            (_, Some(saved)) => {
                saved.restored = true;
                if name == "time_zone" {
                    self.time_zone = None;
                }
            }
            (_, None) => {}
        }
    }
}

/// Whether dump programs save system variables under such a name: `@OLD_…` for a whole dump, `@saved_…` around an
/// object.
fn is_of_program(user_variable: &str) -> bool {
    user_variable.starts_with("old_") || user_variable.starts_with("saved_")
}

/// The user variable that a value consists of, in its plain form or in those of HeidiSQL: `IFNULL(@OLD_X, …)` and
/// `IF(@OLD_X IS NULL, …, @OLD_X)`.
fn user_variable(value: &str) -> Option<&str> {
    let is_function = |name: &str| {
        let start = value.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    if !value.starts_with('@') && !is_function("IFNULL(") && !is_function("IF(") {
        return None;
    }
    let (_, rest) = value.split_once('@')?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty())
}

/// The flags of a `sql_mode` value.
pub fn flags(sql_mode: &str) -> impl Iterator<Item = &str> {
    sql_mode.split(',').map(str::trim).filter(|f| !f.is_empty())
}

/// The text of a string literal; other values are returned as they are.
pub fn unquote(value: &str) -> &str {
    let value = value.trim();
    ['\'', '"']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}
