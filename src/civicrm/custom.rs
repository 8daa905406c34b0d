//! The shape of the tables of custom data, as the rows of `civicrm_custom_group` and `civicrm_custom_field`
//! ask for it.
//!
//! CRM/Core/BAO/CustomGroup.php, CustomField.php, CustomValueTable.php and SchemaHandler.php make and change these
//! tables; the releases of CiviCRM do so in slightly different ways, and no upgrade step brings a table to the
//! newest one. So what any release made is right, and the shape asked for here follows the table where releases
//! differ: names of indexes, indexes for searching, foreign keys of fields, defaults, types of the same use.

use super::naming::hashed_name;
use super::site::{CustomField, CustomGroup, Site};
use crate::schema::model::{
    ByName, Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table, find,
    find_entry,
};

/// The column that names the entity which a row of custom data belongs to.
const ENTITY: &str = "entity_id";

/// Longest name of a constraint that a server takes, in characters.
const LONGEST_NAME: usize = 64;

/// A table of CiviCRM's sample data, with what it extends. It is made without a foreign key of its `entity_id`
/// (measured on fresh installations of 4.0.8 to 6.4.1).
const WITHOUT_KEY: (&str, &str) = ("civicrm_value_donor_information_3", "Contribution");

/// The table that rows of custom data belong to, by `civicrm_custom_group.extends`; `None` for
/// what extensions bring, which may be anything.
pub fn extended_table(extends: &str) -> Option<&'static str> {
    Some(match extends {
        "Contact" | "Individual" | "Household" | "Organization" => "civicrm_contact",
        "Activity" => "civicrm_activity",
        "Relationship" => "civicrm_relationship",
        "Contribution" => "civicrm_contribution",
        "ContributionRecur" => "civicrm_contribution_recur",
        "Group" => "civicrm_group",
        "Membership" => "civicrm_membership",
        "Event" => "civicrm_event",
        "Participant" | "ParticipantRole" | "ParticipantEventName" | "ParticipantEventType" => {
            "civicrm_participant"
        }
        "Pledge" => "civicrm_pledge",
        "Grant" => "civicrm_grant",
        "Address" => "civicrm_address",
        "Campaign" => "civicrm_campaign",
        "Case" => "civicrm_case",
        _ => return None,
    })
}

/// A table of custom data as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomTable {
    /// The name of the table, as the database spells it.
    pub name: String,
    /// The table as its group and fields ask for it.
    pub table: Table,
    /// Names of the foreign key of `entity_id`, the one in `table` first; all are as good.
    pub key_names: Vec<String>,
}

/// The tables of custom data of a site, as they should be. `like` gives engine, character set and collation. Left out are
/// a table that two groups share, one that is a view, and one that is not there and whose fields are not known.
pub fn tables(site: &Site, schema: &Schema, like: &Table) -> Vec<CustomTable> {
    let groups = || site.custom_groups.iter();
    let is_shared = |group: &CustomGroup| {
        let same = |other: &&CustomGroup| other.table.eq_ignore_ascii_case(&group.table);
        groups().filter(same).count() > 1
    };
    groups()
        .filter(|group| !is_shared(group))
        .filter_map(|group| {
            let Some((name, ours)) = find_entry(&schema.tables, &group.table) else {
                let is_known = group.fields.is_some() && !group.table.is_empty();
                return (is_known && !schema.has_relation(&group.table))
                    .then(|| custom_table(group, &group.table, &Table::default(), schema, like));
            };
            // A table without a column is a finding of its own.
            (!ours.columns.is_empty()).then(|| custom_table(group, name, ours, schema, like))
        })
        .collect()
}

