//! Whether a text is one statement. The library lets servers take several, one behind the other, and has no way to
//! turn that off; so none is sent that could be more than one.

use crate::schema::lexer::{Lexer, SqlModes, Token};

/// Words after which a statement begins inside the body of a stored program.
const BEFORE_STATEMENTS: [&str; 9] = [
    "BEGIN",
    "THEN",
    "ELSE",
    "LOOP",
    "REPEAT",
    "DO",
    "ROW",
    "DETERMINISTIC",
    "DATA",
];

/// Words with which a block begins where a statement may begin; `CASE` does anywhere.
const BLOCKS: [&str; 5] = ["BEGIN", "IF", "LOOP", "REPEAT", "WHILE"];

/// Whether a text is one statement, perhaps with a semicolon behind it. Those inside the body of a stored program are
/// part of it: its blocks are counted.
pub(crate) fn is_one_statement(sql: &str) -> bool {
    // Without this character there is only one.
    if memchr::memchr(b';', sql.as_bytes()).is_none() {
        return true;
    }
    let mut lexer = Lexer::new(sql, SqlModes::default());
    let mut body = makes_program(sql).then(Body::default);
    let mut is_over = false;
    loop {
        let token = lexer.next_lexeme().token;
        match token {
            Token::End => return true,
            Token::Unterminated(_) => return false,
            _ if is_over => return false,
            Token::Symbol(';') if body.as_ref().is_none_or(|body| body.depth == 0) => {
                is_over = true;
            }
            _ => {}
        }
        if let Some(body) = &mut body {
            body.take(&token);
        }
    }
}

/// Whether a statement makes a trigger, function, procedure or event.
fn makes_program(sql: &str) -> bool {
    let mut lexer = Lexer::new(sql, SqlModes::default());
    // CREATE OR REPLACE DEFINER = `a`@`b` AGGREGATE FUNCTION
    let first: Vec<Token> = (0..12).map(|_| lexer.next_lexeme().token).collect();
    let programs = ["TRIGGER", "FUNCTION", "PROCEDURE", "EVENT"];
    let is_create = first.first().is_some_and(|token| token.is("CREATE"));
    is_create && first.iter().any(|token| token.is_any(&programs))
}

/// How deep inside the blocks of a body a token stands.
#[derive(Default)]
struct Body {
    depth: usize,
    /// Parentheses that are open, and whether the first of them, which hold parameters, have been closed.
    parentheses: usize,
    had_parameters: bool,
    /// Whether a statement may begin with the next token.
    begins: bool,
    /// Whether a handler is declared, whose statement begins behind its conditions.
    is_handler: bool,
    /// Whether the token before is END, or a dot, behind which a name stands.
    after_end: bool,
    after_dot: bool,
}

impl Body {
    fn take(&mut self, token: &Token) {
        let begins = std::mem::take(&mut self.begins);
        let after_end = std::mem::take(&mut self.after_end);
        let after_dot = std::mem::take(&mut self.after_dot);
        match token {
            Token::Symbol(';' | ':') => {
                self.begins = true;
                self.is_handler &= *token == Token::Symbol(':');
            }
            Token::Symbol('.') => self.after_dot = true,
            Token::Symbol('(') => self.parentheses += 1,
            Token::Symbol(')') => {
                self.parentheses = self.parentheses.saturating_sub(1);
                self.begins = self.parentheses == 0 && !self.had_parameters;
                self.had_parameters |= self.parentheses == 0;
            }
            Token::Word(_) if after_dot => {}
            Token::Word(_) => self.word(token, begins, after_end),
            _ => {}
        }
    }

    fn word(&mut self, token: &Token, begins: bool, after_end: bool) {
        let is_block = token.is_any(&BLOCKS) && begins;
        let is_handled = token.is("BEGIN") && self.is_handler && self.depth > 0;
        if after_end && (token.is("CASE") || token.is_any(&BLOCKS)) {
            return;
        }
        if token.is("CASE") || is_block || is_handled {
            self.depth += 1;
        }
        if token.is("END") {
            self.depth = self.depth.saturating_sub(1);
            self.after_end = true;
        }
        self.is_handler |= token.is("HANDLER");
        self.begins = token.is_any(&BEFORE_STATEMENTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_statement_is_sent_at_a_time() {
        for one in [
            "SET NAMES utf8mb4",
            "DROP TABLE `a; DROP TABLE b`;",
            "INSERT INTO `t` VALUES ('a'';', 'b\\'; DROP TABLE c -- ')",
        ] {
            assert!(is_one_statement(one), "{one}");
        }
        for several in [
            "LOCK TABLES t WRITE; DROP DATABASE canary",
            "UNLOCK TABLES;;",
            "SET @a = 1; /*!50000 DROP TABLE t */",
            "INSERT INTO `t` VALUES ('a\\\\'); DROP TABLE t -- ')",
            "SELECT 'a; SELECT 2",
            "BEGIN; DROP TABLE t; END",
        ] {
            assert!(!is_one_statement(several), "{several}");
        }
    }

    #[test]
    fn the_body_of_a_stored_program_belongs_to_it() {
        for one in [
            "CREATE DEFINER=`a`@`b` TRIGGER `t` BEFORE INSERT ON `c` FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END",
            "CREATE TRIGGER t AFTER UPDATE ON c FOR EACH ROW IF NEW.a THEN SET @a = 1; END IF",
            "CREATE FUNCTION f(a int) RETURNS int(11) DETERMINISTIC BEGIN \
             DECLARE EXIT HANDLER FOR NOT FOUND BEGIN RETURN 0; END; \
             WHILE a DO SET a = IF(a > 1, CASE a WHEN 1 THEN 2 END, 0); END WHILE; \
             l: LOOP LEAVE l; END LOOP l; REPEAT SET a = 1; UNTIL a END REPEAT; \
             CASE a WHEN 1 THEN SET a = 2; ELSE SET a = 3; END CASE; RETURN a; END;",
            "CREATE PROCEDURE p() BEGIN SELECT 1; END",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 1; SELECT 2; END",
            "CREATE FUNCTION f() RETURNS int READS SQL DATA BEGIN RETURN 1; END",
        ] {
            assert!(is_one_statement(one), "{one}");
        }
        for several in [
            "CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW BEGIN SET @a = 1; END; DROP DATABASE canary",
            "CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW SET @a = 1; DROP DATABASE canary",
            "CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW SET NEW.case = 1; DROP DATABASE canary",
            "CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW SET NEW.a = (SELECT 1 begin); DROP DATABASE canary",
            "CREATE PROCEDURE p() SELECT (1) begin; DROP DATABASE canary",
            "CREATE PROCEDURE p() SELECT 1 AS begin; DROP DATABASE canary",
            "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; END; DROP DATABASE canary",
            "CREATE TABLE t (a int); DROP DATABASE canary",
        ] {
            assert!(!is_one_statement(several), "{several}");
        }
    }
}
