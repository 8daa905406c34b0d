//! Taking over what states have in common gives what comparing each of them whole gives.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::civicrm::site::Domain;
use crate::schema::model::Table;

fn catalogue() -> &'static Catalogue {
    Catalogue::embedded().expect("the embedded catalogue is readable")
}

/// A change that a site, a program or an accident makes to a schema.
#[derive(Clone, Debug)]
enum Change {
    DropTable(Index),
    /// The name of a table as a server that keeps lower case, or does not, would have it.
    Capitals(Index),
    /// A table as another state has it.
    OtherState(Index, Index),
    DropColumn(Index, Index),
    OtherColumn(Index, Index),
    DropIndex(Index, Index),
    RenameForeignKey(Index, Index),
    /// The character set of a table, or of all.
    Charset(Option<Index>),
    /// Columns of a table once per language.
    Language(Index),
    Stranger(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Change::DropTable),
        index().prop_map(Change::Capitals),
        (index(), index()).prop_map(|(table, state)| Change::OtherState(table, state)),
        (index(), index()).prop_map(|(table, column)| Change::DropColumn(table, column)),
        (index(), index()).prop_map(|(table, column)| Change::OtherColumn(table, column)),
        (index(), index()).prop_map(|(table, it)| Change::DropIndex(table, it)),
        (index(), index()).prop_map(|(table, key)| Change::RenameForeignKey(table, key)),
        proptest::option::of(index()).prop_map(Change::Charset),
        index().prop_map(Change::Language),
        index().prop_map(Change::Stranger),
    ]
}

/// Makes a change to a schema, where there is something that can be changed so.
fn make(change: &Change, schema: &mut Schema) {
    fn any_of<'a>(schema: &'a mut Schema, table: &Index) -> (&'a String, &'a mut Table) {
        let at = table.index(schema.tables.len());
        schema.tables.get_index_mut(at).expect("it is one of them")
    }
    if schema.tables.is_empty() {
        return;
    }
    match change {
        Change::DropTable(table) => {
            let at = table.index(schema.tables.len());
            schema.tables.shift_remove_index(at);
        }
        Change::Capitals(table) => {
            let at = table.index(schema.tables.len());
            if let Some((name, table)) = schema.tables.shift_remove_index(at) {
                schema.tables.insert(name.to_ascii_uppercase(), table);
            }
        }
        Change::OtherState(table, state) => {
            let histories: Vec<&TableHistory> = catalogue().histories().collect();
            let history = table.get(&histories);
            let state = state.get(catalogue().states());
            if let Some((table, _)) = catalogue().table(history, state) {
                schema.tables.insert(history.name.clone(), table);
            }
        }
        Change::DropColumn(table, column) => {
            let (_, table) = any_of(schema, table);
            let at = column.index(table.columns.len().max(1));
            table.columns.shift_remove_index(at);
        }
        Change::OtherColumn(table, column) => {
            let (_, table) = any_of(schema, table);
            let at = column.index(table.columns.len().max(1));
            if let Some((_, column)) = table.columns.get_index_mut(at) {
                column.nullable = !column.nullable;
                column.data_type.push_str(" unsigned");
            }
        }
        Change::DropIndex(table, index) => {
            let (_, table) = any_of(schema, table);
            let at = index.index(table.indexes.len().max(1));
            table.indexes.shift_remove_index(at);
        }
        Change::RenameForeignKey(table, key) => {
            let (name, table) = any_of(schema, table);
            let name = format!("{name}_ibfk_1");
            let at = key.index(table.foreign_keys.len().max(1));
            if let Some((_, key)) = table.foreign_keys.shift_remove_index(at) {
                table.foreign_keys.insert(name, key);
            }
        }
        Change::Charset(table) => {
            let at = table.map(|table| table.index(schema.tables.len()));
            let tables = schema.tables.values_mut().enumerate();
            for (_, table) in tables.filter(|(place, _)| at.is_none_or(|at| *place == at)) {
                table.charset = Some("utf8mb3".to_owned());
                table.collation = Some("utf8mb3_unicode_ci".to_owned());
            }
        }
        Change::Language(table) => {
            let (name, table) = any_of(schema, table);
            let history = catalogue().history(name);
            let columns = history.into_iter().flat_map(|history| &history.columns);
            for column in columns.filter(|column| column.item.localizable) {
                if let Some(plain) = table.columns.shift_remove(&column.item.name) {
                    let name = format!("{}_en_US", column.item.name);
                    table.columns.insert(name, plain);
                }
            }
        }
        Change::Stranger(table) => {
            let (_, table) = any_of(schema, table);
            let table = table.clone();
            schema.tables.insert("users".to_owned(), table);
        }
    }
}

/// Some sites: what is known of a site decides which tables it should have.
fn site(extensions: Option<&str>, locale: Option<&str>) -> Site {
    Site {
        domains: Some(vec![Domain {
            locales: locale.into_iter().map(str::to_owned).collect(),
            ..Domain::default()
        }]),
        custom_groups: Vec::new(),
        logging: None,
        triggers_by_hand: false,
        extensions: extensions.map(|key| vec![key.to_owned()]),
        upgrade_steps: Vec::new(),
    }
}

/// Holds what is found of one state after another against a comparison of it alone.
fn compare(subject: Subject, one: &State, other: &State) {
    let fit = Comparison::new(catalogue(), one, subject).fit_of(other);
    let whole = Comparison::new(catalogue(), other, subject).differences;
    let origin = |difference: &Difference| {
        let mut known = whole.iter();
        let known = known.find(|aged| aged.difference == *difference);
        known.expect("it is one of them").age.origin
    };
    let whole = Fit::of(whole.iter().map(|aged| &aged.difference), origin);
    assert_eq!(fit, whole, "{} after {}", other.name, one.name);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(match std::env::var_os("CIVIDB_TEST_ALL") {
        Some(_) => 10_000,
        None => 24,
    }))]

    #[test]
    fn the_fit_of_a_state_is_the_same_after_any_other(
        of in any::<Index>(),
        one in any::<Index>(),
        other in any::<Index>(),
        near in 0..4_usize,
        changes in proptest::collection::vec(change(), 0..12),
        extension in proptest::option::of(Just("standaloneusers")),
        locale in proptest::option::of(Just("fr_FR")),
        has_site in any::<bool>(),
    ) {
        let states = catalogue().states();
        let state = of.get(states);
        let mut schema = catalogue().schema(state).plain_install();
        for change in &changes {
            make(change, &mut schema);
        }
        let site = site(extension, locale);
        let subject = Subject {
            schema: &schema,
            site: has_site.then_some(&site),
            from_server: true,
        };
        compare(subject, one.get(states), other.get(states));
        // States that are compared are mostly neighbours.
        let at = state.place().saturating_sub(near);
        if let (Some(first), Some(next)) = (states.get(at), states.get(at + 1)) {
            compare(subject, first, next);
        }
    }
}