fn custom_table(
    group: &CustomGroup,
    name: &str,
    ours: &Table,
    schema: &Schema,
    like: &Table,
) -> CustomTable {
    let mut table = Table {
        columns: ByName::from_iter([
            ("id".to_owned(), id_column()),
            (ENTITY.to_owned(), entity_column()),
        ]),
        primary_key: vec![KeyPart::column("id")],
        indexes: ours.indexes.clone(),
        foreign_keys: ours.foreign_keys.clone(),
        checks: Vec::new(),
        engine: like.engine.clone(),
        charset: like.charset.clone(),
        collation: like.collation.clone(),
        row_format: ours.row_format.clone(),
    };
    for field in group.fields.iter().flatten() {
        let actual = find(&ours.columns, &field.column);
        let column = field_column(field, actual);
        table.columns.insert(field.column.clone(), column);
    }
    let is_known = group.fields.is_some();
    for (column, actual) in &ours.columns {
        // A column that refuses every row of CiviCRM is not let pass.
        let refuses = !actual.nullable && actual.default.is_none() && actual.generated.is_none();
        if find(&table.columns, column).is_none() && !(is_known && refuses) {
            table.columns.insert(column.clone(), actual.clone());
        }
    }
    entity_index(group, &mut table);
    for field in group.fields.iter().flatten() {
        field_key(field, &mut table);
    }
    let key_names = entity_key(group, name, schema, &mut table);
    CustomTable {
        name: name.to_owned(),
        table,
        key_names,
    }
}

fn id_column() -> Column {
    Column {
        auto_increment: true,
        ..Column::new("int unsigned", false)
    }
}

fn entity_column() -> Column {
    Column::new("int unsigned", false)
}

/// The column of a field. The default value is the one that the table has: not all releases set it. So is a
/// collation that compares bytes, which somebody chose.
fn field_column(field: &CustomField, actual: Option<&Column>) -> Column {
    let wanted = wanted_type(field);
    let Some(actual) = actual else {
        let data_type = wanted.unwrap_or_else(|| "varchar(255)".to_owned());
        return Column::new(&data_type, true);
    };
    let data_type = match wanted {
        Some(wanted) if !is_as_good(field, &actual.data_type) => wanted,
        _ => actual.data_type.clone(),
    };
    // Some releases make the column of a required field NOT NULL; where there is a default value, no row of
    // CiviCRM is refused.
    let may_refuse_null = field.is_required || actual.default.is_some();
    let is_binary = |collation: &&String| collation.ends_with("_bin");
    Column {
        nullable: actual.nullable || !may_refuse_null,
        default: actual.default.clone(),
        on_update_now: actual.on_update_now,
        collation: actual.collation.as_ref().filter(is_binary).cloned(),
        ..Column::new(&data_type, true)
    }
}

/// The type that CRM_Core_BAO_CustomValueTable::fieldToSQLType gives to a field; `None` for kinds of fields that
/// extensions bring.
fn wanted_type(field: &CustomField) -> Option<String> {
    if field.is_multiple && field.data_type != "Memo" {
        return Some("text".to_owned());
    }
    let text = || {
        format!(
            "varchar({})",
            field.text_length.filter(|n| *n > 0).unwrap_or(255)
        )
    };
    Some(match field.data_type.as_str() {
        "String" => text(),
        "Link" => "varchar(255)".to_owned(),
        "Memo" => "text".to_owned(),
        "Boolean" => "tinyint".to_owned(),
        "Int" => "int".to_owned(),
        "Float" => "double".to_owned(),
        "Money" => "decimal(20,2)".to_owned(),
        "Date" => "datetime".to_owned(),
        "Country" | "StateProvince" | "File" | "ContactReference" | "EntityReference" => {
            "int unsigned".to_owned()
        }
        _ => return None,
    })
}

