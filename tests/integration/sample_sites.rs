//! Small sites of every CMS, made here: the tables of the CMS and those few of CiviCRM that say something of the site.

use std::fmt::Write as _;

/// A value as PHP serializes a text.
pub fn s(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

/// An array of PHP, with values that are serialized already.
pub fn array(entries: &[(&str, &str)]) -> String {
    let mut text = format!("a:{}:{{", entries.len());
    for (key, value) in entries {
        text += &s(key);
        text += value;
    }
    text + "}"
}

/// A list of PHP.
pub fn list(values: &[&str]) -> String {
    let mut text = format!("a:{}:{{", values.len());
    for (at, value) in values.iter().enumerate() {
        text += &format!("i:{at};{}", s(value));
    }
    text + "}"
}

/// The CMS of a sample site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Drupal6,
    Drupal7,
    Drupal10,
    Backdrop,
    WordPress,
    Joomla,
    Standalone,
}

use Kind::{Backdrop, Drupal6, Drupal7, Drupal10, Joomla, Standalone, WordPress};

pub const ALL: [Kind; 7] = [
    Drupal6, Drupal7, Drupal10, Backdrop, WordPress, Joomla, Standalone,
];

type Cells = Vec<(&'static str, Option<String>)>;

/// A site: tables with their columns, and rows.
#[derive(Clone, Debug)]
pub struct Site {
    pub kind: Kind,
    pub release: &'static str,
    tables: Vec<(String, Vec<(&'static str, &'static str)>)>,
    rows: Vec<(String, Cells)>,
}

const TEXT: &str = "longtext";
const NAME: &str = "varchar(191) NOT NULL DEFAULT ''";
const NUMBER: &str = "int(11) NOT NULL DEFAULT 0";
const BLOB: &str = "longblob";
const TIME: &str = "datetime DEFAULT NULL";

/// A permission that visitors need.
pub const UNSUBSCRIBE: &str = "access CiviMail subscribe/unsubscribe pages";

/// What Joomla's groups may do: all may unsubscribe.
pub const JOOMLA_RULES: &str = r#"{"core.admin":[],"civicrm.access_civimail_subscribe_unsubscribe_pages":{"1":1},"civicrm.access_civicrm":{"2":1}}"#;

/// The roles of WordPress, of which that of visitors may unsubscribe as `may` says.
pub fn wordpress_roles(may: &str) -> String {
    let capabilities = array(&[
        ("access_civimail_subscribe_unsubscribe_pages", may),
        ("view_event_info", "b:1;"),
    ]);
    let visitor = array(&[
        ("name", &s("Anonymous User")),
        ("capabilities", &capabilities),
    ]);
    let capabilities = array(&[("access_civicrm", "b:1;")]);
    let editor = array(&[("name", &s("Editor")), ("capabilities", &capabilities)]);
    array(&[("editor", &editor), ("anonymous_user", &visitor)])
}

impl Site {
    /// A site on which nothing is wrong.
    pub fn healthy(kind: Kind) -> Self {
        let release = match kind {
            Drupal6 => "4.2.16",
            Drupal7 => "4.4.21",
            Drupal10 => "5.81.2",
            Backdrop => "5.45.3",
            WordPress => "5.69.5",
            Joomla => "4.6.36",
            Standalone => "6.4.1",
        };
        let mut site = Self {
            kind,
            release,
            tables: Vec::new(),
            rows: Vec::new(),
        };
        site.civicrm();
        site.cms();
        site
    }

    /// The CMS alone, to be put beside the tables of a real CiviCRM.
    pub fn only_cms(kind: Kind) -> Self {
        let mut site = Self {
            kind,
            release: "",
            tables: Vec::new(),
            rows: Vec::new(),
        };
        site.cms();
        site
    }

    /// The prefix of the CMS's tables.
    pub fn prefix(&self) -> &'static str {
        match self.kind {
            Drupal7 => "dr_",
            WordPress => "wp_",
            Joomla => "jos_",
            _ => "",
        }
    }

    fn is_before_4_7(&self) -> bool {
        matches!(self.kind, Drupal6 | Drupal7 | Joomla)
    }

    /// Whether the release keeps when jobs ended.
    pub fn has_ends_of_jobs(&self) -> bool {
        matches!(self.kind, Drupal10 | Standalone)
    }

    /// The table and the column with the numbers of the CMS's accounts.
    pub fn accounts(&self) -> (String, &'static str) {
        let column = match self.kind {
            WordPress => "ID",
            Joomla => "id",
            _ => "uid",
        };
        (format!("{}users", self.prefix()), column)
    }

    fn users(&mut self) {
        let (table, column) = self.accounts();
        let name = match self.kind {
            WordPress => "user_login",
            Joomla => "username",
            _ => "name",
        };
        self.table(&table, &[(column, NUMBER), (name, NAME)]);
        for id in ["1", "5", "6", "7"] {
            self.add(&table, &[(column, id), (name, &format!("user{id}"))]);
        }
    }

    pub fn table(&mut self, name: &str, columns: &[(&'static str, &'static str)]) {
        self.tables.push((name.to_owned(), columns.to_vec()));
    }

    /// Adds a row.
    pub fn add(&mut self, table: &str, cells: &[(&'static str, &str)]) {
        let cells = cells
            .iter()
            .map(|(name, value)| (*name, Some((*value).to_owned())));
        self.rows.push((table.to_owned(), cells.collect()));
    }

    /// Takes the rows out whose column has this value.
    pub fn remove(&mut self, table: &str, key: (&str, &str)) {
        let before = self.rows.len();
        self.rows
            .retain(|(of, cells)| of != table || !has(cells, key));
        assert!(self.rows.len() < before, "{table} {key:?}");
    }

    /// Changes a column of the rows whose other column has this value.
    pub fn set(&mut self, table: &str, key: (&str, &str), column: &str, value: &str) {
        let rows = self.rows.iter_mut();
        let mut found = false;
        for (_, cells) in rows.filter(|(of, cells)| of == table && has(cells, key)) {
            let cell = cells.iter_mut().find(|(name, _)| *name == column);
            cell.expect("the column").1 = Some(value.to_owned());
            found = true;
        }
        assert!(found, "{table} {key:?}");
    }

    /// Sets a setting of CiviCRM to a serialized value.
    pub fn setting(&mut self, name: &str, value: &str) {
        self.rows
            .retain(|(of, cells)| of != "civicrm_setting" || !has(cells, ("name", name)));
        self.add(
            "civicrm_setting",
            &[("name", name), ("value", value), ("domain_id", "1")],
        );
    }

    /// Sets the settings of CiviCRM that 4.6 and earlier keep in one column.
    pub fn config(&mut self, entries: &[(&str, &str)]) {
        self.set(
            "civicrm_domain",
            ("id", "1"),
            "config_backend",
            &array(entries),
        );
    }

    /// Turns a module or plugin on, with what the CMS keeps of it.
    pub fn module(&mut self, name: &str, more: &[(&str, &str)]) {
        let prefix = self.prefix();
        match self.kind {
            Drupal6 | Drupal7 | Backdrop => {
                let table = format!("{prefix}system");
                let file = format!("sites/all/modules/{name}/{name}.module");
                self.add(
                    &table,
                    &[
                        ("filename", &file),
                        ("name", name),
                        ("type", "module"),
                        ("status", "1"),
                        ("schema_version", "0"),
                        ("info", &array(more)),
                    ],
                );
            }
            WordPress => {
                let files = list(&["civicrm/civicrm.php", &format!("{name}/{name}.php")]);
                self.set(
                    "wp_options",
                    ("option_name", "active_plugins"),
                    "option_value",
                    &files,
                );
            }
            Joomla => self.add(
                "jos_extensions",
                &[
                    ("extension_id", "900"),
                    ("type", "plugin"),
                    ("element", name),
                    ("folder", "system"),
                    ("enabled", "1"),
                ],
            ),
            Drupal10 => {
                let modules = array(&[("civicrm", "i:0;"), (name, "i:0;")]);
                let data = array(&[("module", &modules)]);
                self.set("config", ("name", "core.extension"), "data", &data);
            }
            Standalone => unreachable!("it has no modules"),
        }
    }

    fn civicrm(&mut self) {
        let is_old = self.is_before_4_7();
        let mut domain = vec![
            ("id", NUMBER),
            ("name", NAME),
            ("version", NAME),
            ("locales", TEXT),
        ];
        let mut setting = vec![
            ("id", NUMBER),
            ("name", NAME),
            ("value", TEXT),
            ("domain_id", NUMBER),
        ];
        if is_old {
            domain.push(("config_backend", TEXT));
            setting.push(("group_name", NAME));
        }
        self.table("civicrm_domain", &domain);
        self.table("civicrm_setting", &setting);
        self.table("civicrm_contact", &[("id", NUMBER)]);
        let mut job = vec![
            ("id", NUMBER),
            ("name", NAME),
            ("api_entity", NAME),
            ("api_action", NAME),
            ("is_active", NUMBER),
            ("last_run", TIME),
        ];
        if self.has_ends_of_jobs() {
            job.push(("last_run_end", TIME));
        }
        self.table("civicrm_job", &job);
        self.table(
            "civicrm_menu",
            &[
                ("id", NUMBER),
                ("path", NAME),
                ("access_callback", NAME),
                ("page_callback", NAME),
            ],
        );
        let mut uf_match = vec![
            ("id", NUMBER),
            ("domain_id", NUMBER),
            ("uf_id", NUMBER),
            ("uf_name", NAME),
            ("contact_id", NUMBER),
        ];
        if self.kind == Standalone {
            uf_match.push(("hashed_password", NAME));
        }
        self.table("civicrm_uf_match", &uf_match);
        for (id, account, contact) in [("1", "1", "1"), ("2", "5", "2"), ("3", "6", "3")] {
            self.add(
                "civicrm_uf_match",
                &[
                    ("id", id),
                    ("domain_id", "1"),
                    ("uf_id", account),
                    ("uf_name", &format!("user{account}")),
                    ("contact_id", contact),
                ],
            );
        }
        for (id, path, page) in [
            (
                "1",
                "civicrm/dashboard",
                "s:26:\"CRM_Contact_Page_DashBoard\";",
            ),
            (
                "2",
                "civicrm/event/info",
                "s:23:\"CRM_Event_Page_EventInfo\";",
            ),
        ] {
            let page = page.replace("s:23", "s:24");
            self.add(
                "civicrm_menu",
                &[
                    ("id", id),
                    ("path", path),
                    ("access_callback", &s("1")),
                    ("page_callback", &page),
                ],
            );
        }
        self.table(
            "civicrm_extension",
            &[("id", NUMBER), ("full_name", NAME), ("is_active", NUMBER)],
        );
        self.table("civicrm_mailing", &[("id", NUMBER)]);
        self.table(
            "civicrm_mailing_job",
            &[("id", NUMBER), ("status", NAME), ("is_test", NUMBER)],
        );
        self.table(
            "civicrm_option_value",
            &[("id", NUMBER), ("name", NAME), ("value", TEXT)],
        );
        let config = array(&[
            ("debug", "i:0;"),
            ("backtrace", "i:0;"),
            ("lcMessages", &s("en_US")),
        ]);
        let mut cells = vec![("id", "1"), ("name", "Sample"), ("version", self.release)];
        if is_old {
            cells.push(("config_backend", &config));
        }
        self.add("civicrm_domain", &cells);
        self.setting("mailing_backend", &array(&[("outBound_option", &s("0"))]));
        self.setting("lcMessages", &s("en_US"));
        let resources = match is_old {
            true => s("https://www.example.org/sites/all/modules/civicrm"),
            false => s("[civicrm.root]/"),
        };
        self.setting("userFrameworkResourceURL", &resources);
        self.setting("uploadDir", &s("/var/www/site/files/civicrm/upload/"));
        if !is_old {
            self.setting("debug_enabled", "i:0;");
        }
        self.add("civicrm_contact", &[("id", "1")]);
        self.add("civicrm_mailing", &[("id", "1")]);
        self.add(
            "civicrm_mailing_job",
            &[("id", "1"), ("status", "Complete"), ("is_test", "0")],
        );
        let today = today();
        let mut job = vec![
            ("id", "1"),
            ("name", "Scheduled Running"),
            ("api_entity", "Job"),
            ("api_action", "process_mailing"),
            ("is_active", "1"),
            ("last_run", today.as_str()),
        ];
        if self.has_ends_of_jobs() {
            job.push(("last_run_end", &today));
        }
        self.add("civicrm_job", &job);
        self.add(
            "civicrm_extension",
            &[
                ("id", "1"),
                ("full_name", "org.example.own"),
                ("is_active", "1"),
            ],
        );
    }

    fn cms(&mut self) {
        let prefix = self.prefix();
        if self.kind != Standalone {
            self.users();
        }
        match self.kind {
            Drupal6 | Drupal7 | Backdrop => self.drupal(prefix),
            Drupal10 => {
                self.table(
                    "config",
                    &[("collection", NAME), ("name", NAME), ("data", BLOB)],
                );
                self.table(
                    "key_value",
                    &[("collection", NAME), ("name", NAME), ("value", BLOB)],
                );
                let page = array(&[("403", &s("")), ("404", &s("")), ("front", &s("/node"))]);
                self.add(
                    "config",
                    &[
                        ("name", "system.site"),
                        ("data", &array(&[("page", &page)])),
                    ],
                );
                let modules = array(&[("civicrm", "i:0;"), ("node", "i:0;"), ("views", "i:10;")]);
                self.add(
                    "config",
                    &[
                        ("name", "core.extension"),
                        ("data", &array(&[("module", &modules)])),
                    ],
                );
                for (id, label, is_admin, permissions) in [
                    (
                        "anonymous",
                        "Anonymous user",
                        "b:0;",
                        list(&["access content", UNSUBSCRIBE]),
                    ),
                    ("editor", "Editor", "b:0;", list(&["access CiviCRM"])),
                    ("administrator", "Administrator", "b:1;", list(&[])),
                ] {
                    let role = array(&[
                        ("id", &s(id)),
                        ("label", &s(label)),
                        ("is_admin", is_admin),
                        ("permissions", &permissions),
                    ]);
                    let name = format!("user.role.{id}");
                    self.add("config", &[("name", &name), ("data", &role)]);
                }
                self.add(
                    "key_value",
                    &[
                        ("collection", "state"),
                        ("name", "system.maintenance_mode"),
                        ("value", "b:0;"),
                    ],
                );
            }
            WordPress => {
                self.table(
                    "wp_options",
                    &[
                        ("option_id", NUMBER),
                        ("option_name", NAME),
                        ("option_value", TEXT),
                        ("autoload", NAME),
                    ],
                );
                self.table(
                    "wp_posts",
                    &[
                        ("ID", NUMBER),
                        ("post_content", TEXT),
                        ("post_name", NAME),
                        ("post_type", NAME),
                    ],
                );
                for (at, (name, value)) in [
                    (
                        "active_plugins",
                        list(&["civicrm/civicrm.php", "akismet/akismet.php"]),
                    ),
                    ("show_on_front", "page".to_owned()),
                    ("page_on_front", "2".to_owned()),
                    ("wp_user_roles", wordpress_roles("b:1;")),
                ]
                .iter()
                .enumerate()
                {
                    self.add(
                        "wp_options",
                        &[
                            ("option_id", &at.to_string()),
                            ("option_name", name),
                            ("option_value", value),
                        ],
                    );
                }
                for (id, name, content) in [
                    ("2", "welcome", "Welcome."),
                    ("3", "civicrm", "Do not delete this page."),
                    ("4", "join", "[civicrm component=\"contribution\" id=\"1\"]"),
                ] {
                    self.add(
                        "wp_posts",
                        &[
                            ("ID", id),
                            ("post_content", content),
                            ("post_name", name),
                            ("post_type", "page"),
                        ],
                    );
                }
            }
            Joomla => {
                self.table(
                    "jos_extensions",
                    &[
                        ("extension_id", NUMBER),
                        ("type", NAME),
                        ("element", NAME),
                        ("folder", NAME),
                        ("enabled", NUMBER),
                    ],
                );
                self.table(
                    "jos_menu",
                    &[
                        ("id", NUMBER),
                        ("link", NAME),
                        ("home", NUMBER),
                        ("published", NUMBER),
                        ("client_id", NUMBER),
                    ],
                );
                self.table(
                    "jos_assets",
                    &[
                        ("id", NUMBER),
                        ("name", NAME),
                        ("title", NAME),
                        ("rules", TEXT),
                    ],
                );
                self.add(
                    "jos_assets",
                    &[
                        ("id", "90"),
                        ("name", "com_civicrm"),
                        ("title", "CiviCRM"),
                        ("rules", JOOMLA_RULES),
                    ],
                );
                self.table(
                    "jos_usergroups",
                    &[("id", NUMBER), ("parent_id", NUMBER), ("title", NAME)],
                );
                for (id, above, title) in [
                    ("1", "0", "Public"),
                    ("2", "1", "Registered"),
                    ("9", "1", "Guest"),
                ] {
                    self.add(
                        "jos_usergroups",
                        &[("id", id), ("parent_id", above), ("title", title)],
                    );
                }
                for (id, kind, element, folder) in [
                    ("800", "component", "com_civicrm", ""),
                    ("801", "plugin", "civicrm", "user"),
                    ("802", "plugin", "civicrmsys", "system"),
                    ("803", "component", "com_content", ""),
                ] {
                    self.add(
                        "jos_extensions",
                        &[
                            ("extension_id", id),
                            ("type", kind),
                            ("element", element),
                            ("folder", folder),
                            ("enabled", "1"),
                        ],
                    );
                }
                for (id, link, home) in [
                    ("101", "index.php?option=com_content&view=featured", "1"),
                    (
                        "102",
                        "index.php?option=com_civicrm&task=civicrm/event/info",
                        "0",
                    ),
                ] {
                    self.add(
                        "jos_menu",
                        &[
                            ("id", id),
                            ("link", link),
                            ("home", home),
                            ("published", "1"),
                            ("client_id", "0"),
                        ],
                    );
                }
            }
            Standalone => {
                self.table(
                    "civicrm_user_role",
                    &[("id", NUMBER), ("user_id", NUMBER), ("role_id", NUMBER)],
                );
                self.table(
                    "civicrm_role",
                    &[("id", NUMBER), ("name", NAME), ("permissions", TEXT)],
                );
                let all = format!("\u{1}{UNSUBSCRIBE}\u{1}view event info\u{1}");
                for (id, name, permissions) in [
                    ("1", "everyone", all.as_str()),
                    ("2", "staff", "\u{1}access CiviCRM\u{1}"),
                ] {
                    self.add(
                        "civicrm_role",
                        &[("id", id), ("name", name), ("permissions", permissions)],
                    );
                }
            }
        }
    }

    fn drupal(&mut self, prefix: &str) {
        let mut system = vec![
            ("filename", NAME),
            ("name", NAME),
            ("type", NAME),
            ("owner", NAME),
            ("status", NUMBER),
            ("bootstrap", NUMBER),
            ("schema_version", NUMBER),
            ("weight", NUMBER),
            ("info", BLOB),
        ];
        if self.kind == Drupal6 {
            system.push(("throttle", NUMBER));
        }
        self.table(&format!("{prefix}system"), &system);
        let core = match self.kind {
            Drupal6 => "6.38",
            Drupal7 => "7.67",
            _ => "1.27.0",
        };
        let civicrm = match self.kind {
            Backdrop => "modules/civicrm/backdrop/civicrm.module",
            _ => "sites/all/modules/civicrm/drupal/civicrm.module",
        };
        let info = array(&[("name", &s("CiviCRM")), ("package", &s("CiviCRM"))]);
        let of_core = array(&[("package", &s("Core")), ("version", &s(core))]);
        let views = array(&[
            ("package", &s("Views")),
            ("version", &s("7.x-3.8")),
            ("php", &s("5.2")),
        ]);
        let off = array(&[
            ("package", &s("CiviCRM")),
            ("dependencies", &list(&["civicrm"])),
        ]);
        for (file, name, status, version, info) in [
            (
                "modules/system/system.module",
                "system",
                "1",
                "7078",
                &of_core,
            ),
            (civicrm, "civicrm", "1", "7400", &info),
            (
                "sites/all/modules/views/views.module",
                "views",
                "1",
                "7302",
                &views,
            ),
            (
                "sites/all/modules/civicrm/drupal/modules/civicrm_rules/civicrm_rules.module",
                "civicrm_rules",
                "0",
                "-1",
                &off,
            ),
        ] {
            self.add(
                &format!("{prefix}system"),
                &[
                    ("filename", file),
                    ("name", name),
                    ("type", "module"),
                    ("status", status),
                    ("schema_version", version),
                    ("info", info),
                ],
            );
        }
        if self.kind == Backdrop {
            self.table("state", &[("name", NAME), ("value", BLOB)]);
            self.add("state", &[("name", "maintenance_mode"), ("value", "i:0;")]);
            return;
        }
        self.table(
            &format!("{prefix}variable"),
            &[("name", NAME), ("value", BLOB)],
        );
        let (offline, front) = match self.kind {
            Drupal6 => ("site_offline", "node"),
            _ => ("maintenance_mode", "node"),
        };
        let variable = format!("{prefix}variable");
        self.add(&variable, &[("name", offline), ("value", "i:0;")]);
        self.add(
            &variable,
            &[("name", "site_frontpage"), ("value", &s(front))],
        );
        self.table(&format!("{prefix}role"), &[("rid", NUMBER), ("name", NAME)]);
        for (rid, name) in [
            ("1", "anonymous user"),
            ("2", "authenticated user"),
            ("3", "administrator"),
        ] {
            self.add(&format!("{prefix}role"), &[("rid", rid), ("name", name)]);
        }
        let unsubscribe = UNSUBSCRIBE;
        let router = format!("{prefix}menu_router");
        self.table(
            &router,
            &[
                ("path", NAME),
                ("page_callback", NAME),
                ("access_callback", NAME),
            ],
        );
        for path in ["civicrm", "node"] {
            self.add(
                &router,
                &[
                    ("path", path),
                    ("page_callback", "a"),
                    ("access_callback", "1"),
                ],
            );
        }
        match self.kind {
            Drupal6 => {
                self.table(
                    "permission",
                    &[("pid", NUMBER), ("rid", NUMBER), ("perm", TEXT)],
                );
                for (rid, perm) in [
                    (
                        "1",
                        format!("access content, {unsubscribe}, register for events"),
                    ),
                    ("2", "access content, access Contact Dashboard".to_owned()),
                    (
                        "3",
                        "access CiviCRM, administer CiviCRM, access all custom data".to_owned(),
                    ),
                ] {
                    self.add("permission", &[("pid", rid), ("rid", rid), ("perm", &perm)]);
                }
            }
            _ => {
                self.table(
                    "dr_role_permission",
                    &[("rid", NUMBER), ("permission", NAME), ("module", NAME)],
                );
                for (rid, permission, module) in [
                    ("1", unsubscribe, "civicrm"),
                    ("1", "register for events", "civicrm"),
                    ("1", "access content", "node"),
                    ("3", "access CiviCRM", "civicrm"),
                    ("3", "administer CiviCRM", "civicrm"),
                ] {
                    self.add(
                        "dr_role_permission",
                        &[("rid", rid), ("permission", permission), ("module", module)],
                    );
                }
            }
        }
    }

    /// The tables and rows as statements.
    pub fn statements(&self) -> String {
        let mut text = String::new();
        for (name, columns) in &self.tables {
            let columns = columns
                .iter()
                .map(|(name, kind)| format!("  `{name}` {kind}"));
            let columns: Vec<String> = columns.collect();
            writeln!(
                text,
                "CREATE TABLE `{name}` (\n{}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;",
                columns.join(",\n")
            )
            .expect("a table");
        }
        for (table, cells) in &self.rows {
            let names: Vec<String> = cells.iter().map(|(name, _)| format!("`{name}`")).collect();
            let values = cells.iter().map(|(_, value)| match value {
                None => "NULL".to_owned(),
                Some(value) => format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'")),
            });
            let values: Vec<String> = values.collect();
            writeln!(
                text,
                "INSERT INTO `{table}` ({}) VALUES ({});",
                names.join(", "),
                values.join(", ")
            )
            .expect("a row");
        }
        text
    }

    /// A dump of the site, made now.
    pub fn dump(&self) -> String {
        format!(
            "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n--\n-- Host: localhost    Database: site\n\
             -- ------------------------------------------------------\n-- Server version\t5.7.37\n\
             /*!40101 SET NAMES utf8mb4 */;\n{}-- Dump completed on {}\n",
            self.statements(),
            today()
        )
    }
}

fn has(cells: &Cells, (column, value): (&str, &str)) -> bool {
    let mut cells = cells.iter();
    cells.any(|(name, held)| *name == column && held.as_deref() == Some(value))
}

/// This day, as servers write a time.
pub fn today() -> String {
    days_ago(0)
}

/// The day so many days ago.
pub fn days_ago(days: i64) -> String {
    let day = time::OffsetDateTime::now_utc() - time::Duration::days(days);
    format!("{} 02:00:07", day.date())
}
