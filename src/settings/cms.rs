//! The CMS's own settings file, beside CiviCRM's: the database that it names.

use std::path::{Path, PathBuf};

use super::dsn;
use super::error::SettingsError;
use super::php::{self, Lexeme, StringPart, Token};
use super::script::Interpreter;
use super::text;
use super::value::Value;

/// How many folders above CiviCRM's file that of WordPress may be: it lies in the root folder or in the one around it.
const WORDPRESS_ABOVE: usize = 5;

/// What the settings file of the CMS says of its database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CmsSettings {
    /// The path of the file.
    pub path: PathBuf,
    /// The database; `None` where only PHP can tell.
    pub database: Option<String>,
    /// The server; `None` where only PHP can tell, or where it is not said.
    pub host: Option<String>,
    /// Whether the file includes others that were not read, which may say something else.
    pub is_part: bool,
}

impl CmsSettings {
    /// The settings file of the CMS that belongs to a `civicrm.settings.php`: `settings.php` of Drupal and Backdrop beside
    /// it, `wp-config.php` of WordPress or `configuration.php` of Joomla above it. `None` where there is none.
    ///
    /// # Errors
    /// The file cannot be read, or is not PHP.
    pub fn beside(settings: &Path) -> Result<Option<Self>, SettingsError> {
        let Some(folder) = settings.parent() else {
            return Ok(None);
        };
        let drupal = folder.join("settings.php");
        if drupal.is_file() {
            return Self::drupal(drupal).map(Some);
        }
        if folder.ends_with("components/com_civicrm") {
            let root = folder.ancestors().nth(
                match folder.ends_with("administrator/components/com_civicrm") {
                    true => 3,
                    false => 2,
                },
            );
            let file = root.map(|root| root.join("configuration.php"));
            return match file.filter(|file| file.is_file()) {
                Some(file) => Self::joomla(file).map(Some),
                None => Ok(None),
            };
        }
        let in_wordpress = folder.ends_with("wp-content/uploads/civicrm")
            || folder.ends_with("wp-content/plugins/civicrm");
        if !in_wordpress {
            return Ok(None);
        }
        let above = folder.ancestors().take(WORDPRESS_ABOVE + 1);
        let mut files = above.map(|folder| folder.join("wp-config.php"));
        match files.find(|file| file.is_file()) {
            Some(file) => Self::wordpress(file).map(Some),
            None => Ok(None),
        }
    }

    /// `$databases['default']['default']` of Drupal 7 and later, `$db_url` of Drupal 6, `$database` of Backdrop.
    fn drupal(path: PathBuf) -> Result<Self, SettingsError> {
        let mut script = Interpreter::new("");
        script.run(&path)?;
        let mut found = Self {
            is_part: !script.not_followed.is_empty(),
            path,
            ..Self::default()
        };
        let value = |name: &str| script.state.slot(name).map(|slot| slot.value(name));
        let key = |name: &str| Value::text(name.as_bytes());
        if let Some(databases) = value("$databases") {
            let default = databases.index(key("default")).index(key("default"));
            found.database = known(default.index(key("database")));
            found.host = known(default.index(key("host")));
        }
        for url in ["$db_url", "$database"] {
            if found.database.is_some() {
                break;
            }
            let url = value(url).map(|url| match url {
                Value::Array(_) => url.index(key("default")),
                other => other,
            });
            let login = url
                .and_then(known)
                .and_then(|url| dsn::parse(url.as_bytes()).ok());
            if let Some(login) = login {
                (found.database, found.host) = (login.database, login.host);
            }
        }
        Ok(found)
    }

    /// The constants DB_NAME and DB_HOST.
    fn wordpress(path: PathBuf) -> Result<Self, SettingsError> {
        // Behind them stands the line that loads WordPress itself, which is not followed.
        let mut script = Interpreter::new("DB_NAME");
        script.run(&path)?;
        let value = |name: &str| known(script.state.slot(name)?.value(name));
        Ok(Self {
            database: value("DB_NAME"),
            host: value("DB_HOST"),
            is_part: false,
            path,
        })
    }