/// Whether a type holds all values of a field, as some release or a careful hand made it.
fn is_as_good(field: &CustomField, data_type: &str) -> bool {
    let (base, rest) = data_type.split_once(['(', ' ']).unwrap_or((data_type, ""));
    let length = || {
        rest.split([',', ')'])
            .next()
            .and_then(|n| n.parse::<u32>().ok())
    };
    let is_text = matches!(base, "text" | "mediumtext" | "longtext");
    let is_char = matches!(base, "varchar" | "char");
    let holds = |least: u32| is_text || is_char && length().is_some_and(|length| length >= least);
    if field.is_multiple && (is_text || is_char) {
        return true;
    }
    match field.data_type.as_str() {
        // 65,535 bytes are the most that a row holds, so a longer one cannot be.
        "String" => holds(
            field
                .text_length
                .filter(|n| *n > 0)
                .unwrap_or(255)
                .min(16_000),
        ),
        "Link" => holds(255),
        "Memo" => is_text,
        "Boolean" => matches!(base, "tinyint" | "boolean" | "bool" | "smallint" | "int"),
        "Int" => matches!(base, "int" | "bigint") && !data_type.ends_with("unsigned"),
        "Float" => matches!(base, "double" | "float"),
        "Money" => base == "decimal" && holds_money(rest),
        "Date" => matches!(base, "datetime" | "timestamp"),
        "Country" | "StateProvince" | "File" | "ContactReference" | "EntityReference" => {
            matches!(base, "int" | "bigint") && data_type.ends_with("unsigned")
        }
        _ => true,
    }
}

/// Whether a decimal type has two places behind the point and ten before it, by what stands behind `decimal(`.
fn holds_money(rest: &str) -> bool {
    let mut numbers = rest
        .split([',', ')'])
        .map(|number| number.trim().parse::<u32>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(digits)), Some(Ok(scale))) => scale >= 2 && digits >= scale + 10,
        _ => false,
    }
}

/// Gives the foreign key of a field's column, where it has one, the ends and the rule that the field asks for. Not every
/// release makes such keys.
fn field_key(field: &CustomField, table: &mut Table) {
    if field.is_multiple {
        return;
    }
    let parent = match field.data_type.as_str() {
        "ContactReference" => Some("civicrm_contact"),
        "File" => Some("civicrm_file"),
        "Country" => Some("civicrm_country"),
        "StateProvince" => Some("civicrm_state_province"),
        // What it refers to is an entity of any extension.
        "EntityReference" => None,
        _ => return,
    };
    let rule = match field.on_delete.as_deref() {
        Some("cascade") => ReferentialAction::Cascade,
        Some("restrict" | "no_action") => ReferentialAction::Restrict,
        _ => ReferentialAction::SetNull,
    };
    for key in table.foreign_keys.values_mut() {
        let is_own = matches!(&key.columns[..], [own] if own.eq_ignore_ascii_case(&field.column));
        if is_own {
            key.on_delete = rule;
            if let Some(parent) = parent {
                parent.clone_into(&mut key.referenced_table);
                key.referenced_columns = vec!["id".to_owned()];
                key.referenced_database = None;
            }
        }
    }
}

/// A group with one record for each entity has a unique key on `entity_id`. A group with several must not have
/// one: CRM_Core_BAO_SchemaHandler::changeUniqueToIndex drops it.
fn entity_index(group: &CustomGroup, table: &mut Table) {
    let is_on_entity = |index: &Index| {
        matches!(&index.parts[..], [part] if part.column.eq_ignore_ascii_case(ENTITY))
            && index.kind == IndexKind::Unique
    };
    if group.is_multiple {
        table.indexes.retain(|_, index| !is_on_entity(index));
    } else if !table.indexes.values().any(is_on_entity) {
        let index = Index {
            kind: IndexKind::Unique,
            parts: vec![KeyPart::column(ENTITY)],
        };
        table.indexes.insert("unique_entity_id".to_owned(), index);
    }
}

