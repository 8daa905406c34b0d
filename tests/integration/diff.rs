//! Schemas held against their releases: the right release, every difference, no false alarm.

use crate::common::{self, catalogue};

use cividb::checks::{self, Findings, Severity, schema};
use cividb::civicrm::detect::Detection;
use cividb::civicrm::naming::hashed_name;
use cividb::civicrm::release::Version;
use cividb::civicrm::site::Site;
use cividb::schema::model::{
    Column, DefaultValue, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table,
};
use cividb::schema::sql;
use cividb::snapshot::Snapshot;

/// File, state, differences, and those that are more than notes: `check name`.
const EXPECTED: &[(&str, &str, usize, &[&str])] = &[
    (
        "4.0.8-setupsh.sql.bz2",
        "4.0",
        3,
        &[RECUR_CONTACT, RECUR_PROCESSOR],
    ),
    (
        "4.1.6-setupsh.sql.bz2",
        "4.1",
        5,
        &[
            RECUR_CONTACT,
            RECUR_PROCESSOR,
            RECUR_CONTRIBUTION_TYPE,
            RECUR_CAMPAIGN,
        ],
    ),
    (
        "4.2.16-setupsh.sql.bz2",
        "4.2",
        5,
        &[
            RECUR_CONTACT,
            RECUR_PROCESSOR,
            RECUR_CONTRIBUTION_TYPE,
            RECUR_CAMPAIGN,
        ],
    ),
    (
        "4.3.0-setupsh.sql.bz2",
        "4.3.0",
        4,
        &[
            RECUR_CONTACT,
            RECUR_PROCESSOR,
            RECUR_FINANCIAL_TYPE,
            RECUR_CAMPAIGN,
        ],
    ),
    ("4.4.0-setupsh.sql.bz2", "4.4.0", 0, &[]),
    ("4.4.5-setupsh.sql.bz2", "4.4.5", 0, &[]),
    ("4.6.36-setupsh.sql.bz2", "4.6", 0, &[]),
    ("4.7.31-setupsh.sql.bz2", "4.7.31", 0, &[]),
    ("5.13.3-multilingual_af_bg_en.mysql.bz2", "5.13", 0, &[]),
    ("5.21.2-setupsh.mysql.bz2", "5.21", 0, &[]),
    ("5.33.2-setupsh.mysql.bz2", "5.33", 0, &[]),
    ("5.45.3-setupsh.mysql.bz2", "5.45", 0, &[]),
    ("5.51.3-small.mysql.bz2", "5.51", 0, &[]),
    ("5.69.5-default.mysql.bz2", "5.69", 0, &[]),
    ("5.81.2-small.mysql.bz2", "5.81", 0, &[]),
    ("6.0.3-standalone-clean.mysql.bz2", "6.0", 1, &[]),
    ("6.4.1-small.mysql.bz2", "6.4", 1, &[]),
    (
        "4.5.5-to-5.33.2.sql.bz2",
        "5.33",
        67,
        &[
            OPTION_GROUP,
            "index-missing UI_entity_table_entity_id_file_id",
            "index-missing index_entity_id_entity_table_account_relationship",
            "index-missing UI_name",
            "index-differs UI_case_contact_id",
        ],
    ),
    (
        "4.7.31-to-5.33.2.sql.bz2",
        "5.33",
        30,
        &[
            OPTION_GROUP,
            "index-missing UI_entity_table_entity_id_file_id",
        ],
    ),
    (
        "4.7.31-to-5.81.2.sql.bz2",
        "5.81",
        51,
        &[
            OPTION_GROUP,
            QUEUE_NAME,
            "index-missing UI_name",
            "index-missing UI_entity_id_entity_table_file_id",
            "index-missing UI_label_domain_id",
        ],
    ),
    ("5.13.5-to-5.33.2.sql.bz2", "5.33", 18, &[]),
    (
        "5.21.2-to-5.81.2.sql.bz2",
        "5.81",
        35,
        &[
            QUEUE_NAME,
            "index-missing UI_name",
            "index-missing UI_label_domain_id",
        ],
    ),
    (
        "5.75.2-to-5.81.2.sql.bz2",
        "5.81",
        2,
        &["index-missing UI_label_domain_id"],
    ),
];

