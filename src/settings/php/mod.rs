//! Tokens of PHP, as far as settings files need them, with their lines.
//!
//! A settings file is bytes, not UTF-8: texts stay as they are. The rules are those of the PHP
//! manual, "Strings" and "Comments"; heredocs end as since PHP 7.3.

mod lexer;
mod token;

pub(super) use lexer::tokens;
pub(super) use token::{Lexeme, StringPart, Token};
