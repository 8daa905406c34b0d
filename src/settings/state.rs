//! What constants and variables can hold at one point of a script.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::error::PhpPlace;
use super::value::Value;

/// Most definitions of one name that are remembered; already two make the value unknown.
const MOST: usize = 8;

/// All values that one name can hold, by the path that the script may have taken.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Different values, each with the place of its first definition, in the order of lines.
    pub candidates: Vec<(Value, PhpPlace)>,
    /// Whether the name is set whichever path was taken.
    pub always: bool,
}

impl Slot {
    /// The only value that is possible, or else why it cannot be known.
    pub fn value(&self, name: &str) -> Value {
        match self.candidates.as_slice() {
            [] => Value::unknown(format!("{name} (set nowhere)")),
            [(value, _)] if self.always => value.clone(),
            [(_, PhpPlace { line, .. })] => {
                Value::unknown(format!("{name} (set under a condition on line {line})"))
            }
            several => {
                let lines = several.iter().map(|(_, place)| place.line.to_string());
                let lines = lines.collect::<Vec<_>>().join(" and ");
                Value::unknown(format!("{name} (set differently on lines {lines})"))
            }
        }
    }

    fn add(&mut self, value: Value, place: PhpPlace) {
        let mut known = self.candidates.iter_mut();
        if let Some((_, earlier)) = known.find(|(known, _)| *known == value) {
            if place.line < earlier.line {
                *earlier = place;
            }
        } else if self.candidates.len() < MOST {
            self.candidates.push((value, place));
        }
        self.candidates.sort_by_key(|(_, place)| place.line);
    }

    fn join(&mut self, other: &Self) {
        self.always &= other.always;
        for (value, place) in &other.candidates {
            self.add(value.clone(), place.clone());
        }
    }
}

/// Constants by their names, variables by their names with a `$`.
type Slots = BTreeMap<String, Rc<Slot>>;

/// The state of a script on the paths that lead to one point of it. Copies share their slots until one of them
/// changes.
#[derive(Clone, Default)]
pub(super) struct State {
    slots: Rc<Slots>,
    /// Whether no path leads here: after `return` and `exit`, and in a branch that is never taken.
    pub is_dead: bool,
}

impl State {
    /// The state of a point to which no path leads.
    pub fn dead() -> Self {
        Self {
            is_dead: true,
            ..Self::default()
        }
    }

    /// Takes the state; no path leads to what is left.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::dead())
    }

    /// All names, with what they can hold.
    pub fn slots(&self) -> impl Iterator<Item = (&String, &Slot)> {
        self.slots.iter().map(|(name, slot)| (name, slot.as_ref()))
    }

    pub fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.get(name).map(Rc::as_ref)
    }

    /// Defines a constant, as `define` does: the first definition stays.
    pub fn define(&mut self, name: &str, value: Value, file: &Rc<Path>, line: u64) {
        if self.is_dead || self.slot(name).is_some_and(|slot| slot.always) {
            return;
        }
        let slots = Rc::make_mut(&mut self.slots);
        let slot = Rc::make_mut(slots.entry(name.to_owned()).or_default());
        slot.always = true;
        slot.add(value, PhpPlace::new(file, line));
    }

    /// Assigns to a variable: the last assignment stays.
    pub fn assign(&mut self, name: &str, value: Value, file: &Rc<Path>, line: u64) {
        if self.is_dead {
            return;
        }
        let slot = Slot {
            candidates: vec![(value, PhpPlace::new(file, line))],
            always: true,
        };
        Rc::make_mut(&mut self.slots).insert(name.to_owned(), Rc::new(slot));
    }

    /// Removes a variable, as `unset` does.
    pub fn remove(&mut self, name: &str) {
        if !self.is_dead {
            Rc::make_mut(&mut self.slots).remove(name);
        }
    }

    /// Joins the states of two paths, either of which may have been taken. Returns how many names were
    /// compared.
    pub fn join(&mut self, other: Self) -> usize {
        if self.is_dead {
            *self = other;
            return 0;
        }
        if other.is_dead || Rc::ptr_eq(&self.slots, &other.slots) {
            return 0;
        }
        let slots = Rc::make_mut(&mut self.slots);
        for (name, slot) in slots.iter_mut() {
            if slot.always && !other.slots.contains_key(name) {
                Rc::make_mut(slot).always = false;
            }
        }
        for (name, theirs) in other.slots.iter() {
            match slots.get_mut(name) {
                Some(slot) if Rc::ptr_eq(slot, theirs) => {}
                Some(slot) => Rc::make_mut(slot).join(theirs),
                None => {
                    let mut slot = theirs.clone();
                    Rc::make_mut(&mut slot).always = false;
                    slots.insert(name.clone(), slot);
                }
            }
        }
        slots.len() + other.slots.len()
    }
}
