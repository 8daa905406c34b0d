//! Maps by names that servers compare without letter case.

use crate::schema::model::{ByName, find_entry, put_at, take_at};

/// The key under which a map holds a name, exact spelling first, then any letter case.
pub(super) fn key_of<V>(map: &ByName<V>, name: &str) -> Option<String> {
    find_entry(map, name).map(|(key, _)| key.clone())
}

/// The index at which a map holds a name, exact spelling first, then any letter case.
pub(super) fn index_of<V>(map: &ByName<V>, name: &str) -> Option<usize> {
    map.get_index_of(find_entry(map, name)?.0)
}

/// Takes an entry out of the map; looks for the exact spelling first, then ignores letter case.
pub(super) fn take<V>(map: &mut ByName<V>, name: &str) -> Option<V> {
    let (_, value) = take_at(map, index_of(map, name)?)?;
    Some(value)
}

/// Gives an entry another name and keeps its place.
pub(crate) fn rename_key<V>(map: &mut ByName<V>, from: &str, to: &str) -> bool {
    let Some(index) = index_of(map, from) else {
        return false;
    };
    if let Some((_, value)) = take_at(map, index) {
        put_at(map, index, to.to_owned(), value);
    }
    true
}