const RECUR_CONTACT: &str = "fk-missing FK_civicrm_contribution_recur_contact_id";
const RECUR_PROCESSOR: &str = "fk-missing FK_civicrm_contribution_recur_payment_processor_id";
const RECUR_CONTRIBUTION_TYPE: &str =
    "fk-missing FK_civicrm_contribution_recur_contribution_type_id";
const RECUR_FINANCIAL_TYPE: &str = "fk-missing FK_civicrm_contribution_recur_financial_type_id";
const RECUR_CAMPAIGN: &str = "fk-missing FK_civicrm_contribution_recur_campaign_id";
const OPTION_GROUP: &str = "fk-missing FK_civicrm_custom_field_option_group_id";
const QUEUE_NAME: &str = "fk-name civicrm_mailing_event_queue_ibfk_1";

/// What `diff` finds, sorted, and what it found out first.
fn diff(snapshot: &Snapshot) -> (Findings, Detection<'static>) {
    let case = common::case(snapshot.clone());
    let detection = case.detection().expect("the release is told").clone();
    (common::findings(&case, checks::DIFF), detection)
}

fn all_ids(findings: &Findings) -> Vec<String> {
    [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .flat_map(|severity| common::ids(findings, severity))
        .collect()
}

#[test]
fn every_real_dump_is_of_its_release_with_its_differences() {
    for path in common::real_dumps() {
        let file = common::name(&path);
        let (_, state, count, grave) = EXPECTED
            .iter()
            .find(|(name, ..)| *name == file)
            .unwrap_or_else(|| panic!("{file} is not in the table"));
        let (findings, detection) = diff(&common::snapshot_of(&common::text_of(&path)));
        assert_eq!(detection.state.name, *state, "{file}");
        assert_eq!(
            findings.list.len(),
            *count,
            "{file}: {:?}",
            all_ids(&findings)
        );
        let notes = common::ids(&findings, Severity::Note).len();
        assert_eq!(all_ids(&findings)[..count - notes], **grave, "{file}");
        let errors = common::ids(&findings, Severity::Error);
        assert!(
            errors.iter().all(|error| error.starts_with("fk-missing ")),
            "{file}: {errors:?}"
        );
        if path
            .parent()
            .is_some_and(|folder| folder.ends_with("upgraded"))
        {
            let strangers: Vec<_> = (findings.list.iter())
                .filter(|f| f.severity == Severity::Note && f.inherited.is_none())
                .collect();
            assert!(strangers.is_empty(), "{file}: {strangers:?}");
        }
    }
}

#[test]
fn states_that_cannot_be_told_apart_are_named() {
    let Some(shared) = common::shared() else {
        return;
    };
    let path = shared.join("dumps/5.13.3-multilingual_af_bg_en.mysql.bz2");
    let (_, detection) = diff(&common::snapshot_of(&common::text_of(&path)));
    let also: Vec<&str> = detection.also.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(also, ["5.14", "5.15", "5.16"]);
    assert!(!detection.evidence.is_empty());
}

fn table<'a>(schema: &'a mut Schema, name: &str) -> &'a mut Table {
    schema.tables.get_mut(name).expect("every release has it")
}

fn foreign_key(table: &mut Table, name: &str) -> ForeignKey {
    table
        .foreign_keys
        .shift_remove(name)
        .expect("every release has it")
}

fn int_column() -> Column {
    Column::new("int", true)
}

const EMAIL_KEY: &str = "FK_civicrm_email_contact_id";

