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
    /// What may have defined the constant before, with a value that is not known.
    pub doubt: Option<Rc<Doubt>>,
}

/// Something in a script that may define constants and is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub place: PhpPlace,
    /// What the line does, behind its number: `calls the function f()`.
    pub what: String,
}

/// What a variable has to do with others of the script, or of PHP's global ones. Of two the later one is the safer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    /// It was declared with `global`, so that `$GLOBALS['x']` is the same.
    Global,
    /// Nothing is known of it.
    Own,
    /// It was set by `$GLOBALS['x']`, which is another variable where the script runs inside a function.
    ByGlobals,
    /// It may be the same as another variable.
    Shared,
}

impl Slot {
    /// The only value that is possible, or else why it cannot be known.
    pub fn value(&self, name: &str) -> Value {
        if let Some(doubt) = &self.doubt {
            let line = doubt.place.line;
            return Value::unknown(format!("{name} (perhaps set on line {line})"));
        }
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

    /// Joins a path on which the name was not seen to be set, and on which `doubt` may have defined it if it is a constant.
    fn leave_out(&mut self, name: &str, doubt: Option<&Rc<Doubt>>) {
        self.always = false;
        if !name.starts_with('$') && self.doubt.is_none() {
            self.doubt = doubt.cloned();
        }
    }

    fn join(&mut self, other: &Self) {
        self.always &= other.always;
        if self.doubt.is_none() {
            self.doubt.clone_from(&other.doubt);
        }
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
    bonds: Rc<BTreeMap<String, Bond>>,
    /// What may have defined any constant that is not defined for certain.
    pub doubt: Option<Rc<Doubt>>,
    /// Whether the order of the statements is not known, so that no variable is.
    is_blind: bool,
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
        let doubt = self.doubt.clone();
        let slots = Rc::make_mut(&mut self.slots);
        let slot = Rc::make_mut(slots.entry(name.to_owned()).or_default());
        slot.always = true;
        if slot.doubt.is_none() {
            slot.doubt = doubt;
        }
        slot.add(value, PhpPlace::new(file, line));
    }

    /// Notes that this constant may be defined here, or not.
    pub fn doubt_constant(&mut self, name: &str, doubt: &Rc<Doubt>) {
        if self.is_dead || self.slot(name).is_some_and(|slot| slot.always) {
            return;
        }
        let slots = Rc::make_mut(&mut self.slots);
        let slot = Rc::make_mut(slots.entry(name.to_owned()).or_default());
        slot.doubt.get_or_insert_with(|| Rc::clone(doubt));
    }

    /// Notes that any constant may be defined here, or not. Returns how many names were looked at.
    pub fn doubt_constants(&mut self, doubt: &Rc<Doubt>) -> usize {
        if self.is_dead || self.doubt.is_some() {
            return 0;
        }
        self.doubt = Some(Rc::clone(doubt));
        for (name, slot) in Rc::make_mut(&mut self.slots) {
            if !name.starts_with('$') && !slot.always && slot.doubt.is_none() {
                Rc::make_mut(slot).doubt = Some(Rc::clone(doubt));
            }
        }
        self.slots.len()
    }

    /// Notes that any variable may be set here. Returns how many names were looked at.
    pub fn doubt_variables(&mut self, file: &Rc<Path>, line: u64) -> usize {
        if !self.is_dead {
            self.set_unknown(file, line, |_, _| true);
        }
        self.slots.len()
    }

    /// Notes that the statements from here on run in another order, or not at all.
    pub fn lose_order(&mut self) {
        self.is_blind = true;
    }

    fn set_unknown(
        &mut self,
        file: &Rc<Path>,
        line: u64,
        is_it: impl Fn(&BTreeMap<String, Bond>, &str) -> bool,
    ) {
        for (name, slot) in Rc::make_mut(&mut self.slots) {
            if name.starts_with('$') && is_it(&self.bonds, name) {
                let slot = Rc::make_mut(slot);
                let value = Value::unknown(format!("{name} (perhaps set on line {line})"));
                slot.candidates = vec![(value, PhpPlace::new(file, line))];
            }
        }
    }

    fn bond(&self, name: &str) -> Bond {
        self.bonds.get(name).copied().unwrap_or(Bond::Own)
    }

    fn set_bond(&mut self, name: &str, bond: Bond) {
        if !self.is_dead {
            Rc::make_mut(&mut self.bonds).insert(name.to_owned(), bond);
        }
    }

    /// Notes that a variable may be the same as another one.
    pub fn share(&mut self, name: &str) {
        self.set_bond(name, Bond::Shared);
    }

    /// Declares a variable with `global`. What it held before may be another variable's.
    pub fn declare_global(&mut self, name: &str, file: &Rc<Path>, line: u64) {
        if self.bond(name) > Bond::Own {
            return;
        }
        if self.bond(name) == Bond::Own && self.slots.contains_key(name) {
            self.set_unknown(file, line, |_, other| other == name);
        }
        self.set_bond(name, Bond::Global);
    }

    /// Assigns to a variable, or to the one that `$GLOBALS` has under this name: the last assignment stays.
    pub fn assign(
        &mut self,
        name: &str,
        mut value: Value,
        by_globals: bool,
        file: &Rc<Path>,
        line: u64,
    ) {
        if self.is_dead {
            return;
        }
        let bond = self.bond(name);
        let is_set = self.slots.contains_key(name);
        let is_shared = match bond {
            Bond::Global => false,
            Bond::Own => by_globals && is_set,
            Bond::ByGlobals => !by_globals,
            Bond::Shared => true,
        };
        if is_shared {
            self.share(name);
            self.set_unknown(file, line, |bonds, other| {
                bonds.get(other) == Some(&Bond::Shared)
            });
        } else if by_globals && bond == Bond::Own {
            self.set_bond(name, Bond::ByGlobals);
        }
        if is_shared || self.is_blind {
            value = Value::unknown(format!("{name} (perhaps set on line {line})"));
        }
        let slot = Slot {
            candidates: vec![(value, PhpPlace::new(file, line))],
            always: true,
            doubt: None,
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
        if other.is_dead {
            return 0;
        }
        let before = self.doubt.clone();
        if self.doubt.is_none() {
            self.doubt.clone_from(&other.doubt);
        }
        self.is_blind |= other.is_blind;
        self.join_bonds(&other);
        if Rc::ptr_eq(&self.slots, &other.slots) {
            return 0;
        }
        let slots = Rc::make_mut(&mut self.slots);
        for (name, slot) in slots.iter_mut() {
            if slot.always && !other.slots.contains_key(name) {
                Rc::make_mut(slot).leave_out(name, other.doubt.as_ref());
            }
        }
        for (name, theirs) in other.slots.iter() {
            match slots.get_mut(name) {
                Some(slot) if Rc::ptr_eq(slot, theirs) => {}
                Some(slot) => Rc::make_mut(slot).join(theirs),
                None => {
                    let mut slot = theirs.clone();
                    Rc::make_mut(&mut slot).leave_out(name, before.as_ref());
                    slots.insert(name.clone(), slot);
                }
            }
        }
        slots.len() + other.slots.len()
    }

    fn join_bonds(&mut self, other: &Self) {
        if Rc::ptr_eq(&self.bonds, &other.bonds) {
            return;
        }
        let theirs = other
            .bonds
            .keys()
            .filter(|name| !self.bonds.contains_key(*name));
        let names: Vec<String> = self.bonds.keys().chain(theirs).cloned().collect();
        let joined = names.into_iter().map(|name| {
            let bond = self.bond(&name).max(other.bond(&name));
            (name, bond)
        });
        self.bonds = Rc::new(joined.collect());
    }
}
