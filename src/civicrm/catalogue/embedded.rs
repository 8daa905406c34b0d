//! The catalogue as `build.rs` lays it out, which takes no time when the program starts.
//!
//! A table becomes a [`TableHistory`] when it is asked for.

use std::borrow::Cow;

use super::items::{self, ExplicitDefaults, Owner, TableOptions, key_part};
use super::states::Dated;
use super::{Catalogue, Installed, Lazy, TableHistory, number};
use crate::schema::model::{IndexKind, ReferentialAction};

/// The first and last place of each unbroken run of states.
type States = &'static [(usize, usize)];
type Texts = &'static [&'static str];
type Items<T> = &'static [(States, T)];

struct State {
    name: &'static str,
    read_at: &'static str,
    releases: Texts,
}

struct Defaults {
    engine: &'static str,
    charset: &'static str,
    collation: &'static str,
    row_format: Option<&'static str>,
}

struct Extension {
    key: &'static str,
    installed: Installed,
}

struct Table {
    name: &'static str,
    variant: bool,
    options: Items<Options>,
    columns: Items<Column>,
    indexes: Items<Index>,
    foreign_keys: Items<ForeignKey>,
}

struct Options {
    owner: &'static str,
    log: bool,
    primary_key: Texts,
    collation: Option<&'static str>,
    row_format: Option<&'static str>,
}

struct Column {
    name: &'static str,
    data_type: &'static str,
    attributes: Attributes,
    auto_increment: bool,
    collation: Option<&'static str>,
    localizable: bool,
    explicit_defaults: Option<Attributes>,
}

struct Attributes {
    nullable: bool,
    default: Option<&'static str>,
    on_update_now: bool,
}

struct Index {
    name: &'static str,
    kind: IndexKind,
    columns: Texts,
    localizable: bool,
    implied_by_fk: bool,
}

struct ForeignKey {
    name: &'static str,
    columns: Texts,
    ref_table: &'static str,
    ref_columns: Texts,
    on_delete: ReferentialAction,
    on_update: ReferentialAction,
}

include!(concat!(env!("OUT_DIR"), "/embedded_schemas.rs"));

/// The catalogue that is part of the program.
pub(super) fn catalogue() -> Catalogue {
    let of_kind = |variant: bool| {
        let tables = TABLES.iter().filter(move |table| table.variant == variant);
        tables.map(|table| {
            (
                Cow::Borrowed(table.name),
                Lazy::new(move || table.history()),
            )
        })
    };
    Catalogue {
        states: number(STATES.iter().map(State::read).collect()),
        defaults: dated(DEFAULTS, Defaults::read),
        extensions: dated(EXTENSIONS, Extension::read),
        tables: of_kind(false).collect(),
        variants: of_kind(true).collect(),
    }
}

fn dated<T, R>(items: Items<T>, read: fn(&T) -> R) -> Vec<Dated<R>> {
    let items = items.iter().map(|(states, item)| Dated {
        states: super::States::of_runs(states),
        item: read(item),
    });
    items.collect()
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn all_owned(texts: Texts) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl State {
    fn read(&self) -> super::State {
        let (name, read_at) = (self.name.to_owned(), self.read_at.to_owned());
        super::State::new(name, read_at, all_owned(self.releases))
    }
}

impl Defaults {
    fn read(&self) -> super::Defaults {
        super::Defaults {
            engine: self.engine.to_owned(),
            charset: self.charset.to_owned(),
            collation: self.collation.to_owned(),
            row_format: owned(self.row_format),
        }
    }
}

impl Extension {
    fn read(&self) -> super::Extension {
        super::Extension {
            key: self.key.to_owned(),
            installed: self.installed,
        }
    }
}

impl Table {
    fn history(&self) -> TableHistory {
        TableHistory {
            name: self.name.to_owned(),
            variant: self.variant,
            options: dated(self.options, Options::read),
            columns: dated(self.columns, Column::read),
            indexes: dated(self.indexes, Index::read),
            foreign_keys: dated(self.foreign_keys, ForeignKey::read),
        }
    }
}

impl Options {
    fn read(&self) -> TableOptions {
        TableOptions {
            owner: Owner::from(self.owner.to_owned()),
            log: self.log,
            primary_key: all_owned(self.primary_key),
            collation: owned(self.collation),
            row_format: owned(self.row_format),
        }
    }
}

impl Column {
    fn read(&self) -> items::Column {
        items::Column {
            name: self.name.to_owned(),
            data_type: self.data_type.to_owned(),
            nullable: self.attributes.nullable,
            default: owned(self.attributes.default),
            on_update_now: self.attributes.on_update_now,
            auto_increment: self.auto_increment,
            collation: owned(self.collation),
            localizable: self.localizable,
            explicit_defaults: self.explicit_defaults.as_ref().map(Attributes::read),
        }
    }
}

impl Attributes {
    fn read(&self) -> ExplicitDefaults {
        ExplicitDefaults {
            nullable: self.nullable,
            default: owned(self.default),
            on_update_now: self.on_update_now,
        }
    }
}

impl Index {
    fn read(&self) -> items::Index {
        items::Index {
            name: self.name.to_owned(),
            kind: self.kind,
            columns: all_owned(self.columns).into_iter().map(key_part).collect(),
            localizable: self.localizable,
            implied_by_fk: self.implied_by_fk,
        }
    }
}

impl ForeignKey {
    fn read(&self) -> items::ForeignKey {
        items::ForeignKey {
            name: self.name.to_owned(),
            columns: all_owned(self.columns),
            ref_table: self.ref_table.to_owned(),
            ref_columns: all_owned(self.ref_columns),
            on_delete: self.on_delete,
            on_update: self.on_update,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Catalogue;

    #[test]
    fn what_is_laid_out_is_what_the_files_say() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let embedded = Catalogue::embedded().unwrap();
        assert!(embedded == Catalogue::from_folder(&folder).unwrap());
    }
}