/// Damage done to a schema, and the one finding it should give.
type Damage = (fn(&mut Schema), &'static str, Severity);

const DAMAGES: &[Damage] = &[
    (
        |schema| {
            let email = table(schema, "civicrm_email");
            let key = foreign_key(email, EMAIL_KEY);
            email
                .foreign_keys
                .insert("civicrm_email_ibfk_1".to_owned(), key);
        },
        "fk-name civicrm_email_ibfk_1",
        Severity::Error,
    ),
    (
        |schema| {
            foreign_key(table(schema, "civicrm_email"), EMAIL_KEY);
        },
        "fk-missing FK_civicrm_email_contact_id",
        Severity::Error,
    ),
    (
        |schema| {
            let email = table(schema, "civicrm_email");
            let mut key = foreign_key(email, EMAIL_KEY);
            key.on_delete = ReferentialAction::SetNull;
            email.foreign_keys.insert(EMAIL_KEY.to_owned(), key);
        },
        "fk-differs FK_civicrm_email_contact_id",
        Severity::Error,
    ),
    (
        |schema| {
            table(schema, "civicrm_email")
                .indexes
                .shift_remove(EMAIL_KEY)
                .expect("it is there");
        },
        "index-missing FK_civicrm_email_contact_id",
        Severity::Warning,
    ),
    (
        |schema| {
            table(schema, "civicrm_contact")
                .columns
                .shift_remove("middle_name")
                .expect("there");
        },
        "column-missing middle_name",
        Severity::Error,
    ),
    (
        |schema| {
            table(schema, "civicrm_contact").columns["first_name"].data_type =
                "varchar(32)".to_owned();
        },
        "column-differs first_name",
        Severity::Error,
    ),
    (
        |schema| table(schema, "civicrm_contact").columns["first_name"].nullable = false,
        "column-differs first_name",
        Severity::Error,
    ),
    (
        |schema| {
            table(schema, "civicrm_contact").columns["do_not_email"].default =
                Some(DefaultValue::Literal("1".to_owned()));
        },
        "column-differs do_not_email",
        Severity::Warning,
    ),
    (
        |schema| {
            let mailing = table(schema, "civicrm_mailing");
            mailing
                .columns
                .insert("unsubscribe_mode".to_owned(), int_column());
        },
        "column-extra unsubscribe_mode",
        Severity::Warning,
    ),
    (
        |schema| {
            let contact = table(schema, "civicrm_contact");
            contact.columns.insert("of_nobody".to_owned(), int_column());
        },
        "column-extra of_nobody",
        Severity::Note,
    ),
    (
        |schema| {
            let contact = table(schema, "civicrm_contact");
            contact
                .indexes
                .shift_remove("index_last_name")
                .expect("it is there");
        },
        "index-missing index_last_name",
        Severity::Warning,
    ),
    (
        |schema| {
            table(schema, "civicrm_contact").indexes["UI_external_identifier"].kind =
                IndexKind::Plain;
        },
        "index-differs UI_external_identifier",
        Severity::Error,
    ),
    (
        |schema| {
            let contact = table(schema, "civicrm_contact");
            contact.indexes["index_first_name"].parts[0].length = Some(10);
        },
        "index-differs index_first_name",
        Severity::Warning,
    ),
    (
        |schema| {
            schema
                .tables
                .shift_remove("civicrm_website")
                .expect("it is there");
        },
        "table-missing civicrm_website",
        Severity::Error,
    ),
    (
        |schema| {
            let mut later = Table::default();
            later.columns.insert("id".to_owned(), int_column());
            schema
                .tables
                .insert("civicrm_translation_source".to_owned(), later);
        },
        "table-extra civicrm_translation_source",
        Severity::Warning,
    ),
    (
        |schema| table(schema, "civicrm_website").engine = Some("MyISAM".to_owned()),
        "engine-differs civicrm_website",
        Severity::Error,
    ),
    (
        |schema| {
            let website = table(schema, "civicrm_website");
            website.charset = Some("latin1".to_owned());
            website.collation = Some("latin1_swedish_ci".to_owned());
        },
        "charset-differs civicrm_website",
        Severity::Error,
    ),
];

#[test]
fn each_seeded_damage_is_found_exactly_and_alone() {
    for (number, path) in common::real_dumps().into_iter().enumerate() {
        let file = common::name(&path);
        let snapshot = common::snapshot_of(&common::text_of(&path));
        let before = all_ids(&diff(&snapshot).0);
        // Each of them in some of the dumps, and of each dump some of them.
        let every = common::every(4);
        let damages = DAMAGES.iter().skip(number % every).step_by(every);
        for (damage, wanted, severity) in damages {
            let mut damaged = snapshot.clone();
            damage(&mut damaged.schema);
            let (findings, detection) = diff(&damaged);
            let mut found = all_ids(&findings);
            let place = found.iter().position(|id| id == wanted);
            let place = place.unwrap_or_else(|| panic!("{file}: no {wanted} in {found:?}"));
            found.remove(place);
            assert_eq!(
                found, before,
                "{file}: {wanted} in {}",
                detection.state.name
            );
            let ids = common::ids(&findings, *severity);
            assert!(
                ids.contains(&(*wanted).to_owned()),
                "{file}: {wanted}, {severity:?}"
            );
        }
    }
}

#[test]
fn hashed_and_long_names_of_foreign_keys_are_both_right_from_6_0_on() {
    let mut swapped = 0;
    for path in common::real_dumps() {
        let file = common::name(&path);
        let mut snapshot = common::snapshot_of(&common::text_of(&path));
        let before = all_ids(&diff(&snapshot).0);
        let is_6x = file.starts_with("6.");
        for (name, table) in &mut snapshot.schema.tables {
            for (key, definition) in std::mem::take(&mut table.foreign_keys) {
                let base = format!("{name}_{}", definition.columns.join("_"));
                let other = match hashed_name(&base) {
                    Some(hashed) if key == format!("FK_{hashed}") => format!("FK_{base}"),
                    Some(hashed) if key == format!("FK_{base}") => format!("FK_{hashed}"),
                    _ => key.clone(),
                };
                swapped += usize::from(is_6x && other != key);
                table.foreign_keys.insert(other, definition);
            }
        }
        if is_6x {
            assert_eq!(all_ids(&diff(&snapshot).0), before, "{file}");
        } else {
            let case = common::case(snapshot);
            let declared = case.declared_version().expect("it is declared");
            let state = catalogue().state_for(&declared).expect("it is known");
            let mut findings = Findings::default();
            schema::check_release(&case, state, &mut findings);
            let after = all_ids(&findings);
            assert!(after.iter().any(|id| id.starts_with("fk-name ")), "{file}");
        }
    }
    assert!(swapped == 0 || swapped >= 18, "{swapped}");
}

#[test]
fn a_dump_against_itself_gives_nothing() {
    for path in common::real_dumps().into_iter().step_by(common::every(4)) {
        let schema = common::snapshot_of(&common::text_of(&path)).schema;
        let mut findings = Findings::default();
        schema::check_other(&schema, &schema, "itself", &mut findings);
        assert_eq!(all_ids(&findings), [""; 0], "{}", common::name(&path));
    }
}

fn declaring(version: &str, schema: Schema) -> Snapshot {
    let mut snapshot = Snapshot {
        schema,
        ..Snapshot::default()
    };
    let domain = [("id", "1"), ("version", version)];
    let row = domain.map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())));
    snapshot
        .rows
        .insert("civicrm_domain".to_owned(), vec![row.into_iter().collect()]);
    snapshot.row_counts.insert("civicrm_domain".to_owned(), 1);
    snapshot.source.producer = cividb::snapshot::Producer::Mysqldump;
    snapshot
}