    /// The properties `$db` and `$host` of the class JConfig.
    fn joomla(path: PathBuf) -> Result<Self, SettingsError> {
        let bytes = text::read_text(&path)?;
        let tokens = php::tokens(&bytes).unwrap_or_default();
        let property = |name: &str| {
            let mut found = tokens.windows(3).filter_map(|three| match three {
                [variable, equals, value] if is_variable(variable, name) && equals.is("=") => {
                    literal(value)
                }
                _ => None,
            });
            found.next()
        };
        Ok(Self {
            database: property("db"),
            host: property("host"),
            is_part: false,
            path,
        })
    }
}

fn known(value: Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    }
}

fn is_variable(lexeme: &Lexeme, name: &str) -> bool {
    matches!(&lexeme.token, Token::Variable(variable) if variable == name)
}

/// The text of a string without expressions.
fn literal(lexeme: &Lexeme) -> Option<String> {
    match &lexeme.token {
        Token::Text(parts) => match &parts[..] {
            [StringPart::Literal(text)] => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(
        settings: &str,
        file: &str,
        text: &str,
    ) -> Option<(Option<String>, Option<String>, bool)> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [(settings, "<?php"), (file, text)] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = CmsSettings::beside(&folder.path().join(settings)).unwrap()?;
        Some((found.database, found.host, found.is_part))
    }

    fn said(database: &str, host: &str) -> Option<(Option<String>, Option<String>, bool)> {
        Some((Some(database.to_owned()), Some(host.to_owned()), false))
    }

    #[test]
    fn the_database_of_every_cms_is_found_in_its_own_file() {
        let drupal = "sites/default/civicrm.settings.php";
        let file = "sites/default/settings.php";
        for text in [
            "<?php $databases = array('default' => array('default' => array('database' => 'd', 'host' => 'h')));",
            "<?php\n$databases['default']['default'] = ['database' => 'd', 'host' => 'h', 'prefix' => ''];",
            "<?php $db_url = 'mysqli://u:p@h/d';",
            "<?php $db_url['default'] = 'mysql://u:p@h/d';",
            "<?php $database = 'mysql://u:p@h/d'; $database_prefix = '';",
        ] {
            assert_eq!(of(drupal, file, text), said("d", "h"), "{text}");
        }
        let wordpress = "<?php define('DB_NAME', 'd'); define('DB_HOST', 'h');\nrequire_once ABSPATH . 'wp-settings.php';";
        for settings in ["uploads", "plugins"] {
            let settings = format!("wp-content/{settings}/civicrm/civicrm.settings.php");
            assert_eq!(of(&settings, "wp-config.php", wordpress), said("d", "h"));
        }
        let joomla = "<?php\nclass JConfig {\n\tpublic $dbtype = 'mysqli';\n\tpublic $host = 'h';\n\tpublic $db = 'd';\n}";
        for settings in ["administrator/components", "components"] {
            let settings = format!("{settings}/com_civicrm/civicrm.settings.php");
            assert_eq!(of(&settings, "configuration.php", joomla), said("d", "h"));
        }
    }

    #[test]
    fn what_only_php_knows_is_not_guessed() {
        let (settings, file) = ("sites/x/civicrm.settings.php", "sites/x/settings.php");
        let of_env = "<?php $databases['default']['default'] = ['database' => getenv('DB')];";
        assert_eq!(of(settings, file, of_env), Some((None, None, false)));
        let other =
            "<?php $databases['default']['default'] = ['database' => 'd'];\ninclude getenv('X');";
        assert_eq!(of(settings, file, other), Some((None, None, true)));
        assert_eq!(of(settings, "sites/y/settings.php", "<?php"), None);
    }
}
