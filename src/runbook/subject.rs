//! What is known of the site that a runbook is for.

use crate::case::Case;
use crate::checks::Examination;
use crate::cms::{Cms, Platform};
use crate::grants::Verdict;
use crate::preflight::Forecast;
use crate::serialized::Value;
use crate::server::login::Login;
use crate::server_version::{Family, ServerVersion};
use crate::settings::{Defined, Held, ROOT, SettingsFacts, parse_dsn};
use crate::snapshot::Row;
use crate::text::shell_word;

/// How the site's database is reached.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Host name or address; `None` for the socket of the machine.
    pub host: Option<String>,
    /// TCP port.
    pub port: Option<u16>,
    /// Path of a Unix socket.
    pub socket: Option<String>,
    /// Name of the account.
    pub user: Option<String>,
    /// Whether the account has a password.
    pub has_password: bool,
}

/// What is known of the site that a runbook is for.
#[derive(Debug)]
pub struct Subject<'a, 'c> {
    /// The site, with the release that it is to be upgraded to.
    pub case: &'a Case<'c>,
    /// How the upgrade would go.
    pub forecast: &'a Forecast,
    /// What its settings file defines, with a path that is absolute; `None` where that was not read.
    pub settings: Option<&'a SettingsFacts>,
    /// The privileges of the account, where they are known.
    pub privileges: Option<&'a Verdict>,
    /// How the database is reached; `None` of a dump.
    pub connection: Option<&'a Connection>,
    /// What of the rows could not be looked at for the upgrade on paper; `None` where all was.
    pub not_told: Option<String>,
}