#[test]
fn every_state_of_the_catalogue_is_detected_as_itself() {
    for state in catalogue().states() {
        let schema = catalogue().schema(state).plain_install();
        let snapshot = declaring(state.last_release(), schema);
        let (findings, detection) = diff(&snapshot);
        assert_eq!(all_ids(&findings), [""; 0], "{}", state.name);
        assert_eq!(detection.state.name, state.name);
    }
}

#[test]
fn a_release_against_another_gives_what_their_states_differ_in() {
    for pair in catalogue().states().windows(2) {
        let [old, new] = pair else { unreachable!() };
        let schema = catalogue().schema(old).plain_install();
        let snapshot = declaring(old.last_release(), schema);
        let mut findings = Findings::default();
        schema::check_release(&common::case(snapshot.clone()), new, &mut findings);
        let same = catalogue().same_core(old, new);
        // Extensions that neither has, and defaults of the whole database, tell nothing here.
        if same {
            assert_eq!(all_ids(&findings), [""; 0], "{} {}", old.name, new.name);
        }
        let missing = |name: &str| {
            findings.list.iter().any(|finding| {
                finding.check.id == "table-missing"
                    && finding
                        .object
                        .as_ref()
                        .is_some_and(|object| object.name == name)
            })
        };
        for name in catalogue().schema(new).plain_install().tables.keys() {
            let is_core = catalogue().history(name).and_then(|h| h.owner(new))
                == Some(&cividb::civicrm::catalogue::Owner::Core);
            if is_core && !snapshot.schema.tables.contains_key(name) {
                assert!(missing(name), "{} {}: {name}", old.name, new.name);
            }
        }
    }
}

#[test]
fn a_version_of_another_release_is_a_mismatch() {
    let at = |state: &str| {
        catalogue()
            .schema(catalogue().state(state).unwrap())
            .plain_install()
    };
    for (schema, declared, mismatch) in [
        ("5.33", "5.33.2", false),
        ("5.33", "5.45.3", true),
        ("5.33", "4.7.31", true),
        ("5.33", "5.45.alpha1.upgrade", false),
        ("5.14", "5.15.1", false),
    ] {
        let (findings, _) = diff(&declaring(declared, at(schema)));
        let ids = all_ids(&findings);
        let found = ids
            .iter()
            .any(|id| id.starts_with("version-schema-mismatch"));
        assert_eq!(found, mismatch, "{schema} as {declared}: {ids:?}");
    }
}

