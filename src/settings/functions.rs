//! PHP functions whose results can be known without running PHP.

use std::path::Path;

use super::expression::Scope;
use super::value::{Reasons, Value};

/// The result of a call. `name` is in lower case.
pub(super) fn call(scope: &Scope<'_>, name: &str, arguments: Vec<Value>) -> Value {
    match (name, arguments.as_slice()) {
        ("getenv", arguments) => {
            let name = arguments.first().map(quoted_name).unwrap_or_default();
            return Value::unknown(format!("getenv({name})"));
        }
        ("defined", [Value::Text(name)]) => return defined(scope, name),
        _ => {}
    }
    let unknown = arguments.iter().filter_map(|value| match value {
        Value::Unknown(reasons) => Some(reasons.clone()),
        _ => None,
    });
    if let Some(reasons) = unknown.reduce(Reasons::and) {
        return Value::Unknown(reasons);
    }
    known(scope, name, arguments).unwrap_or_else(|| Value::unknown(format!("{name}()")))
}

/// The result of a call with known arguments; `None` if it cannot be known.
fn known(scope: &Scope<'_>, name: &str, arguments: Vec<Value>) -> Option<Value> {
    // Every function here takes texts; a call with an argument that is not a text is not followed.
    let mut texts = arguments.iter().map(|value| value.clone().into_text().ok());
    let first = texts.next()??;
    let second = texts.next().flatten();
    let text = match (name, second) {
        ("urlencode", None) => {
            let blanks = |byte| if byte == b' ' { b'+' } else { byte };
            encode(&first, b"-_. ").map(blanks).collect()
        }
        ("rawurlencode", None) => encode(&first, b"-_.~").collect(),
        ("trim", None) => trim(&first).to_vec(),
        ("strval" | "realpath", None) => first,
        ("rtrim", Some(unwanted)) if unwanted == b"/" => {
            let end = first.iter().rposition(|&byte| byte != b'/');
            first.get(..end.map_or(0, |at| at + 1))?.to_vec()
        }
        ("dirname", levels) => {
            let levels = levels.map_or(Some(1), |text| integer(&text))?;
            let mut path = Path::new(std::str::from_utf8(&first).ok()?);
            for _ in 0..levels.min(64) {
                path = path.parent().unwrap_or(path);
            }
            path.to_str()?.as_bytes().to_vec()
        }
        ("sprintf", _) => return sprintf(&first, arguments.get(1..)?),
        ("constant", None) => {
            let name = String::from_utf8(first).ok()?;
            return Some(scope.state.slot(&name)?.value(&name));
        }
        ("file_exists" | "is_readable", None) => {
            return Some(Value::Bool(scope.path(&first)?.exists()));
        }
        ("is_file", None) => return Some(Value::Bool(scope.path(&first)?.is_file())),
        ("is_dir", None) => return Some(Value::Bool(scope.path(&first)?.is_dir())),
        _ => return None,
    };
    Some(Value::Text(text).bounded())
}

/// Whether a constant is defined. Those of CiviCRM are defined by this file or not at all;
/// others may come from the content management system.
fn defined(scope: &Scope<'_>, name: &[u8]) -> Value {
    let name = String::from_utf8_lossy(name);
    let name = name.trim_start_matches('\\');
    let is_own = name.starts_with("CIVICRM_") && name != "CIVICRM_SETTINGS_PATH";
    match scope.state.slot(name) {
        Some(slot) if slot.always => Value::Bool(true),
        None if is_own && scope.state.doubt.is_none() => Value::Bool(false),
        _ => Value::unknown("a constant that may be defined elsewhere"),
    }
}

/// The text with all bytes but letters, digits and `plain` ones as `%XX`.
fn encode(text: &[u8], plain: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().flat_map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() || plain.contains(byte) => vec![*byte],
        byte => format!("%{byte:02X}").into_bytes(),
    })
}

/// What PHP's `trim` takes away: white space and NUL.
fn trim(text: &[u8]) -> &[u8] {
    let is_wanted = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
    let start = text.iter().position(is_wanted).unwrap_or(text.len());
    let end = text.iter().rposition(is_wanted).map_or(start, |at| at + 1);
    text.get(start..end).unwrap_or_default()
}

/// The result of `sprintf` with `%s`, `%d`, `%u` and `%%`, each perhaps with a position as in `%1$s`; `None`
/// for other formats.
fn sprintf(format: &[u8], arguments: &[Value]) -> Option<Value> {
    let mut result = Value::text(*b"");
    let mut arguments_in_turn = arguments.iter();
    let mut pieces = format.split(|&byte| byte == b'%');
    result = result.concat(Value::text(pieces.next()?));
    while let Some(piece) = pieces.next() {
        if piece.is_empty() {
            // `%%`, and the text after it.
            let text = [b"%", pieces.next()?].concat();
            result = result.concat(Value::Text(text));
            continue;
        }
        let dollar = piece.iter().position(|&byte| byte == b'$');
        let place = dollar.and_then(|at| Some((integer(piece.get(..at)?)?, at)));
        let (argument, conversion) = match place {
            Some((place, dollar)) => {
                let place = usize::try_from(place).ok()?.checked_sub(1)?;
                (arguments.get(place)?, piece.get(dollar + 1..)?)
            }
            None => (arguments_in_turn.next()?, piece),
        };
        let (kind, text) = conversion.split_first()?;
        let value = match kind {
            b's' => argument.clone(),
            b'd' | b'u' => Value::Int(integer(&argument.clone().into_text().ok()?)?),
            _ => return None,
        };
        result = result.concat(value).concat(Value::text(text));
    }
    Some(result)
}

/// The number that a text of digits stands for; `None` for other texts.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Whether the text can be a name in PHP, so that a terminal shows it as it is.
pub(super) fn is_plain(name: &[u8]) -> bool {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    (1..=64).contains(&name.len()) && name.iter().all(belongs)
}

/// The text `'NAME'` for messages; empty when the name is not known, or the value is not a name.
pub(super) fn quoted_name(name: &Value) -> String {
    match name {
        Value::Text(name) if is_plain(name) => format!("'{}'", String::from_utf8_lossy(name)),
        _ => String::new(),
    }
}
