//! How the rows of one INSERT statement are read.

use std::sync::Arc;

use bumpalo::Bump;

use super::form::{Form, Spelling};
use super::pass::{Cell, CellsOfRow, Pass, Shape};
use crate::dump::scanner::Taken;
use crate::dump::values::{Next, Value, Values};
use crate::dump::workers::RowReader;
use crate::schema::lexer::SqlModes;

/// How the rows of one INSERT statement are read.
pub(super) struct Layout<P> {
    pub(super) pass: P,
    pub(super) shape: Arc<Shape>,
    pub(super) table: usize,
    /// For each value of a row the index and form of its column; `None` for columns that are not looked at.
    pub(super) places: Vec<Option<(usize, Form)>>,
    pub(super) spelling: Spelling,
    pub(super) modes: SqlModes,
}

impl<P> Layout<P> {
    /// For each column of the INSERT the column of the shape.
    pub(super) fn places(shape: &Shape, columns: &[String]) -> Vec<Option<(usize, Form)>> {
        let place = |name: &String| {
            let found = shape.columns.get_full(&name.to_ascii_lowercase());
            found.map(|(index, _, form)| (index, *form))
        };
        columns.iter().map(place).collect()
    }
}

impl<P: Pass> Layout<P> {
    /// Reads the values of one row into cells; returns whether the row holds them all.
    fn cells<'r>(&self, values: &mut Values<'r>, cells: &mut [Cell<'r>], made: &'r Bump) -> bool {
        for place in &self.places {
            let Next::Value(value) = values.value() else {
                return false;
            };
            let Some((column, form)) = place else {
                continue;
            };
            let Some(cell) = cells.get_mut(*column) else {
                continue;
            };
            *cell = match value {
                Value::Null => Cell::Null,
                value => match form.canonical(value, self.spelling, made) {
                    Some(value) => Cell::Value(value),
                    // The value that the server would make is not known.
                    None => Cell::LeftOut,
                },
            };
        }
        true
    }

    fn take(&self, cells: &[Cell<'_>], facts: &mut P::Facts) {
        let shape = &self.shape;
        self.pass.take(CellsOfRow { shape, cells }, facts);
    }
}

impl<P: Pass> RowReader for Layout<P> {
    type Facts = P::Facts;
    /// Values whose shared form is not a part of what is written. It is emptied with each call, so that it holds no more
    /// than the rows of one block.
    type Scratch = Bump;

    fn table(&self) -> usize {
        self.table
    }

    fn no_rows(&self) -> P::Facts {
        self.pass.no_rows(&self.shape)
    }

    fn read(&self, row: &[u8], facts: &mut P::Facts, made: &mut Bump) {
        made.reset();
        let made = &*made;
        let cells = made.alloc_slice_fill_copy(self.shape.columns.len(), Cell::LeftOut);
        let mut values = Values::new(row, self.modes);
        if self.cells(&mut values, cells, made) && values.value() == Next::End {
            self.take(cells, facts);
        } else {
            self.pass.unread(facts);
        }
    }

    fn read_open(&self, text: &[u8], facts: &mut P::Facts, made: &mut Bump) -> Taken {
        made.reset();
        let made = &*made;
        let cells = made.alloc_slice_fill_copy(self.shape.columns.len(), Cell::LeftOut);
        let (mut rest, mut taken) = (text, Taken::default());
        loop {
            let mut values = Values::open(rest, self.modes);
            if !self.cells(&mut values, cells, made) || values.value() != Next::End {
                return taken;
            }
            let Some((_, after)) = values.close() else {
                return taken;
            };
            self.take(cells, facts);
            taken.bytes = text.len() - after.len();
            taken.rows += 1;
            taken.values += self.places.len() as u64;
            rest = match after {
                [b',', b'(', rest @ ..] | [b',', b'\n', b'(', rest @ ..] => rest,
                _ => return taken,
            };
        }
    }

    fn modes(&self) -> SqlModes {
        self.modes
    }
}