/// Puts the foreign key of `entity_id` in its place, where it is known which table the group extends. Gives its
/// names.
fn entity_key(group: &CustomGroup, name: &str, schema: &Schema, table: &mut Table) -> Vec<String> {
    let Some(parent) = extended_table(&group.extends) else {
        return Vec::new();
    };
    let is_of_entity =
        |key: &ForeignKey| matches!(&key.columns[..], [own] if own.eq_ignore_ascii_case(ENTITY));
    let has_key = table.foreign_keys.values().any(is_of_entity);
    let is_sample = name.eq_ignore_ascii_case(WITHOUT_KEY.0) && group.extends == WITHOUT_KEY.1;
    if schema.table(parent).is_none() || !has_key && is_sample {
        return Vec::new();
    }
    let base = format!("{name}_{ENTITY}");
    let hashed = hashed_name(&base).map(|hashed| format!("FK_{hashed}"));
    let long = format!("FK_{base}");
    let fits = |name: &String| name.chars().count() <= LONGEST_NAME;
    let names: Vec<String> = hashed.into_iter().chain([long]).filter(fits).collect();
    let old = table.foreign_keys.iter().find(|(_, key)| is_of_entity(key));
    let own = names
        .iter()
        .find(|name| old.is_some_and(|(old, _)| old.eq_ignore_ascii_case(name)));
    let Some(first) = own.or(names.first()).cloned() else {
        return Vec::new();
    };
    table.foreign_keys.retain(|_, key| !is_of_entity(key));
    let key = ForeignKey {
        columns: vec![ENTITY.to_owned()],
        referenced_database: None,
        referenced_table: parent.to_owned(),
        referenced_columns: vec!["id".to_owned()],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::Restrict,
    };
    table.foreign_keys.insert(first.clone(), key);
    let others = names.iter().filter(|name| **name != first).cloned();
    [first.clone()].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(data_type: &str) -> CustomField {
        CustomField {
            column: "it_1".to_owned(),
            data_type: data_type.to_owned(),
            is_multiple: false,
            is_required: false,
            text_length: None,
            on_delete: None,
        }
    }

    #[test]
    fn a_type_that_does_not_hold_the_values_of_its_field_is_not_as_good() {
        for (kind, data_type, is) in [
            ("Money", "decimal(20,2)", true),
            ("Money", "decimal(14,4)", true),
            ("Money", "decimal(3,2)", false),
            ("Money", "decimal(20,0)", false),
            ("Money", "decimal", false),
            ("Int", "bigint", true),
            ("Int", "int unsigned", false),
            ("File", "int unsigned", true),
        ] {
            assert_eq!(
                is_as_good(&field(kind), data_type),
                is,
                "{kind} {data_type}"
            );
        }
    }

    #[test]
    fn the_key_of_a_field_has_the_parent_and_the_rule_that_the_field_asks_for() {
        let key = |parent: &str, on_delete| ForeignKey {
            columns: vec!["it_1".to_owned()],
            referenced_database: None,
            referenced_table: parent.to_owned(),
            referenced_columns: vec!["id".to_owned()],
            on_delete,
            on_update: ReferentialAction::Restrict,
        };
        for (kind, on_delete, parent, rule) in [
            (
                "ContactReference",
                None,
                "civicrm_contact",
                ReferentialAction::SetNull,
            ),
            (
                "ContactReference",
                Some("cascade"),
                "civicrm_contact",
                ReferentialAction::Cascade,
            ),
            (
                "File",
                Some("set_null"),
                "civicrm_file",
                ReferentialAction::SetNull,
            ),
            (
                "EntityReference",
                Some("restrict"),
                "civicrm_email",
                ReferentialAction::Restrict,
            ),
        ] {
            let mut table = Table::default();
            let found = key("civicrm_email", ReferentialAction::Cascade);
            table.foreign_keys.insert("FK".to_owned(), found);
            let mut field = field(kind);
            field.on_delete = on_delete.map(str::to_owned);
            field_key(&field, &mut table);
            assert_eq!(table.foreign_keys["FK"], key(parent, rule), "{kind}");
        }
    }
}
