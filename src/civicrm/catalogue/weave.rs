//! Makes one history out of the forms that a table had.

use std::collections::BTreeMap;

use super::history::{TableHistory, TableShape};
use super::items::{Column, ForeignKey, Index, TableOptions};
use super::states::{Dated, States};

/// The history of every table that occurs in any of the states.
pub(super) fn histories<'a>(
    states: impl Iterator<Item = &'a BTreeMap<String, TableShape>>,
    variant: bool,
) -> BTreeMap<String, TableHistory> {
    let states: Vec<&BTreeMap<String, TableShape>> = states.collect();
    let mut histories = BTreeMap::new();
    for name in states.iter().flat_map(|tables| tables.keys()) {
        histories.entry(name.clone()).or_insert_with(|| {
            let shapes: Vec<Option<&TableShape>> =
                states.iter().map(|tables| tables.get(name)).collect();
            history(name, variant, &shapes)
        });
    }
    histories
}

fn history(name: &str, variant: bool, shapes: &[Option<&TableShape>]) -> TableHistory {
    fn parts<'a, T: 'a>(
        shapes: &[Option<&'a TableShape>],
        part: impl Fn(&'a TableShape) -> &'a [T],
    ) -> impl Iterator<Item = &'a [T]> {
        shapes.iter().map(move |shape| shape.map_or(&[][..], &part))
    }
    TableHistory::new(
        (name.to_owned(), variant),
        weave(
            parts(shapes, |s| std::slice::from_ref(&s.options)),
            |_: &TableOptions| "",
        ),
        weave(parts(shapes, |s| &s.columns), |c: &Column| &c.name),
        weave(parts(shapes, |s| &s.indexes), |i: &Index| &i.name),
        weave(parts(shapes, |s| &s.foreign_keys), |k: &ForeignKey| &k.name),
    )
}

/// A position in the order of the table: the forms that items of one name had there, oldest first.
struct Slot<T> {
    name: String,
    shapes: Vec<Dated<T>>,
}

impl<T: Clone + PartialEq> Slot<T> {
    fn add(&mut self, place: usize, item: &T) {
        match self.shapes.iter_mut().find(|shape| shape.item == *item) {
            Some(shape) => shape.states.push(place),
            None => self.shapes.push(Dated {
                states: States::one(place),
                item: item.clone(),
            }),
        }
    }
}

/// Merges the sequences of all states, given in ascending order, into one of which each is a subsequence. An
/// item keeps the slot of its name unless it moved; a new item goes right before its successor.
pub(super) fn weave<'a, T: Clone + PartialEq + 'a>(
    sequences: impl Iterator<Item = &'a [T]>,
    name: impl Fn(&T) -> &str,
) -> Vec<Dated<T>> {
    let mut slots: Vec<Slot<T>> = Vec::new();
    for (place, items) in sequences.enumerate() {
        let known: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
        let wanted: Vec<&str> = items.iter().map(&name).collect();
        let kept = common_subsequence(&known, &wanted);
        // From the end, so that inserting does not move the slots still to be visited.
        let mut successor = slots.len();
        for (item, slot) in items.iter().zip(kept).rev() {
            successor = slot.unwrap_or_else(|| {
                let slot = Slot {
                    name: name(item).to_owned(),
                    shapes: Vec::new(),
                };
                slots.insert(successor, slot);
                successor
            });
            if let Some(slot) = slots.get_mut(successor) {
                slot.add(place, item);
            }
        }
    }
    slots.into_iter().flat_map(|slot| slot.shapes).collect()
}

/// A longest common subsequence: for each element of `wanted` its index in `known`; `None` if it is not part.
fn common_subsequence(known: &[&str], wanted: &[&str]) -> Vec<Option<usize>> {
    let width = wanted.len() + 1;
    // length[k * width + w]: longest common subsequence of known[k..] and wanted[w..].
    let mut length = vec![0_usize; (known.len() + 1) * width];
    for (k, old) in known.iter().enumerate().rev() {
        for (w, new) in wanted.iter().enumerate().rev() {
            length[k * width + w] = if old == new {
                length[(k + 1) * width + w + 1] + 1
            } else {
                length[(k + 1) * width + w].max(length[k * width + w + 1])
            };
        }
    }
    let mut matched = vec![None; wanted.len()];
    let (mut k, mut w) = (0, 0);
    while k < known.len() && w < wanted.len() {
        if known[k] == wanted[w] {
            matched[w] = Some(k);
            (k, w) = (k + 1, w + 1);
        } else if length[(k + 1) * width + w] >= length[k * width + w + 1] {
            k += 1;
        } else {
            w += 1;
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn woven(sequences: &[&[&str]]) -> Vec<(String, Vec<(usize, usize)>)> {
        let owned: Vec<Vec<String>> = sequences
            .iter()
            .map(|s| s.iter().map(|&i| i.to_owned()).collect())
            .collect();
        let items = owned.iter().map(Vec::as_slice);
        // The name is what stands before the colon, the shape all of it.
        weave(items, |item: &String| {
            item.split(':').next().unwrap_or_default()
        })
        .into_iter()
        .map(|dated| (dated.item, dated.states.runs().to_vec()))
        .collect()
    }

    fn expected(lines: &[(&str, &[(usize, usize)])]) -> Vec<(String, Vec<(usize, usize)>)> {
        lines
            .iter()
            .map(|(item, runs)| ((*item).to_owned(), runs.to_vec()))
            .collect()
    }

    #[test]
    fn changed_item_keeps_its_place() {
        assert_eq!(
            woven(&[&["a", "b", "c"], &["a", "b:2", "c"], &["a", "b", "c"]]),
            expected(&[
                ("a", &[(0, 2)]),
                ("b", &[(0, 0), (2, 2)]),
                ("b:2", &[(1, 1)]),
                ("c", &[(0, 2)]),
            ])
        );
    }

    #[test]
    fn new_item_stands_before_its_successor() {
        assert_eq!(
            woven(&[&["a", "b", "c"], &["a", "c"], &["a", "x", "y", "c", "z"]]),
            expected(&[
                ("a", &[(0, 2)]),
                ("b", &[(0, 0)]),
                ("x", &[(2, 2)]),
                ("y", &[(2, 2)]),
                ("c", &[(0, 2)]),
                ("z", &[(2, 2)]),
            ])
        );
    }

    #[test]
    fn moved_item_has_one_line_per_place() {
        assert_eq!(
            woven(&[
                &["a", "b", "c", "d"],
                &["b", "c", "a", "d"],
                &["b", "c", "a", "d"]
            ]),
            expected(&[
                ("a", &[(0, 0)]),
                ("b", &[(0, 2)]),
                ("c", &[(0, 2)]),
                ("a", &[(1, 2)]),
                ("d", &[(0, 2)]),
            ])
        );
    }

    #[test]
    fn every_sequence_comes_out_again_in_its_order() {
        let sequences: [&[&str]; 5] = [
            &["a", "b", "c", "d"],
            &["d", "c", "b", "a"],
            &[],
            &["b", "a", "d", "c", "e"],
            &["a", "b:2", "c", "d"],
        ];
        let lines = woven(&sequences);
        for (place, sequence) in sequences.iter().enumerate() {
            let again: Vec<&str> = lines
                .iter()
                .filter(|(_, runs)| runs.iter().any(|&(f, l)| (f..=l).contains(&place)))
                .map(|(item, _)| item.as_str())
                .collect();
            assert_eq!(again, *sequence);
        }
    }
}
