//! The value of an expression, as far as it can be known without running PHP.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

/// Longer texts and arrays than this many bytes are not followed: no login needs them.
const MAX_BYTES: usize = 64 << 10;

/// A value. It may be a password, so it is not `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(Vec<u8>),
    Array(BTreeMap<Vec<u8>, Value>),
    /// The value is known only when PHP runs, for these reasons.
    Unknown(Reasons),
}

impl Value {
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown(Reasons::from(reason.into()))
    }

    pub fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether the value counts as true in a condition; `None` if that cannot be known.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::Text(text) => Some(!matches!(text.as_slice(), b"" | b"0")),
            Self::Array(items) => Some(!items.is_empty()),
            Self::Unknown(_) => None,
        }
    }

    /// The value as a string.
    ///
    /// # Errors
    /// The reasons why the string cannot be known.
    pub fn into_text(self) -> Result<Vec<u8>, Reasons> {
        match self {
            Self::Null | Self::Bool(false) => Ok(Vec::new()),
            Self::Bool(true) => Ok(b"1".to_vec()),
            Self::Int(value) => Ok(value.to_string().into_bytes()),
            Self::Text(text) => Ok(text),
            Self::Array(_) => Err(Reasons::from("an array".to_owned())),
            Self::Unknown(reasons) => Err(reasons),
        }
    }

    /// The value of `self . other`.
    pub fn concat(self, other: Self) -> Self {
        match (self.into_text(), other.into_text()) {
            (Ok(mut left), Ok(right)) => {
                left.extend(right);
                Self::Text(left).bounded()
            }
            (Err(left), Err(right)) => Self::Unknown(left.and(right)),
            (Err(reasons), _) | (_, Err(reasons)) => Self::Unknown(reasons),
        }
    }

    /// The value of `self === other`, or of `==` when not strict; `None` if it cannot be known.
    pub fn equals(&self, other: &Self, strict: bool) -> Option<bool> {
        // Settings files ask for `CIVICRM_UF === 'UnitTests'`, the user framework that
        // CiviCRM's own tests set in the environment. No site runs under it.
        let is_test = |value: &Self| *value == Self::text(*b"UnitTests");
        let is_number = |text: &[u8]| text.iter().any(u8::is_ascii_digit);
        match (self, other) {
            (Self::Unknown(_), known) | (known, Self::Unknown(_)) => {
                is_test(known).then_some(false)
            }
            (left, right) if left == right => Some(true),
            _ if strict => Some(false),
            (Self::Bool(_), _) | (_, Self::Bool(_)) => Some(self.truth() == other.truth()),
            (Self::Int(_), Self::Int(_)) => Some(false),
            (Self::Text(left), Self::Text(right)) if !is_number(left) || !is_number(right) => {
                Some(false)
            }
            // PHP compares texts that look like numbers as numbers.
            _ => None,
        }
    }

    /// The value of `self[key]`.
    pub fn index(&self, key: Value) -> Self {
        match (self, key.into_text()) {
            (Self::Unknown(reasons), _) => Self::Unknown(reasons.clone()),
            (_, Err(reasons)) => Self::Unknown(reasons),
            (Self::Array(items), Ok(key)) => match items.get(&key) {
                Some(value) => value.clone(),
                None => Self::unknown("an array key that is set nowhere"),
            },
            (_, Ok(_)) => Self::unknown("an index into a value that is not an array"),
        }
    }

    /// Carries out `self[keys…] = value`.
    pub fn insert(&mut self, keys: &[Vec<u8>], value: Value) {
        let Some((last, before)) = keys.split_last() else {
            *self = value;
            return;
        };
        let mut place = self;
        for key in before {
            let Self::Array(items) = place.as_array() else {
                return;
            };
            place = items.entry(key.clone()).or_insert(Self::Null);
        }
        if let Self::Array(items) = place.as_array() {
            items.insert(last.clone(), value);
        }
    }

    /// The value of `self + other`, as far as these are arrays: what both have stays as it is.
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Array(mut items), Self::Array(others)) => {
                for (key, value) in others {
                    items.entry(key).or_insert(value);
                }
                Self::Array(items).bounded()
            }
            (Self::Null, others @ Self::Array(_)) => others,
            _ => Self::unknown("a sum"),
        }
    }

    /// The value as an array; PHP makes an empty array of a value that is not set.
    fn as_array(&mut self) -> &mut Self {
        if *self == Self::Null {
            *self = Self::Array(BTreeMap::new());
        }
        self
    }

    /// Approximate number of bytes that the value takes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Text(text) => 8 + text.len(),
            Self::Array(items) => items
                .iter()
                .map(|(key, value)| 8 + key.len() + value.weight())
                .sum(),
            _ => 8,
        }
    }

    /// The value itself, or an unknown value if it is too big to matter.
    pub fn bounded(self) -> Self {
        if self.weight() > MAX_BYTES {
            return Self::unknown("a value of more than 64 KiB");
        }
        self
    }
}

/// The reasons that make a value unknown: getenv('X'), a function, a constant that is not set …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasons(BTreeSet<String>);

impl Reasons {
    /// Most reasons that are remembered; more would not help anybody.
    const MOST: usize = 6;

    pub(super) fn and(mut self, other: Self) -> Self {
        let room = Self::MOST.saturating_sub(self.0.len());
        self.0.extend(other.0.into_iter().take(room));
        self
    }
}

impl From<String> for Reasons {
    /// Removes characters that a terminal could take for a command, because names come from the file.
    fn from(reason: String) -> Self {
        Self(BTreeSet::from([
            reason.replace(char::is_control, "\u{fffd}")
        ]))
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.len().saturating_sub(1);
        for (at, reason) in self.0.iter().enumerate() {
            let before = match at {
                0 => "",
                _ if at == last => " and ",
                _ => ", ",
            };
            write!(f, "{before}{reason}")?;
        }
        Ok(())
    }
}