impl<'a> Subject<'a, '_> {
    /// The tables of the CMS, where they are beside those of CiviCRM and none of their rows is lost.
    pub fn cms(&self) -> Option<&'a Cms> {
        self.case.cms.as_ref().filter(|_| self.is_whole())
    }

    /// Whether the source reaches to its end.
    pub fn is_whole(&self) -> bool {
        !Examination::of(self.case).ends_early()
    }

    /// Whether the source is a dump, which tells how the site was when it was made.
    pub fn is_dump(&self) -> bool {
        self.case.snapshot.server.is_none()
    }

    /// The rows that were kept of a table; `None` where they could not all be read.
    pub fn rows_of(&self, table: &str) -> Option<&'a [Row]> {
        let snapshot = &self.case.snapshot;
        if snapshot.rows_hidden.contains_key(table) || !self.is_whole() {
            return None;
        }
        Some(snapshot.rows.get(table).map_or(&[], Vec::as_slice))
    }

    /// The account, the server and the database of CIVICRM_DSN, where the settings file was read.
    pub fn dsn(&self) -> Option<Login> {
        parse_dsn(self.setting("CIVICRM_DSN")?.as_bytes()).ok()
    }

    /// The name of CiviCRM's database: as the settings file has it, else as the source does.
    pub fn database(&self) -> Option<String> {
        let of_file = self.dsn().and_then(|dsn| dsn.database);
        of_file.or_else(|| self.case.snapshot.database.clone())
    }

    /// The CMS: as its tables say it, or the settings file, or CiviCRM's own rows; `None` where none of them does.
    pub fn platform(&self) -> Option<Platform> {
        let of_tables = self.case.cms.as_ref().map(|cms| cms.platform);
        let of_settings = || Platform::of_name(&self.setting("CIVICRM_UF")?);
        let of_rows = || {
            let rows = self.case.snapshot.rows.get("civicrm_domain")?;
            let config = rows.first()?.get("config_backend")?.as_deref()?;
            match Value::parse(config)?.get("userSystem")? {
                Value::Object(class, _) => Platform::of_name(std::str::from_utf8(class).ok()?),
                _ => None,
            }
        };
        of_tables.or_else(of_settings).or_else(of_rows)
    }

    /// A constant or variable of the settings file as text.
    pub fn setting(&self, name: &str) -> Option<String> {
        match self.settings?.get(name) {
            Some(Defined {
                held: Held::Text(text),
                ..
            }) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        }
    }

    /// The folder of CiviCRM's code.
    pub fn code(&self) -> Option<String> {
        self.setting(ROOT)
            .map(|path| path.trim_end_matches('/').to_owned())
    }

    /// The folder that goes when the code of another release comes, as a word for a shell in which `CODE` is the folder of
    /// CiviCRM's code. On WordPress that folder is only a part of the plugin, which its packages hold as a whole.
    pub fn exchanged(&self) -> &'static str {
        match self.platform() {
            Some(Platform::WordPress) => "\"$(dirname \"$CODE\")\"",
            _ => "\"$CODE\"",
        }
    }

    /// The folder of the CMS, as far as the place of the settings file tells it.
    pub fn cms_folder(&self) -> Option<String> {
        let folder = self.settings?.path.parent()?;
        let (ends, levels): (&[&str], usize) = match self.platform()? {
            Platform::Drupal6 | Platform::Drupal7 | Platform::Drupal8 => (&["sites"], 2),
            Platform::Backdrop => (&[""], 0),
            Platform::WordPress => (
                &["wp-content/uploads/civicrm", "wp-content/plugins/civicrm"],
                3,
            ),
            Platform::Joomla => (
                &[
                    "administrator/components/com_civicrm",
                    "components/com_civicrm",
                ],
                3,
            ),
            Platform::Standalone => (&["private"], 1),
        };
        let is_there = |end: &&&str| match **end {
            "sites" => folder
                .parent()
                .is_some_and(|above| above.ends_with("sites")),
            "" => true,
            end => folder.ends_with(end),
        };
        let end = ends.iter().find(is_there)?;
        let levels = match *end {
            "components/com_civicrm" => 2,
            _ => levels,
        };
        let root = folder.ancestors().nth(levels)?;
        Some(root.to_string_lossy().into_owned())
    }

    /// The folder of the site below that of Drupal, where it is not the only one, such as `sites/example.org`.
    pub fn site_folder(&self) -> Option<String> {
        let is_drupal = self.platform().is_some_and(Platform::is_drupal);
        let folder = self.settings?.path.parent()?;
        let name = folder.file_name()?.to_string_lossy().into_owned();
        let is_below = folder.parent()?.ends_with("sites");
        (is_drupal && is_below && name != "default").then(|| format!("sites/{name}"))
    }

    /// The folder of compiled templates.
    pub fn compiled(&self) -> Option<String> {
        let folder = self.setting("CIVICRM_TEMPLATE_COMPILEDIR")?;
        Some(folder.trim_end_matches('/').to_owned())
    }

    /// The address of the CMS, with a slash at its end.
    pub fn base_url(&self) -> String {
        let known = self.setting("CIVICRM_UF_BASEURL");
        let known = known.filter(|url| url.starts_with("http"));
        let url = known.unwrap_or_else(|| "https://www.example.org/".to_owned());
        format!("{}/", url.trim_end_matches('/'))
    }

    /// The version from which the upgrade starts, as two numbers; `(0, 0)` where it is not known.
    pub fn from(&self) -> (u32, u32) {
        let from = self.forecast.from.as_ref();
        from.map_or((0, 0), |from| from.major_minor())
    }

    /// The same in words.
    pub fn from_name(&self) -> String {
        let from = self.forecast.from.as_ref();
        from.map_or_else(|| "unknown".to_owned(), ToString::to_string)
    }

    /// The target as two numbers.
    pub fn target(&self) -> (u32, u32) {
        self.forecast.target.major_minor()
    }

    /// The server that the site's database is on; of a dump, the one that it came from.
    pub fn server(&self) -> Option<&'a ServerVersion> {
        self.case.snapshot.source.server_version.as_ref()
    }

    /// Whether that is a MariaDB with programs of its own names (10.5 on).
    pub fn has_mariadb_names(&self) -> bool {
        let server = self.server();
        server.is_some_and(|server| server.at_least(Family::Mariadb, (10, 5, 0)))
    }

    /// Whether what the database says may be overridden by the CMS's settings file, as the end of a sentence.
    pub fn unless_overridden(&self) -> &'static str {
        " (unless a settings file overrides it)"
    }

    /// The number of rows of a table, as far as it is known; 0 where there are none.
    pub fn rows(&self, table: &str) -> u64 {
        let counts = &self.case.snapshot.row_counts;
        counts.get(table).copied().unwrap_or_default()
    }

    /// The serialized value of a setting of CiviCRM in `civicrm_setting`.
    pub fn civicrm_setting(&self, name: &str) -> Option<Value> {
        let rows = self.case.snapshot.rows.get("civicrm_setting")?;
        let mut rows = rows.iter();
        let row = rows.find(|row| {
            row.get("name")
                .is_some_and(|it| it.as_deref() == Some(name.as_bytes()))
        })?;
        Value::parse(row.get("value")?.as_deref()?)
    }

    /// The options by which the clients and dump programs of the servers reach the database, with its name as the last
    /// word.
    pub fn client_options(&self) -> String {
        let database = self.database();
        let connection = self.connection.cloned();
        let connection = connection.or_else(|| self.dsn().map(Connection::from));
        options_of(connection.unwrap_or_default(), database.as_deref())
    }
}

/// The options by which the clients and dump programs of the servers reach a database, with its name as the last word.
pub(super) fn options_of(connection: Connection, database: Option<&str>) -> String {
    let mut options = Vec::new();
    let mut option = |name: &str, value: Option<String>| {
        options.extend(value.map(|value| format!("--{name}={}", shell_word(&value))));
    };
    option("host", connection.host);
    option("port", connection.port.map(|port| port.to_string()));
    option("socket", connection.socket);
    option("user", connection.user);
    if connection.has_password {
        options.push("--password".to_owned());
    }
    options.push(shell_word(database.unwrap_or("civicrm")));
    options.join(" ")
}

impl From<Login> for Connection {
    fn from(login: Login) -> Self {
        Self {
            socket: login.socket.map(|path| path.to_string_lossy().into_owned()),
            has_password: login.password.is_some(),
            host: login.host,
            port: login.port,
            user: login.user,
        }
    }
}
