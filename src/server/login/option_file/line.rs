//! One line of an option file.

use std::ffi::OsStr;
use std::path::Path;

use memchr::memchr;

use super::LineProblem;

/// Whether `#` begins a comment at the end of a line.
#[derive(Clone, Copy)]
pub(super) enum EndComments {
    Yes,
    No,
}

/// What a line of an option file says.
pub(super) enum Line<'a> {
    /// The line says nothing: it is empty, a comment, or an unknown directive.
    Nothing,
    /// A group header, such as `[client]`.
    Group(&'a [u8]),
    /// The directive `!include FILE`.
    Include(&'a Path),
    /// The directive `!includedir FOLDER`.
    IncludeDir(&'a Path),
    /// An option, such as `user = civicrm`.
    Option {
        name: &'a [u8],
        value: Option<Vec<u8>>,
    },
}

pub(super) fn parse_line(line: &[u8], comments: EndComments) -> Result<Line<'_>, LineProblem> {
    // The clients read lines as C strings, which end at a NUL byte.
    let line = trim(line.split(|&byte| byte == 0).next().unwrap_or_default());
    match line.split_first() {
        None | Some((b'#' | b';', _)) => Ok(Line::Nothing),
        Some((b'!', directive)) => parse_directive(trim(directive)),
        Some((b'[', rest)) => match split_at_byte(rest, b']') {
            Some((group, _)) => Ok(Line::Group(trim_end(group))),
            None => Err(LineProblem::OpenGroup),
        },
        Some(_) => {
            let line = match comments {
                EndComments::Yes => without_end_comment(line),
                EndComments::No => line,
            };
            let (name, value) = match split_at_byte(line, b'=') {
                Some((name, value)) => (name, Some(unescape(unquote(trim(value))))),
                None => (line, None),
            };
            Ok(Line::Option {
                name: trim_end(name),
                value,
            })
        }
    }
}

/// Reads `include PATH` or `includedir PATH`. The clients ignore any other directive.
fn parse_directive(directive: &[u8]) -> Result<Line<'_>, LineProblem> {
    let end = directive.iter().position(|&byte| is_space(byte));
    let (keyword, path) = directive.split_at(end.unwrap_or(directive.len()));
    let line = match keyword {
        b"include" => Line::Include,
        b"includedir" => Line::IncludeDir,
        _ => return Ok(Line::Nothing),
    };
    match trim(path) {
        [] => Err(LineProblem::NoPath),
        path => Ok(line(as_path(path))),
    }
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
}

/// The line up to a `#` that is not in quotes. A backslash protects a quote only inside quotes.
fn without_end_comment(line: &[u8]) -> &[u8] {
    let mut open = None;
    let mut escaped = false;
    for (at, &byte) in line.iter().enumerate() {
        match byte {
            b'\'' | b'"' if !escaped => match open {
                None => open = Some(byte),
                Some(quote) if quote == byte => open = None,
                Some(_) => {}
            },
            b'#' if open.is_none() => return line.split_at(at).0,
            _ => {}
        }
        escaped = open.is_some() && byte == b'\\' && !escaped;
    }
    line
}

/// The text between two quotes of one kind that are the first byte and the last; any other text as it is.
fn unquote(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => value,
    }
}

/// Resolves the escape sequences of option files; any other backslash stands for itself.
fn unescape(value: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        rest = match rest {
            [] => return result,
            [b'\\', escaped, tail @ ..] => {
                match escaped {
                    b'b' => result.push(0x08),
                    b't' => result.push(b'\t'),
                    b'n' => result.push(b'\n'),
                    b'r' => result.push(b'\r'),
                    b's' => result.push(b' '),
                    b'\\' | b'"' | b'\'' => result.push(*escaped),
                    other => result.extend([b'\\', *other]),
                }
                tail
            }
            [byte, tail @ ..] => {
                result.push(*byte);
                tail
            }
        }
    }
}

fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let (before, rest) = bytes.split_at(memchr(byte, bytes)?);
    Some((before, rest.split_first()?.1))
}

/// Whether C counts the byte as white space, to which the vertical tab belongs, too.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    trim_end(bytes)
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}