#[test]
fn the_release_is_told_from_half_of_the_tables() {
    for path in common::real_dumps() {
        let file = common::name(&path);
        let mut snapshot = common::snapshot_of(&common::text_of(&path));
        let mut place = 0;
        snapshot.schema.tables.retain(|_, _| {
            place += 1;
            place % 2 == 0
        });
        let (_, detection) = diff(&snapshot);
        let declared =
            Site::of(&snapshot, common::catalogue()).and_then(|site| site.declared_version());
        let minor = declared.map(|version| version.major_minor());
        let detected = Version::parse(&detection.state.name).map(|version| version.major_minor());
        assert_eq!(detected, minor, "{file}: {}", detection.state.name);
    }
}

#[test]
fn an_index_of_a_text_without_a_server_may_still_be_to_come() {
    let mut schema = catalogue()
        .schema(catalogue().state("5.81").unwrap())
        .plain_install();
    for table in schema.tables.values_mut() {
        let keys = table.foreign_keys.clone();
        table.indexes.retain(|name, _| !keys.contains_key(name));
    }
    let mut snapshot = declaring("5.81.2", schema);
    assert!(!diff(&snapshot).0.list.is_empty());
    snapshot.source.producer = cividb::snapshot::Producer::Unknown;
    assert_eq!(all_ids(&diff(&snapshot).0), [""; 0]);
}

#[test]
fn statements_bring_a_damaged_schema_to_its_release_in_order() {
    let reference = catalogue()
        .schema(catalogue().state("5.81").unwrap())
        .plain_install();
    let mut schema = reference.clone();
    schema.tables.shift_remove("civicrm_note");
    foreign_key(table(&mut schema, "civicrm_email"), EMAIL_KEY);
    table(&mut schema, "civicrm_contact").indexes.insert(
        "mine".to_owned(),
        Index {
            kind: IndexKind::Plain,
            parts: vec![KeyPart::column("nick_name")],
        },
    );
    let snapshot = declaring("5.81.2", schema);
    let (_, detection) = diff(&snapshot);
    let differences: Vec<_> = (detection.differences.iter())
        .map(|aged| aged.difference.clone())
        .collect();
    let statements =
        sql::statements_to(&snapshot.schema, &detection.reference.schema, &differences);
    let firsts: Vec<&str> = statements
        .iter()
        .map(|s| s.lines().next().unwrap())
        .collect();
    assert_eq!(
        firsts,
        [
            "CREATE TABLE `civicrm_note` (",
            "ALTER TABLE `civicrm_email`",
            "ALTER TABLE `civicrm_note`",
            "-- left alone: extra index `civicrm_contact`.`mine`",
        ]
    );
}

#[test]
fn newer_tables_under_an_older_schema_are_named() {
    let at = |state: &str| {
        let state = catalogue().state(state).unwrap();
        catalogue().schema(state).plain_install()
    };
    let mut schema = at("4.7.31");
    for (name, table) in at("5.81").tables {
        schema.tables.entry(name).or_insert(table);
    }
    let (findings, detection) = diff(&declaring("4.7.31", schema));
    assert_eq!(detection.state.name, "4.7.31");
    assert!(
        detection
            .later
            .contains(&"civicrm_relationship_cache".to_owned())
    );
    let ids = all_ids(&findings);
    assert!(
        ids.iter().all(|id| id.starts_with("table-extra ")),
        "{ids:?}"
    );
}

#[test]
fn custom_extension_log_and_leftover_tables_are_no_differences() {
    let mut schema = catalogue()
        .schema(catalogue().state("5.81").unwrap())
        .plain_install();
    for name in [
        "civicrm_value_donors_1",
        "civicrm_some_extension",
        "log_civicrm_contact",
        "snap_civicrm_v5_50_fields",
        "civicrm_install_canary",
        "drupal_users",
    ] {
        let mut table = Table::default();
        table.columns.insert("id".to_owned(), int_column());
        schema.tables.insert(name.to_owned(), table);
    }
    let (findings, detection) = diff(&declaring("5.81.2", schema));
    assert_eq!(all_ids(&findings), [""; 0]);
    assert_eq!(detection.not_compared.values().sum::<usize>(), 6);
}

