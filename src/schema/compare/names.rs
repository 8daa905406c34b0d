//! Which object of one schema is which of the other.

use crate::schema::model::ByName;

/// An object with its name.
pub(super) type Named<'a, T> = (&'a String, &'a T);

/// Matches objects by name, exactly first and then without letter case: pairs in the order
/// of the reference, then what only the actual side has, then what only the reference has.
#[expect(clippy::type_complexity, reason = "three lists, taken apart at once")]
pub(super) fn match_names<'a, T>(
    actual: &'a ByName<T>,
    reference: &'a ByName<T>,
) -> (
    Vec<(Named<'a, T>, Named<'a, T>)>,
    Vec<Named<'a, T>>,
    Vec<Named<'a, T>>,
) {
    let mut extra: Vec<Named<T>> = actual
        .iter()
        .filter(|(name, _)| !reference.contains_key(*name))
        .collect();
    let mut both = Vec::with_capacity(reference.len());
    let mut missing = Vec::new();
    for object in reference {
        if let Some(exact) = actual.get_key_value(object.0) {
            both.push((exact, object));
            continue;
        }
        let mut names = extra.iter().map(|(name, _)| name);
        match names.position(|name| name.eq_ignore_ascii_case(object.0)) {
            Some(position) => both.push((extra.remove(position), object)),
            None => missing.push(object),
        }
    }
    (both, extra, missing)
}

/// Takes from both lists the pairs for which `same` holds, each object at most once.
pub(super) fn take_pairs<'a, T>(
    actual: &mut Vec<Named<'a, T>>,
    reference: &mut Vec<Named<'a, T>>,
    same: impl Fn(Named<'a, T>, Named<'a, T>) -> bool,
) -> Vec<(Named<'a, T>, Named<'a, T>)> {
    let mut pairs = Vec::new();
    reference.retain(|&object| {
        let partner = actual.iter().position(|&other| same(other, object));
        if let Some(position) = partner {
            pairs.push((actual.remove(position), object));
        }
        partner.is_none()
    });
    pairs
}
