//! Which values are equal to a server: numbers and hashes that equal values share.

use std::hash::Hasher;

use super::question::Kind;
use crate::dump::values::Value;

/// What stands for a value in a set of ids: the number itself, or a hash. `None` where it is not
/// known which other values a server takes for equal.
#[inline]
pub fn id_of(value: &Value, kind: Kind, folded: &mut Vec<u8>) -> Option<u64> {
    match kind {
        Kind::Integer => value.integer(),
        Kind::Text(collation)
            if !value
                .bytes()
                .is_some_and(|text| collation.is_sure_of(&text)) =>
        {
            None
        }
        kind => hash_of(std::iter::once((*value, kind, None)), &[], folded),
    }
}

/// A hash that rows share when they are equal in all of these columns; `None` where a value is
/// NULL, which is not equal to anything, or the first is a text of `left_out`.
#[inline]
pub fn hash_of<'a>(
    parts: impl Iterator<Item = (Value<'a>, Kind, Option<u32>)>,
    left_out: &[&str],
    folded: &mut Vec<u8>,
) -> Option<u64> {
    let mut hash = 0x9E37_79B9_7F4A_7C15;
    for (place, (value, kind, length)) in parts.enumerate() {
        if place == 0 && !left_out.is_empty() && is_one_of(&value, left_out) {
            return None;
        }
        let part = match (value, kind) {
            (Value::Null, _) => return None,
            (value, Kind::Integer) => value.integer()?,
            (value, kind) => {
                folded.clear();
                canonical(&value, kind, length, folded)?;
                let mut hasher = std::hash::DefaultHasher::new();
                hasher.write(folded);
                hasher.finish()
            }
        };
        hash = mix(hash, part);
    }
    Some(hash)
}

fn is_one_of(value: &Value, texts: &[&str]) -> bool {
    let is_same = |bytes: &[u8]| {
        let mut texts = texts.iter();
        texts.any(|text| bytes.eq_ignore_ascii_case(text.as_bytes()))
    };
    value.bytes().is_some_and(|bytes| is_same(&bytes))
}

/// Appends the canonical bytes of a value to `to`: values that are equal to a server have the same
/// bytes. `None` where it is not known which values are.
pub fn canonical(value: &Value, kind: Kind, length: Option<u32>, to: &mut Vec<u8>) -> Option<()> {
    if let (Kind::Integer, Some(number)) = (kind, value.integer()) {
        to.extend_from_slice(&number.to_le_bytes());
        return Some(());
    }
    let bytes = value.bytes()?;
    let bytes = match length {
        Some(length) => prefix(&bytes, length, kind),
        None => &bytes,
    };
    match kind {
        Kind::Text(collation) => collation.fold_into(bytes, to),
        _ => to.extend_from_slice(bytes),
    }
    Some(())
}

/// The prefix of a value: its first characters if it is text, otherwise its first bytes.
fn prefix(bytes: &[u8], length: u32, kind: Kind) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let end = match (kind, std::str::from_utf8(bytes)) {
        (Kind::Text(_), Ok(text)) => text.char_indices().nth(length).map(|(at, _)| at),
        _ => Some(length),
    };
    end.and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

/// Mixes a part into a hash with the finalizer of SplitMix64.
#[inline]
fn mix(hash: u64, part: u64) -> u64 {
    let mut mixed = hash.rotate_left(23) ^ part;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