#[test]
fn every_difference_knows_its_age() {
    let mut schema = catalogue()
        .schema(catalogue().state("5.81").unwrap())
        .plain_install();
    let participant = table(&mut schema, "civicrm_participant");
    participant
        .columns
        .insert("cart_id".to_owned(), int_column());
    table(&mut schema, "civicrm_mailing")
        .columns
        .insert("unsubscribe_mode".to_owned(), int_column());
    table(&mut schema, "civicrm_contact")
        .indexes
        .shift_remove("index_created_date")
        .unwrap();
    let (findings, _) = diff(&declaring("5.81.2", schema));
    let messages: Vec<&str> = findings.list.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "column civicrm_mailing.unsubscribe_mode is extra: int NULL (CiviCRM has it from 6.7 on)",
            "column civicrm_participant.cart_id is extra: int NULL (CiviCRM had it in 4.1 to 5.75; dropped since, still here)",
            "index index_created_date of civicrm_contact is missing, CiviCRM 5.81 has KEY (`created_date`) (CiviCRM has it from 5.18 on)",
        ]
    );
}

fn cividb(arguments: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cividb"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .expect("it runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

const SAMPLE: &str = "tests/data/sample.sql.gz";

#[test]
fn exit_codes_and_forms_of_the_command() {
    let (code, text) = cividb(&["diff", SAMPLE]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("schema of CiviCRM 5.81"), "{text}");

    let (code, text) = cividb(&["diff", SAMPLE, "--release", "6.0.3"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("compared with CiviCRM 6.0.3"), "{text}");

    let (code, text) = cividb(&["diff", SAMPLE, "--release", "6.0.3", "--unified"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with(&format!("--- {SAMPLE} ")), "{text}");

    let (code, text) = cividb(&["diff", SAMPLE, "--release", "6.0.3", "--sql"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("\nALTER TABLE `"), "{text}");

    assert_eq!(cividb(&["diff", SAMPLE, "--against", SAMPLE]).0, Some(0));
    assert_eq!(cividb(&["diff", SAMPLE, "--release", "1.9"]).0, Some(2));
    assert_eq!(cividb(&["diff", "Cargo.toml"]).0, Some(2));
    assert_eq!(
        cividb(&["diff", SAMPLE, "--sql", "--format", "json"]).0,
        Some(2)
    );
}

#[test]
fn the_json_report_tells_the_detected_release() {
    for command in ["diff", "check", "verify"] {
        let (_, text) = cividb(&[command, SAMPLE, "--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let detected = &report["civicrm"]["detected"];
        assert_eq!(detected["release"], "5.81", "{command}");
        assert_eq!(detected["state"], "5.81", "{command}");
        assert_eq!(detected["differences"], 0, "{command}");
        assert_eq!(detected["also"], serde_json::json!(["5.82"]), "{command}");
    }
}

#[test]
fn programs_that_the_other_source_has_are_missing_and_what_is_not_compared_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let sample = common::sample();
    let text = common::text(&sample);
    let trigger = "civicrm_activity_before_delete";
    let part = text
        .find(&format!("TRIGGER {trigger} "))
        .expect("the sample has it");
    let begins = text[..part].rfind("DELIMITER ;;").expect("its delimiter");
    let ends = part + text[part..].find("DELIMITER ;\n").expect("its end") + "DELIMITER ;\n".len();
    std::fs::write(folder.path().join("whole.sql"), &sample).unwrap();
    std::fs::write(
        folder.path().join("less.sql"),
        text[..begins].to_owned() + &text[ends..],
    )
    .unwrap();
    let diff = |source: &str, other: &str| {
        let output = common::cividb(folder.path(), &["diff", source, "--against", other]);
        common::text(&output.stdout)
    };
    let less = diff("less.sql", "whole.sql");
    assert!(less.starts_with("FAIL"), "{less}");
    assert!(
        less.contains(&format!("trigger {trigger} is missing, whole.sql has it")),
        "{less}"
    );
    let same = diff("whole.sql", "whole.sql");
    assert!(same.starts_with("PASS"), "{same}");
    for said in [
        "what views, triggers, routines and events do is not compared",
        "CHECK constraints, and whether columns are stored or invisible, are not compared",
    ] {
        assert!(same.contains(said), "{same}");
    }
}
