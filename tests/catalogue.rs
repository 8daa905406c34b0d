//! The embedded catalogue against the states it was made from, and what it answers.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use cividb::civicrm::catalogue::{Catalogue, DeclaredSchema, Installed, Owner, State, States};
use cividb::civicrm::naming::hashed_name;
use cividb::civicrm::release::Version;
use cividb::schema::model::{ByName, DefaultValue, IndexKind, KeyPart, ReferentialAction, Table};
use cividb::source::Location;
use indexmap::IndexMap;

#[path = "../schemas/add.rs"]
mod add;
#[path = "integration/skip.rs"]
mod skip;
#[path = "../schemas/state_file.rs"]
mod state_file;
#[path = "../schemas/upgrade_facts.rs"]
mod upgrade_facts;

fn embedded() -> &'static Catalogue {
    Catalogue::embedded().expect("the embedded catalogue is readable")
}

fn state<'a>(catalogue: &'a Catalogue, name: &str) -> &'a State {
    catalogue
        .state(name)
        .unwrap_or_else(|| panic!("state {name}"))
}

fn version(text: &str) -> Version {
    Version::parse(text).expect("a version")
}

/// The folder of state files, if this machine has it.
fn state_files() -> Option<PathBuf> {
    let shared = env::var_os("CIVIDB_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let folder = shared.join("facts/schemas");
    if folder.is_dir() {
        return Some(folder);
    }
    skip::skip("dumps", format!("no state files in {}", folder.display()));
    None
}

#[test]
fn filtering_the_histories_gives_every_state_file_again() {
    let Some(folder) = state_files() else { return };
    let catalogue = embedded();
    let states = state_file::read_folder(&folder).expect("readable state files");
    // Releases that were added later have no state file.
    assert!(states.len() <= catalogue.states().len());
    for ((expected, schema), state) in states.iter().zip(catalogue.states()) {
        assert_eq!(
            (&expected.name, &expected.read_at, &expected.releases),
            (&state.name, &state.read_at, &state.releases)
        );
        assert!(
            catalogue.declared(state).as_ref() == Some(schema),
            "state {}",
            state.name
        );
    }
}

#[test]
fn filtering_the_histories_gives_what_every_state_file_hashed_to() {
    let hashes: BTreeMap<String, String> =
        serde_json::from_str(include_str!("data/state-hashes.json")).expect("a table of hashes");
    let catalogue = embedded();
    assert_eq!(hashes.len(), catalogue.states().len());
    for state in catalogue.states() {
        let schema = catalogue
            .declared(state)
            .expect("a state of this catalogue");
        let hash = state_file::fingerprint(&schema).expect("a hash");
        assert_eq!(hashes.get(&state.name), Some(&hash), "state {}", state.name);
    }
}

#[test]
fn states_said_to_have_the_same_core_have_it() {
    let Some(folder) = state_files() else { return };
    let index = std::fs::read_to_string(folder.join("INDEX.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_str(&index).expect("JSON");
    let runs: Vec<Vec<String>> = serde_json::from_value(index["identical_core_structure"].clone())
        .expect("runs of minor releases");
    let catalogue = embedded();
    let minors: Vec<&State> = catalogue
        .states()
        .iter()
        .filter(|s| s.name.matches('.').count() == 1)
        .collect();
    for pair in minors.windows(2) {
        let [one, other] = pair else { unreachable!() };
        let expected = runs
            .iter()
            .any(|run| run.contains(&one.name) && run.contains(&other.name))
            // The index knows 6.13 as it was before 6.13.1 (state_file.rs).
            && other.name != "6.13";
        assert_eq!(
            catalogue.same_core(one, other),
            expected,
            "{} and {}",
            one.name,
            other.name
        );
    }
}

#[test]
fn folder_of_histories_is_the_embedded_catalogue_and_is_written_as_it_is_read() {
    let catalogue = embedded();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    assert!(Catalogue::from_folder(&folder).expect("readable") == *catalogue);
    for (name, text) in catalogue.to_files().expect("writable") {
        let file = std::fs::read_to_string(folder.join(&name)).expect("a file of that name");
        assert!(file == text, "{name}");
    }
}

#[test]
fn states_stand_in_the_order_of_their_releases() {
    let catalogue = embedded();
    let releases: Vec<Version> = (catalogue.states().iter())
        .flat_map(|state| &state.releases)
        .map(|release| version(release))
        .collect();
    assert!(releases.len() > 380);
    assert!(releases.is_sorted());
    let minors: Vec<_> = (catalogue.states().iter())
        .map(|s| version(&s.name).major_minor())
        .collect();
    assert!(minors.is_sorted());
}

#[test]
fn every_release_is_served_by_a_state() {
    let catalogue = embedded();
    for (release, expected) in [
        ("4.3.4", Some("4.3.5")),
        ("4.3.11", Some("4.3")),
        ("4.4.21", Some("4.4")),
        ("6.0.1", Some("6.0.2")),
        ("6.0.3", Some("6.0")),
        ("6.0.2", Some("6.0.2")),
        // Never listed: the last state of the minor.
        ("2.2.9", Some("2.2")),
        ("4.6.38", Some("4.6")),
        ("5.81.99", Some("5.81")),
        ("5.82", Some("5.82")),
        ("4.3", Some("4.3")),
        // Before the first point release: the first state of the minor.
        ("4.7.alpha1", Some("4.7.0")),
        ("6.0.beta1", Some("6.0.2")),
        ("5.47.alpha1.upgrade", Some("5.47.2")),
        ("5.81.2.upgrade", Some("5.81")),
        ("1.9.0", None),
        ("5.83.0", None),
        ("99.0.0", None),
        ("7", None),
    ] {
        let served = catalogue
            .state_for(&version(release))
            .map(|state| state.name.as_str());
        assert_eq!(served, expected, "{release}");
    }
}

#[test]
fn schema_of_a_release_in_terms_of_the_model() {
    let catalogue = embedded();
    let release = catalogue.schema(state(catalogue, "4.4.5"));
    let contact = &release.schema.tables["civicrm_contact"];
    assert_eq!(contact.engine.as_deref(), Some("InnoDB"));
    assert_eq!(contact.charset.as_deref(), Some("utf8mb3"));
    assert_eq!(contact.collation.as_deref(), Some("utf8mb3_unicode_ci"));
    assert_eq!(contact.row_format, None);
    assert_eq!(contact.primary_key, [KeyPart::column("id")]);
    assert_eq!(
        contact.columns["preferred_mail_format"].data_type,
        "enum('Text','HTML','Both')"
    );
    assert_eq!(
        contact.columns["modified_date"].default,
        Some(DefaultValue::Expression("CURRENT_TIMESTAMP".into()))
    );
    assert!(contact.columns["modified_date"].on_update_now);
    assert_eq!(
        contact.indexes["UI_external_identifier"].kind,
        IndexKind::Unique
    );
    assert_eq!(
        contact.foreign_keys["FK_civicrm_contact_employer_id"].on_delete,
        ReferentialAction::SetNull
    );
    assert!(!contact.indexes.contains_key("index_created_date"));
    let columns: Vec<&str> = contact.columns.keys().map(String::as_str).collect();
    assert_eq!(
        columns[..4],
        ["id", "contact_type", "contact_sub_type", "do_not_email"]
    );

    let facts = &release.tables["civicrm_contact"];
    assert_eq!(
        (&facts.owner, facts.installed, facts.logged),
        (&Owner::Core, Installed::Always, true)
    );
    assert!(
        facts
            .implied_indexes
            .contains(&"FK_civicrm_contact_employer_id".to_owned())
    );
    let option_value = &release.tables["civicrm_option_value"];
    assert!(
        option_value
            .localizable_columns
            .contains(&"label".to_owned())
    );
    let run_time = &release.tables["civicrm_job_log"].explicit_timestamps["run_time"];
    assert!(run_time.nullable && run_time.default.is_none() && !run_time.on_update_now);
}

#[test]
fn charset_of_a_column_named_only_where_it_is_not_the_tables() {
    let catalogue = embedded();
    let hash = |name: &str| {
        let release = catalogue.schema(state(catalogue, name));
        let (name, column) = (release.schema.tables.values())
            .flat_map(|table| &table.columns)
            .find(|(_, column)| {
                column
                    .collation
                    .as_deref()
                    .is_some_and(|c| c.starts_with("utf8"))
            })
            .expect("a column with a collation of its own");
        (
            name.clone(),
            column.charset.clone(),
            column.collation.clone(),
        )
    };
    assert_eq!(hash("5.20").1, None, "utf8mb3_bin in a utf8mb3 table");
    assert_eq!(
        hash("5.33").1.as_deref(),
        Some("utf8mb3"),
        "utf8mb3_bin in a utf8mb4 table"
    );
    assert_eq!(hash("6.15").1, None, "utf8mb4_bin in a utf8mb4 table");
}

#[test]
fn tables_of_extensions_known_by_owner_and_installation() {
    let catalogue = embedded();
    let release = catalogue.schema(state(catalogue, "5.81"));
    let installed = |table: &str| release.tables[table].installed;
    assert_eq!(
        release.tables["civicrm_grant"].owner,
        Owner::Extension("civigrant".into())
    );
    assert_eq!(installed("civicrm_grant"), Installed::OnRequest);
    assert_eq!(installed("civicrm_search_display"), Installed::ByDefault);
    assert_eq!(installed("civicrm_session"), Installed::OnStandalone);
    let plain = release.plain_install();
    assert!(plain.has_relation("civicrm_search_display") && plain.has_relation("civicrm_contact"));
    assert!(!plain.has_relation("civicrm_grant") && !plain.has_relation("civicrm_session"));

    let [(name, table, facts)] = release.variants.as_slice() else {
        panic!("one variant table in 5.81")
    };
    assert_eq!(name, "civicrm_uf_match");
    assert_eq!(facts.owner, Owner::Extension("standaloneusers".into()));
    assert!(table.columns.contains_key("hashed_password"));
    assert!(
        !release.schema.tables["civicrm_uf_match"]
            .columns
            .contains_key("hashed_password")
    );
    let before = catalogue.schema(state(catalogue, "5.47.2"));
    assert_eq!(
        before.tables["civicrm_grant"].owner,
        Owner::Extension("civigrant".into())
    );
    let before = catalogue.schema(state(catalogue, "5.46"));
    assert_eq!(before.tables["civicrm_grant"].installed, Installed::Always);
}

#[test]
fn history_tells_which_releases_an_item_belongs_to() {
    let catalogue = embedded();
    let contact = catalogue
        .history("CIVICRM_CONTACT")
        .expect("letter case is ignored");
    let said = |name: &str| -> Vec<String> {
        contact
            .column(name)
            .map(|column| catalogue.describe(&column.states))
            .collect()
    };
    assert_eq!(said("mail_to_household_id"), ["up to 3.2"]);
    assert_eq!(said("employer_id"), ["from 2.1 on"]);
    assert_eq!(
        said("image_url"),
        [
            "up to 3.1",
            "3.2 to 4.7.7",
            "4.7.8 to 4.7.9",
            "from 4.7.10 on"
        ]
    );
    assert_eq!(said("greeting_type_id"), ["2.2"]);
    assert_eq!(said("id"), ["every release"]);
    assert_eq!(said("nothing"), Vec::<String>::new());
    // Made localizable in 2.1 and back in 3.4, moved in 5.62: one name, one answer.
    let ever = States::union(contact.column("first_name").map(|column| &column.states));
    assert_eq!(catalogue.describe(&ever), "every release");
    let relationship_cache = catalogue
        .history("civicrm_relationship_cache")
        .expect("a table");
    assert_eq!(
        catalogue.describe(&relationship_cache.states()),
        "from 5.29 on"
    );
    assert!(catalogue.history("civicrm_nothing").is_none());

    // Changed within a minor release.
    let address = catalogue
        .history("civicrm_site_email_address")
        .expect("a table");
    let display_name: Vec<String> = address
        .column("display_name")
        .map(|column| catalogue.describe(&column.states))
        .collect();
    assert_eq!(display_name, ["6.0 to 6.0.2", "from 6.0.3 on"]);
}

#[test]
fn foreign_keys_are_named_by_the_rule_of_their_release() {
    let catalogue = embedded();
    for state in catalogue.states() {
        let release = catalogue.schema(state);
        let mut hashed_names = 0;
        for (table, shape) in &release.schema.tables {
            for (name, key) in &shape.foreign_keys {
                let long = format!("{table}_{}", key.columns[0]);
                let hashed = hashed_name(&long).filter(|_| version(&state.name) >= version("6.0"));
                hashed_names += usize::from(hashed.is_some());
                let rest = hashed.unwrap_or(long);
                assert_eq!(*name, format!("FK_{rest}"), "{}", state.name);
            }
        }
        assert_eq!(
            hashed_names,
            if version(&state.name) >= version("6.0") {
                9
            } else {
                0
            }
        );
    }
}

#[test]
fn faults_in_a_catalogue_are_named_with_their_file() {
    let releases = r#"{"states":[{"name":"1.0","read_at":"1.0","releases":[]},{"name":"2.0","read_at":"2.0","releases":[]}],
        "defaults":[{"engine":"InnoDB","charset":"utf8mb4","collation":"utf8mb4_bin"}],"extensions":[]}"#;
    let table = |option: &str| {
        format!(
            r#"{{"name":"t","table":[{{"owner":"core",{option}}}],"columns":[],"indexes":[],"foreign_keys":[]}}"#
        )
    };
    let load = |text: &str| Catalogue::from_json(releases, [("t.json", text)].into_iter());
    assert!(load(&table(r#""in":"1.0..""#)).is_ok());
    for (option, fault) in [
        (r#""in":"3.0""#, "t.json: no state is named `3.0`"),
        (
            r#""in":"2.0..1.0""#,
            "t.json: the states `2.0..1.0` are not in ascending order",
        ),
        (
            r#""in":"1.0.., 2.0""#,
            "t.json: the states `1.0.., 2.0` are not in ascending order",
        ),
        (r#""remark":"x""#, "t.json: unknown field `remark`"),
        (r#""in":1"#, "t.json: invalid type: integer `1`"),
    ] {
        let error = load(&table(option)).expect_err(option).to_string();
        assert!(error.starts_with(fault), "{error}");
    }
    let error = Catalogue::from_json("{", [].into_iter())
        .expect_err("not JSON")
        .to_string();
    assert!(error.starts_with("releases.json: EOF"), "{error}");
    let error = Catalogue::from_folder(Path::new("/nonexistent"))
        .expect_err("no folder")
        .to_string();
    assert!(error.starts_with("cannot read /nonexistent"), "{error}");
}

/// The folder of step files, if this machine has it.
fn step_files() -> Option<PathBuf> {
    let folder = state_files()?.parent()?.join("upgrade-steps");
    folder.is_dir().then_some(folder)
}

#[test]
fn the_steps_are_what_the_facts_give() {
    let Some(folder) = step_files() else { return };
    let mut steps = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let facts = std::fs::read_to_string(&path).expect("text");
        let (name, text) = upgrade_facts::step(&facts).expect("facts");
        let embedded = cividb::civicrm::upgrade::steps::embedded();
        let known = embedded.iter().find(|known| known.name == name);
        assert_eq!(known.map(|known| known.text), Some(text.as_str()), "{name}");
        steps += 1;
    }
    let embedded = cividb::civicrm::upgrade::steps::embedded();
    assert_eq!(steps, embedded.len());
}

#[test]
fn facts_that_steps_have_no_place_for_are_refused() {
    let facts = |op: &str| {
        format!(
            r#"{{"revision": "6.16.alpha1", "shipped_in": ["6.16.alpha1", null], "tasks": [
                {{"task": "t", "kind": "php", "where": "php SixSixteen.php f", "ops": [{op}]}}]}}"#
        )
    };
    let drop = r#"{"op": "drop_index", "table": "civicrm_a", "name": "UI_a", "note": "words"}"#;
    let (name, text) = upgrade_facts::step(&facts(drop)).expect("a step");
    assert_eq!(name, "6.16.alpha1");
    assert!(!text.contains("words"), "{text}");
    let error = upgrade_facts::step(&facts(r#"{"op": "drop_index", "table": "civicrm_a"}"#));
    let error = error.expect_err("a name is missing").to_string();
    assert!(
        error.contains("operation drop_index needs the key `name`"),
        "{error}"
    );
    let error = upgrade_facts::step(&facts(r#"{"op": "fly", "table": "civicrm_a"}"#));
    assert!(error.is_err());
}

/// The tables of a release as `cividb reference show` prints them, read back.
fn printed(release: &str) -> ByName<Table> {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["reference", "show", release, "--sql"])
        .output()
        .expect("cividb runs");
    let file = folder.path().join("civicrm.sql");
    std::fs::write(&file, output.stdout).expect("a file");
    let snapshot = Location::of(file).read(None, &mut |_| {}).expect("a dump");
    snapshot.schema.tables
}

/// All states up to one of this name.
fn states_until(catalogue: &Catalogue, name: &str) -> Vec<(State, DeclaredSchema)> {
    let last = state(catalogue, name).place();
    let states = catalogue.states().iter().take(last + 1);
    states
        .map(|state| (state.clone(), catalogue.declared(state).expect("declared")))
        .collect()
}

/// The name of each state and the hash of its schema.
fn fingerprints(states: &[(State, DeclaredSchema)]) -> Vec<(String, String)> {
    let hash = |schema| state_file::fingerprint(schema).expect("a hash");
    let states = states.iter();
    states
        .map(|(state, schema)| (state.name.clone(), hash(schema)))
        .collect()
}

fn hash_file(fingerprints: &[(String, String)]) -> String {
    let hashes: IndexMap<&String, &String> = fingerprints.iter().map(|(a, b)| (a, b)).collect();
    let text = serde_json::to_string(&hashes).expect("JSON");
    let text = text.replace("\",\"", "\",\n \"").replace("\":\"", "\": \"");
    text.replace('{', "{\n ").replace('}', "\n}\n")
}

#[test]
fn a_release_taken_away_and_added_from_its_sql_gives_the_same_files() {
    let catalogue = embedded();
    let newest = &catalogue.states().last().expect("a state").name;
    let all = states_until(catalogue, newest);
    let fingerprints = fingerprints(&all);
    let count = match env::var_os("CIVIDB_TEST_ALL") {
        Some(_) => 5,
        None => 2,
    };
    let samples = [
        ("6.15", None),
        // A new table: that it is one to be logged is not in its SQL.
        ("6.7", Some("civicrm_translation_source")),
        ("6.12", None),
        ("6.2", None),
        ("5.81", None),
    ];
    for (name, logged) in samples.into_iter().take(count) {
        let releases = match &state(catalogue, name).releases[..] {
            [] => vec![state(catalogue, name).read_at.clone()],
            releases => releases.to_vec(),
        };
        let last = state(catalogue, name).place();
        let expected = Catalogue::from_states(all[..=last].to_vec());
        let expected_hashes = hash_file(&fingerprints[..=last]);
        let mut hashes = hash_file(&fingerprints[..last]);
        let mut shorter = Catalogue::from_states(all[..last].to_vec());
        let tables = printed(name);
        for release in releases {
            let facts = add::Facts {
                logged: logged.into_iter().map(str::to_owned).collect(),
                ..add::Facts::default()
            };
            let added = add::add(&shorter, &hashes, &release, &tables, &facts).expect("added");
            (shorter, hashes) = (added.catalogue, added.hashes);
        }
        let files = shorter.to_files().expect("files");
        let expected = expected.to_files().expect("files");
        assert_eq!(files.len(), expected.len(), "{name}");
        for ((file, text), (expected_file, expected)) in files.iter().zip(&expected) {
            assert_eq!(file, expected_file, "{name}");
            // The state was read at a beta or a branch where its release has another number.
            if file != "releases.json" || name == "6.15" {
                assert_eq!(text, expected, "{name}: {file}");
            }
        }
        assert!(hashes == expected_hashes, "{name}");
    }
    // The last of all is what lies in the folder.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = std::fs::read_to_string(folder.join("tests/data/state-hashes.json"));
    assert!(kept.expect("a file") == hash_file(&fingerprints));
}

#[test]
fn an_added_release_keeps_what_sql_does_not_say() {
    let catalogue = embedded();
    let newest = catalogue.states().last().expect("a state");
    let hashes = include_str!("data/state-hashes.json");
    let mut tables = printed(&newest.name);
    // As a server prints them: in another order.
    for table in tables.values_mut() {
        table.indexes.reverse();
        table.foreign_keys.reverse();
    }
    let mut facts = add::Facts::default();
    let same = add::add(catalogue, hashes, "98.0.0", &tables, &facts).expect("added");
    assert_eq!(same.news, Vec::<String>::new());
    let last = same.catalogue.states().last().expect("a state");
    assert_eq!(
        (&last.name[..], &last.releases[..]),
        ("98.0", &["98.0.0".to_owned()][..])
    );
    assert_eq!(same.catalogue.declared(last), catalogue.declared(newest));

    // A later point release of another shape splits the minor release.
    let acl = tables["civicrm_acl"].clone();
    tables.insert("civicrm_new".to_owned(), acl);
    facts
        .extensions
        .insert("civicrm_new".to_owned(), "new".to_owned());
    facts.localizable.insert("civicrm_new.name".to_owned());
    let split = add::add(&same.catalogue, &same.hashes, "98.0.1", &tables, &facts).expect("added");
    let names: Vec<&str> = split
        .catalogue
        .states()
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(names[names.len() - 2..], ["98.0.0", "98.0"]);
    assert!(split.hashes.contains("\"98.0.0\"") && split.hashes.contains("\"98.0\""));
    assert!(
        split
            .news
            .contains(&"new table civicrm_new: ext:new, not to be logged".to_owned())
    );
    assert!(
        split
            .news
            .contains(&"new column civicrm_new.name, localizable".to_owned())
    );
    let last = split.catalogue.states().last().expect("a state");
    let owner = Owner::Extension("new".to_owned());
    assert_eq!(
        split.catalogue.installed(last, &owner),
        Installed::ByDefault
    );

    for known in ["98.0.1", "98.0.0"] {
        let error = add::add(&split.catalogue, &split.hashes, known, &tables, &facts);
        assert!(error.is_err(), "{known}");
    }
}
