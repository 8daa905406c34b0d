//! The parts of `scheme://user:password@host:port/database?option=value`, as they stand in the text.
//!
//! A URL on the command line and a DSN in a settings file are read by the same rules but where
//! [`Dialect`] says otherwise: the account is all up to the last `@`, the password what follows the
//! first `:` in it, and `%XX` is a byte wherever two hexadecimal digits follow.

use std::ops::Range;
use std::str::Utf8Error;

use percent_encoding::percent_decode_str;

/// The rules for what follows the `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The rules of URLs: the first `?` ends the path.
    Url,
    /// The rules of PEAR's `DB::parseDSN`: the first `/` ends the host, which may be written as `tcp(host)` or
    /// `unix(/path/of/socket)`.
    Pear,
}

/// The address of a server as the text gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// Host and port, not yet separated.
    Tcp(&'a str),
    /// The path of a Unix socket.
    Socket(&'a str),
}

/// The parts of a URL or DSN, with their `%XX` not yet decoded. Each may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// User and password; `None` if there is no `@`.
    pub account: Option<Account<'a>>,
    /// The address of the server.
    pub address: Address<'a>,
    /// The name of the database.
    pub database: &'a str,
    /// The text after the `?`.
    pub options: &'a str,
}

/// The user and password of a URL or DSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The name of the user.
    pub user: &'a str,
    /// The password; `None` if there is no `:`.
    pub password: Option<&'a str>,
}

/// Why a text cannot be split into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The bracket of an IPv6 address or of `unix(` is not closed.
    Bracket,
    /// The bracket of an IPv6 address is followed by something other than a port.
    Port,
    /// The protocol is not `tcp` or `unix`.
    Protocol,
}

/// Splits the text after `scheme://` into its parts.
///
/// # Errors
/// The address of the server is not written by the rules of the dialect.
pub fn split(rest: &str, dialect: Dialect) -> Result<Parts<'_>, Malformed> {
    let (account, place) = split_account(rest);
    let (address, database, options) = match dialect {
        Dialect::Url => {
            let (place, options) = split_at(place, '?');
            let (host, database) = split_at(place, '/');
            (Address::Tcp(host), database, options)
        }
        Dialect::Pear => {
            let (address, path) = split_pear(place)?;
            let (database, options) = split_at(path, '?');
            (address, database, options)
        }
    };
    Ok(Parts {
        account,
        address,
        database,
        options,
    })
}

fn split_pear(place: &str) -> Result<(Address<'_>, &str), Malformed> {
    let (protocol, rest) = match place.split_once('(') {
        Some((protocol, rest)) if !protocol.contains('/') => (protocol, rest),
        _ => {
            let (host, path) = split_at(place, '/');
            return Ok((Address::Tcp(host), path));
        }
    };
    let address = match protocol {
        "unix" => Address::Socket,
        "tcp" => Address::Tcp,
        _ => return Err(Malformed::Protocol),
    };
    let (inside, path) = rest.split_once(')').ok_or(Malformed::Bracket)?;
    Ok((address(inside), path.strip_prefix('/').unwrap_or(path)))
}

/// The account, and the text after its `@`.
fn split_account(rest: &str) -> (Option<Account<'_>>, &str) {
    let Some((account, place)) = rest.rsplit_once('@') else {
        return (None, rest);
    };
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (account, None),
    };
    (Some(Account { user, password }), place)
}

/// Host and port of `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; both may be empty.
///
/// # Errors
/// The bracket is not closed, or is followed by something other than a port.
pub fn host_and_port(address: &str) -> Result<(&str, &str), Malformed> {
    let Some(bracketed) = address.strip_prefix('[') else {
        return Ok(split_at(address, ':'));
    };
    let (host, rest) = bracketed.split_once(']').ok_or(Malformed::Bracket)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, port)),
        None if rest.is_empty() => Ok((host, "")),
        None => Err(Malformed::Port),
    }
}

/// Decodes the `%XX` of a part; any other `%` stays.
///
/// # Errors
/// The decoded part is not UTF-8.
pub fn decode(part: &str) -> Result<String, Utf8Error> {
    let text = percent_decode_str(part).decode_utf8()?;
    Ok(text.into_owned())
}

/// Byte range of the password in a text that is, or was meant as, a URL. There may be text before it
/// (`--against=mysql://…`), and the scheme may be spelled in any way (`postgres://…`, `mysql:/…`,
/// `user:…@host`).
pub fn password_in(text: &str) -> Option<Range<usize>> {
    let scheme = ["://", ":/", "//"]
        .iter()
        .find_map(|mark| Some(text.find(mark)? + mark.len()));
    let begin = scheme.unwrap_or(0);
    let (account, _) = split_account(text.get(begin..)?);
    let Account { user, password } = account?;
    let from = begin + user.len() + 1;
    Some(from..from + password?.len())
}

fn split_at(text: &str, mark: char) -> (&str, &str) {
    text.split_once(mark).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_where_they_stand_in_urls_only() {
        for (argument, expected) in [
            ("mysql://u:secret@h/db", Some("secret")),
            ("MySQL://u:secret@h/db", Some("secret")),
            ("--against=mysqli://u:se:c@ret@h/db?x=1", Some("se:c@ret")),
            ("mysql://u:@h/db", Some("")),
            ("mysql://u@h:3306/db", None),
            ("mysql:///db", None),
            ("postgres://u:secret@h/", Some("secret")),
            ("mysql:/u:secret@h/", Some("secret")),
            ("mysql//u:secret@h/", Some("secret")),
            ("u:secret@h/db", Some("secret")),
            ("backup@x.sql", None),
        ] {
            let found = password_in(argument).map(|place| &argument[place]);
            assert_eq!(found, expected, "{argument}");
        }
    }

    #[test]
    fn the_dialects_differ_in_what_ends_the_host() {
        let parts = |dialect| split("u@h?a/b", dialect).unwrap();
        let of_url = parts(Dialect::Url);
        assert_eq!(
            (of_url.address, of_url.database, of_url.options),
            (Address::Tcp("h"), "", "a/b")
        );
        let of_pear = parts(Dialect::Pear);
        assert_eq!(
            (of_pear.address, of_pear.database, of_pear.options),
            (Address::Tcp("h?a"), "b", "")
        );
        let socket = split("unix(/run/s)/d?ssl=1", Dialect::Pear).unwrap();
        assert_eq!(
            (socket.address, socket.database, socket.options),
            (Address::Socket("/run/s"), "d", "ssl=1")
        );
    }
}
