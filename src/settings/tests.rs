//! Settings files as they occur, right and wrong.

use std::fs;
use std::path::{Path, PathBuf};

use super::file::Dsn;
use super::*;
use crate::server::login::{Secret, TlsMode};

/// Reads a text as a settings file; what it gives as one line, without the folder's name.
fn read(text: impl AsRef<[u8]>) -> String {
    read_beside(text, &[])
}

/// The same with other files beside it.
fn read_beside(text: impl AsRef<[u8]>, others: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in others {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let path = folder.path().join("civicrm.settings.php");
    fs::write(&path, text).unwrap();
    let result = match SettingsFile::read(&path) {
        Ok(file) => show(&file.dsn),
        Err(error) => error.to_string(),
    };
    result.replace(&format!("{}/", folder.path().display()), "")
}

fn show(dsn: &Dsn) -> String {
    let login = &dsn.login;
    let mut text = format!("line {}: ", dsn.place.line);
    text += login.user.as_deref().unwrap_or("(no user)");
    text += ":";
    text += login.password.as_ref().map_or("(none)", Secret::reveal);
    text += "@";
    text += login.host.as_deref().unwrap_or("(no host)");
    if let Some(port) = login.port {
        text += &format!(":{port}");
    }
    if let Some(socket) = &login.socket {
        text += &format!(" socket {}", socket.display());
    }
    text += " ";
    text += login.database.as_deref().unwrap_or("(no database)");
    if let Some(mode) = login.tls.mode {
        text += &format!(" {mode:?}");
    }
    text
}

/// A file of the 5.x kind: the platform may come from the environment, the unit tests have a
/// DSN of their own, and each constant is defined once only.
const MODERN: &str = r#"<?php
/** The database: define('CIVICRM_DSN', 'mysql://example:secret@example/example'); */
global $civicrm_root, $civicrm_setting;
if (!defined('CIVICRM_UF')) {
  if (getenv('CIVICRM_UF')) {
    define('CIVICRM_UF', getenv('CIVICRM_UF'));
  }
  else {
    define('CIVICRM_UF', 'Drupal8');
  }
}
if (!defined('CIVICRM_UF_DSN') && CIVICRM_UF !== 'UnitTests') {
  define('CIVICRM_UF_DSN', 'mysql://cms:cmspass@localhost/cms?new_link=true');
}
if (!defined('CIVICRM_DSN')) {
  if (CIVICRM_UF === 'UnitTests') {
    if (isset($GLOBALS['_CV']['TEST_DB_DSN'])) {
      define('CIVICRM_DSN', $GLOBALS['_CV']['TEST_DB_DSN']);
    }
    else {
      throw new \Exception('no test database');
    }
  }
  else {
    define('CIVICRM_DSN', 'mysql://civi:p%40ss%2Fword@db.example.org:3307/civicrm?new_link=true');
  }
}
// define('DB_DSN_MODE', 'auto');
if (!defined('CIVICRM_LOGGING_DSN')) {
  define('CIVICRM_LOGGING_DSN', CIVICRM_DSN);
}
$civicrm_root = '/var/www/civicrm';
if (!defined('CIVICRM_DOMAIN_ID')) {
  define('CIVICRM_DOMAIN_ID', 3);
}
$path = implode(PATH_SEPARATOR, array('.', $civicrm_root, get_include_path()));
if (set_include_path($path) === FALSE) {
  echo 'no include path';
  exit();
}
$unit = strtolower(substr(ini_get('memory_limit'), -1));
switch ($unit) {
  case 'g': $limit *= 1024;
  case 'm': $limit *= 1024;
}
require_once 'CRM/Core/ClassLoader.php';
CRM_Core_ClassLoader::singleton()->register();
"#;

#[test]
fn an_include_of_a_url_does_not_give_its_password_away() {
    let text = read("<?php include 'mysql://user:hidden-word@host/database' or ");
    assert!(
        text.contains("mysql://…") && !text.contains("hidden-word"),
        "{text}"
    );
}

#[test]
fn a_file_of_the_modern_kind_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("civicrm.settings.php");
    fs::write(&path, MODERN).unwrap();
    let file = SettingsFile::read(&path).unwrap();
    assert_eq!(
        show(&file.dsn),
        "line 25: civi:p@ss/word@db.example.org:3307 civicrm"
    );
    let logging = file.logging_dsn.unwrap().unwrap();
    assert_eq!(logging.login, file.dsn.login);
    assert_eq!(logging.place.line, 30);
    assert_eq!(file.path, path);
}

#[test]
fn the_login_is_found_in_every_shape_of_the_file() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "2.2 to 4.x: spaces, a bare define, a closing tag",
            "<?php\ndefine( 'CIVICRM_UF'  , 'Drupal' );\ndefine( 'CIVICRM_UF_DSN', 'mysql://cms:x@localhost/cms' );\ndefine( 'CIVICRM_DSN'         , 'mysql://civi:pw@localhost/civicrm?new_link=true' );\n?>\n",
            "line 4: civi:pw@localhost civicrm",
        ),
        (
            "double quotes",
            "<?php define(\"CIVICRM_DSN\", \"mysql://civi:p\\$w\\\"\\x41\\u{e9}\\101@h/civicrm\");",
            "line 1: civi:p$w\"AéA@h civicrm",
        ),
        (
            "escaped quote and backslash in single quotes",
            r"<?php define('CIVICRM_DSN', 'mysql://civi:a\'b\\c\n@h/civicrm');",
            r"line 1: civi:a'b\c\n@h civicrm",
        ),
        (
            "upper case, qualified, within a namespace",
            "<?php\nnamespace Site;\n\\DEFINE('CIVICRM_DSN', 'mysql://u:p@h/d');",
            "line 3: u:p@h d",
        ),
        (
            "const",
            "<?php\nconst CIVICRM_DSN = 'mysqli://u:p@h/d';",
            "line 2: u:p@h d",
        ),
        (
            "const in a namespace is another constant",
            "<?php\nnamespace Site;\nconst CIVICRM_DSN = 'mysqli://x:y@z/w';\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');",
            "line 4: u:p@h d",
        ),
        (
            "made of constants and variables",
            "<?php\nconst DB = 'civi';\ndefine('DB_PASS', 'pw');\n$user = \"u\";\n$dsn = 'mysql://' . $user;\n$dsn .= ':' . DB_PASS . '@h/';\ndefine('CIVICRM_DSN', $dsn . DB);",
            "line 7: u:pw@h civi",
        ),
        (
            "interpolated, in each form",
            "<?php\n$u = 'u'; $db = ['pass' => 'pw', 'host' => 'h']; $o->x = 1;\ndefine('CIVICRM_DSN', \"mysql://$u:$db[pass]@{$db['host']}/${u}\");",
            "line 3: u:pw@h u",
        ),
        (
            "arrays, as in Drupal's settings.php",
            "<?php\n$databases['default']['default'] = array('database' => 'd', 'username' => 'u', 'password' => 'p', 'host' => 'h',);\n$x = $databases['default']['default'];\ndefine('CIVICRM_DSN', 'mysql://'.$x['username'].':'.$x['password'].'@'.$x['host'].'/'.$x['database']);",
            "line 4: u:p@h d",
        ),
        (
            "the other DSN",
            "<?php\ndefine('CIVICRM_UF_DSN', 'mysql://u:p@h/d');\nif (!defined('CIVICRM_DSN')) {\n define('CIVICRM_DSN', CIVICRM_UF_DSN);\n}",
            "line 4: u:p@h d",
        ),
        (
            "sprintf and rawurlencode",
            "<?php\n$p = 'a@b c';\ndefine('CIVICRM_DSN', sprintf('mysql://%s:%2$s@h:%3$d/d', 'u', rawurlencode($p), 3307));",
            "line 3: u:a@b c@h:3307 d",
        ),
        (
            "a brace behind a backslash is not a bracket of an expression",
            "<?php\n$x = 'v';\ndefine('CIVICRM_DSN', \"mysql://u:\\{$x}@h/d\");",
            "line 3: u:\\{v}@h d",
        ),
        (
            "heredoc",
            "<?php\n$p = 'p';\ndefine('CIVICRM_DSN', <<<DSN\n  mysql://u:$p@h/d\n  DSN);",
            "line 3: u:p@h d",
        ),
        (
            "nowdoc",
            "<?php\ndefine('CIVICRM_DSN', <<<'DSN'\nmysql://u:$p\\n@h/d\nDSN\n);",
            "line 2: u:$p\\n@h d",
        ),
        (
            "commented out in every way",
            "<?php\n// define('CIVICRM_DSN', 'mysql://a:a@a/a');\n# define('CIVICRM_DSN', 'mysql://b:b@b/b');\n/* define('CIVICRM_DSN', 'mysql://c:c@c/c');\n*/ define('CIVICRM_DSN' /* here */, // and\n 'mysql://u:p@h/d' # it is\n);",
            "line 5: u:p@h d",
        ),
        (
            "a comment ends with the PHP part",
            "<?php // off ?>\n<?php define('CIVICRM_DSN', 'mysql://u:p@h/d') ?>",
            "line 2: u:p@h d",
        ),
        (
            "text around the PHP, and a short tag",
            "<html><?xml define('CIVICRM_DSN', 'mysql://x:x@x/x'); ?>\n<?\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');\n?> <p>define('CIVICRM_DSN', 'y');",
            "line 3: u:p@h d",
        ),
        (
            "byte order mark and Windows line ends",
            "\u{feff}<?php\r\n\r\ndefine('CIVICRM_DSN',\r\n'mysql://u:p@h/d');\r\n",
            "line 3: u:p@h d",
        ),
        (
            "the first definition stays",
            "<?php\ndefine('CIVICRM_DSN', 'mysql://u:p@h/first');\ndefine('CIVICRM_DSN', 'mysql://u:p@h/second');",
            "line 2: u:p@h first",
        ),
        (
            "the first guarded definition stays",
            "<?php\nif (!defined('CIVICRM_DSN')) define('CIVICRM_DSN', 'mysql://u:p@h/first');\ndefined('CIVICRM_DSN') or define('CIVICRM_DSN', 'mysql://u:p@h/second');",
            "line 2: u:p@h first",
        ),
        (
            "defined or define",
            "<?php\ndefined('ABSPATH') || exit;\ndefined('CIVICRM_DSN') || @define('CIVICRM_DSN', 'mysql://u:p@h/d');",
            "line 3: u:p@h d",
        ),
        (
            "defined ? : define",
            "<?php\ndefined('CIVICRM_DSN') ? null : define('CIVICRM_DSN', 'mysql://u:p@h/d');",
            "line 2: u:p@h d",
        ),
        (
            "branches that cannot be told, with one DSN",
            "<?php\nif ($_SERVER['HTTP_HOST'] == 'a') { define('CIVICRM_DSN', 'mysql://u:p@h/d'); }\nelse if (getenv('B')) { define('CIVICRM_DSN', 'mysql://u:p@h/d'); }",
            "line 2: u:p@h d",
        ),
        (
            "alternative syntax, and a condition that can be told",
            "<?php\n$live = TRUE;\nif (!$live):\n define('CIVICRM_DSN', 'mysql://u:p@h/test');\nelseif ($live):\n define('CIVICRM_DSN', 'mysql://u:p@h/live');\nendif;",
            "line 6: u:p@h live",
        ),
        (
            "switch over what can be told",
            "<?php\n$where = 'live';\nswitch ($where) {\n case 'test': define('CIVICRM_DSN', 'mysql://u:p@h/test'); break;\n case 'live':\n define('CIVICRM_DSN', 'mysql://u:p@h/live'); break;\n default: define('CIVICRM_DSN', 'mysql://u:p@h/other');\n}",
            "line 6: u:p@h live",
        ),
        (
            "what follows return does not count",
            "<?php\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');\nreturn;\ndefine('CIVICRM_DSN', 'mysql://u:p@h/e');",
            "line 2: u:p@h d",
        ),
        (
            "functions and classes are not the file's own statements",
            "<?php\nfunction dsn($x = ['}']) { define('CIVICRM_DSN', 'mysql://x:x@x/x'); }\nfinal class A extends B { const CIVICRM_DSN = 'y'; }\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');",
            "line 4: u:p@h d",
        ),
        (
            "leftovers of the installer behind the database",
            "<?php define('CIVICRM_DSN', 'mysql://u:p@h/d?new_link=true%%dbSSL%%');",
            "line 1: u:p@h d",
        ),
    ];
    for (name, text, expected) in cases {
        assert_eq!(read(text), *expected, "{name}");
    }
}

#[test]
fn what_cannot_be_told_is_an_error_that_names_the_line() {
    const RUN: &str = ", which only PHP can tell when it runs; set CIVICRM_DSN in the environment, or give --host, --user and --database";
    let both = |first: u64, second: u64| {
        format!(
            "civicrm.settings.php: CIVICRM_DSN is defined on line {first} and line {second}, and which of them counts only PHP can tell when it runs; set CIVICRM_DSN in the environment, or give --host, --user and --database"
        )
    };
    let cases: &[(&str, &str, String)] = &[
        (
            "the whole DSN from the environment",
            "<?php\n\ndefine('CIVICRM_DSN', getenv('CIVI_DB'));",
            format!("civicrm.settings.php: line 3: CIVICRM_DSN is made of getenv('CIVI_DB'){RUN}"),
        ),
        (
            "parts from the environment, by variables",
            "<?php\n$pass = trim(getenv('DB_PASS'));\ndefine('CIVICRM_DSN', \"mysql://u:{$pass}@\" . $_ENV['DB_HOST'] . \"/$_SERVER[DB]\");",
            format!(
                "civicrm.settings.php: line 3: CIVICRM_DSN is made of $_ENV['DB_HOST'], $_SERVER['DB'] and getenv('DB_PASS'){RUN}"
            ),
        ),
        (
            "a default for the environment",
            "<?php\ndefine('CIVICRM_DSN', 'mysql://u:p@' . (getenv('DB_HOST') ?: 'localhost') . '/d');",
            format!("civicrm.settings.php: line 2: CIVICRM_DSN is made of getenv('DB_HOST'){RUN}"),
        ),
        (
            "constants of WordPress",
            "<?php\ndefine('CIVICRM_DSN', 'mysql://' . DB_USER . ':' . DB_PASSWORD . '@h/d');",
            format!(
                "civicrm.settings.php: line 2: CIVICRM_DSN is made of the constant DB_PASSWORD (set elsewhere) and the constant DB_USER (set elsewhere){RUN}"
            ),
        ),
        (
            "variables of nowhere",
            "<?php\ndefine('CIVICRM_DSN', 'mysql://u:' . $db_pass . '@h/d');",
            format!(
                "civicrm.settings.php: line 2: CIVICRM_DSN is made of $db_pass (set nowhere){RUN}"
            ),
        ),
        (
            "a $ of the password in double quotes",
            "<?php\ndefine('CIVICRM_DSN', \"mysql://u:pa$word@h/d\");",
            format!(
                "civicrm.settings.php: line 2: CIVICRM_DSN is made of a variable in double quotes (set nowhere; a $ of a password is written \\$ there){RUN}"
            ),
        ),
        (
            "functions and objects",
            "<?php\n$c = $platform->credentials('db');\ndefine('CIVICRM_DSN', 'mysql://u:' . file_get_contents('/run/secret') . '@' . $c['host'] . '/d');",
            format!(
                "civicrm.settings.php: line 3: CIVICRM_DSN is made of an object and file_get_contents(){RUN}"
            ),
        ),
        (
            "different DSNs by host name",
            "<?php\nswitch ($_SERVER['HTTP_HOST']) {\n  case 'a':\n    define('CIVICRM_DSN', 'mysql://u:p@h/a');\n    break;\n  default:\n    define('CIVICRM_DSN', 'mysql://u:p@h/b');\n}",
            both(4, 7),
        ),
        (
            "a known DSN or one from the environment",
            "<?php\nif (getenv('CIVICRM_DSN')) {\n  define('CIVICRM_DSN', getenv('CIVICRM_DSN'));\n}\nelse {\n  define('CIVICRM_DSN', 'mysql://u:p@h/b');\n}",
            both(3, 6),
        ),
        (
            "a variable set by branches",
            "<?php\nif ($live) {\n$db = 'a';\n}\nelse {\n$db = 'b';\n}\ndefine('CIVICRM_DSN', \"mysql://u:p@h/$db\");",
            format!(
                "civicrm.settings.php: line 8: CIVICRM_DSN is made of $db (set differently on lines 3 and 6){RUN}"
            ),
        ),
        (
            "a variable set under a condition decides nothing",
            "<?php\nif (getenv('X')) $c = 'x';\nif ($c === 'x') {\n  define('CIVICRM_DSN', 'mysql://u:p@h/a');\n}\nelse {\n  define('CIVICRM_DSN', 'mysql://u:p@h/b');\n}",
            both(4, 7),
        ),
        (
            "a part set under a condition",
            "<?php\nif (getenv('X')) {\n  $db = 'x';\n}\ndefine('CIVICRM_DSN', \"mysql://u:p@h/$db\");",
            format!(
                "civicrm.settings.php: line 5: CIVICRM_DSN is made of $db (set under a condition on line 3){RUN}"
            ),
        ),
        (
            "an index that is no PHP",
            "<?php\n$x = 'v';\ndefine('CIVICRM_DSN', \"mysql://u:$x[?@h/d\");",
            format!(
                "civicrm.settings.php: line 3: CIVICRM_DSN is made of more than constants and texts (or its quotes are wrong){RUN}"
            ),
        ),
        (
            "a variable changed in a way that is not followed",
            "<?php\n$db = 'a';\nlist($db, $x) = explode(',', 'b,c');\ndefine('CIVICRM_DSN', \"mysql://u:p@h/$db\");",
            format!(
                "civicrm.settings.php: line 4: CIVICRM_DSN is made of $db (set on line 3){RUN}"
            ),
        ),
        (
            "two texts side by side: an unescaped quote",
            "<?php\ndefine('CIVICRM_DSN', 'mysql://u:p'w'x@h/d');",
            format!(
                "civicrm.settings.php: line 2: CIVICRM_DSN is made of more than constants and texts (or its quotes are wrong){RUN}"
            ),
        ),
    ];
    for (name, text, expected) in cases {
        assert_eq!(read(text), *expected, "{name}");
    }
}

/// A definition of the DSN that PHP would not take, since another one came before, or not with this value.
const STALE: &str =
    "\nif (!defined('CIVICRM_DSN')) { define('CIVICRM_DSN', \"mysql://u:p@h/$db\"); }";

#[test]
fn what_may_define_or_assign_and_is_not_followed_makes_the_rest_unknown() {
    let others: [&str; 30] = [
        "foreach (['CIVICRM_DSN' => 'mysql://u:p@h/x'] as $k => $v) { define($k, $v); }",
        "function def($n, $v) { if (!defined($n)) define($n, $v); }\ndef('CIVICRM_DSN', 'mysql://u:p@h/x');",
        "foreach (glob(__DIR__ . '/*.inc') as $f) include $f;",
        "function pick() { global $db; $db = 'x'; }\npick();",
        "function pick() { $GLOBALS['db'] = 'x'; }\npick();",
        "function pick() { other(); } function other() { global $db; $db = 'x'; }\npick();",
        "extract(parse_ini_file('/x'));",
        "$k = 'db'; $$k = 'x';",
        "call_user_func('define', 'CIVICRM_DSN', 'mysql://u:p@h/x');",
        "array_map('define', ['CIVICRM_DSN'], ['mysql://u:p@h/x']);",
        "$other = &$db; $other = 'x';",
        "foreach ([&$db] as &$x) { $x = 'x'; }",
        "$GLOBALS['db'] = 'x';",
        "++$db;",
        "$db |= 'x';",
        "eval('$db = 1;');",
        "function set(&$x) { $x = 'x'; }\nset($db);",
        "preg_match('/x/', 'x', $db);",
        "sort($db);",
        "include $_SERVER['CONF'];",
        "require 'elsewhere.php';",
        "Site::boot();",
        "$site->boot();",
        "new Site();",
        "$f = function() { define('CIVICRM_DSN', 'mysql://u:p@h/x'); }; $f();",
        "if (define('CIVICRM_DSN', 'mysql://u:p@h/x')) {}",
        "$db = 010;",
        "goto a; $db = 'b'; a:",
        "$n = 'a'; while (x()) { $db = $n; $n = 'b'; }",
        "try { $db = 'x'; strlen(); $db = 'a'; } catch (Error $e) {}",
    ];
    for other in others {
        let said = read(format!("<?php\n$db = 'a';\n{other}{STALE}"));
        let is_right = said.contains("only PHP can tell") || said.ends_with("u:p@h 8");
        assert!(is_right, "{other}: {said}");
    }
    assert_eq!(
        read(format!("<?php\n{}{}", others[1], STALE.replace("$db", "d"))),
        "civicrm.settings.php: line 3 calls the function def(), which may define CIVICRM_DSN: only PHP can tell when it runs; set CIVICRM_DSN in the environment, or give --host, --user and --database"
    );
}

#[test]
fn what_was_defined_before_stays_known() {
    let text =
        "<?php\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');\nSite::boot(); eval($x); include $y;";
    assert_eq!(read(text), "line 2: u:p@h d");
}

#[test]
fn what_is_known_to_change_nothing_is_passed_over() {
    for other in [
        "set_include_path('.' . PATH_SEPARATOR . get_include_path());",
        "$limit = (int) trim(ini_get('memory_limit')); $unit = strtolower(substr($limit, -1)); switch ($unit) { case 'g': $limit *= 1024; }",
        "if (preg_match('/x/', $db, $found)) { $y = $found[0]; }",
        "if (function_exists('variable_get') && variable_get('clean_url', '0') != '0') { define('CIVICRM_CLEANURL', 1); }",
        "if (class_exists('JFactory')) { $sef = JFactory::getConfig()->get('sef'); $c = new JConfig(); }",
        "global $civicrm_root, $civicrm_setting; $civicrm_root = '/x'; $civicrm_setting['domain']['x'] = $db;",
        "require_once 'CRM/Core/ClassLoader.php'; CRM_Core_ClassLoader::singleton()->register();",
        "require_once $root . '/CRM/Core/ClassLoader.php';",
        "require_once dirname($x) . '/vendor/autoload.php';",
        "spl_autoload_register(function ($class) { include \"$class.php\"; });",
        "function env($name, $or) { $x = getenv($name); return $x === false ? $or : $x; } $x = env('X', 'y');",
        "function base() { global $civicrm_root; return $civicrm_root . '/x'; } $y = base();",
        "foreach (['a', 'b'] as $key) { $civicrm_setting['domain'][$key] = $db; }",
        "$hosts = array_map('trim', explode(',', 'a,b'));",
        "try { $x = json_decode(file_get_contents('/x')); } catch (Exception $e) { error_log($e->getMessage()); }",
        "@include '/no/such/local.php';",
        "if (file_exists('/no/such.php')) { include '/no/such.php'; }",
        "extract(['other' => 'x']);",
        "$x = $db & $db;",
        "class Site { function define() { define('CIVICRM_DSN', 'x'); } }",
    ] {
        let said = read(format!("<?php\n$db = 'a';\n{other}{STALE}"));
        assert!(said.ends_with("u:p@h a"), "{other}: {said}");
    }
}

#[test]
fn what_is_wrong_is_an_error_that_names_the_line() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("empty", b"", "civicrm.settings.php: is not a settings file: it holds no PHP (<?php)"),
        (
            "no PHP",
            b"[client]\nuser=x\n",
            "civicrm.settings.php: is not a settings file: it holds no PHP (<?php)",
        ),
        (
            "nothing defined",
            b"<?php\n// define('CIVICRM_DSN', 'mysql://u:p@h/d');\ndefine('CIVICRM_UF_DSN', 'mysql://u:p@h/d');\n",
            "civicrm.settings.php: defines no CIVICRM_DSN; set CIVICRM_DSN in the environment, or give --host, --user and --database",
        ),
        (
            "defined in a function",
            b"<?php\nfunction f() {\n  define('CIVICRM_DSN', 'mysql://u:p@h/d');\n}\n",
            "civicrm.settings.php: line 3: CIVICRM_DSN is defined in a function or behind a condition that never holds",
        ),
        (
            "UTF-16",
            b"\xff\xfe<\0?\0p\0h\0p\0",
            "civicrm.settings.php: is not PHP text: it holds NUL bytes, as binary files and UTF-16 do",
        ),
        (
            "an open string",
            b"<?php\n\ndefine('CIVICRM_DSN', 'mysql://u:p'w@h/d');\n",
            "civicrm.settings.php: line 3: a string begins here and never ends; if a quote in a password broke it, write \\' there",
        ),
        (
            "an open comment",
            b"<?php\n/* define('CIVICRM_DSN', 'mysql://u:p@h/d');\n",
            "civicrm.settings.php: line 2: a comment begins here and never ends; if a quote in a password broke it, write \\' there",
        ),
        (
            "an open bracket",
            b"<?php\ndefine('CIVICRM_DSN', mysql://u:p@h/d);\n",
            "civicrm.settings.php: line 2: a bracket begins here and never ends; if a quote in a password broke it, write \\' there",
        ),
        (
            "the template",
            b"<?php\ndefine('CIVICRM_DSN', 'mysql://%%dbUser%%:%%dbPass%%@%%dbHost%%/%%dbName%%?new_link=true');\n",
            "civicrm.settings.php: line 2: CIVICRM_DSN holds placeholders (%%...%%): this is the template for settings files, not a site's file",
        ),
        (
            "another scheme",
            b"<?php\ndefine('CIVICRM_DSN', 'pgsql://u:secret@h/d');\n",
            "civicrm.settings.php: line 2: CIVICRM_DSN does not begin with mysql:// or mysqli://",
        ),
        (
            "empty",
            b"<?php\ndefine('CIVICRM_DSN', '');\n",
            "civicrm.settings.php: line 2: CIVICRM_DSN does not begin with mysql:// or mysqli://",
        ),
        (
            "no text",
            b"<?php\ndefine('CIVICRM_DSN', NULL);\n",
            "civicrm.settings.php: line 2: CIVICRM_DSN is not text",
        ),
        (
            "no database",
            b"<?php\ndefine('CIVICRM_DSN', 'mysql://:@localhost/?new_link=true');\n",
            "civicrm.settings.php: line 2: CIVICRM_DSN names no database (mysql://user:password@host/database)",
        ),
        (
            "latin1",
            b"<?php\ndefine('CIVICRM_DSN', 'mysql://u:p\xe4ss@h/d');\n",
            "civicrm.settings.php: line 2: CIVICRM_DSN holds bytes that are not UTF-8; write them as %XX of their UTF-8 form",
        ),
    ];
    for (name, text, expected) in cases {
        assert_eq!(read(text), *expected, "{name}");
    }
}

#[test]
fn latin1_comments_do_no_harm() {
    let text = b"<?php // \xfcber\n$gr\xf6\xdfe = 'p';\ndefine('CIVICRM_DSN', \"mysql://u:$gr\xf6\xdfe@h/d\");";
    assert_eq!(read(text), "line 3: u:p@h d");
}

#[test]
fn included_files_are_followed() {
    let other = "<?php\n\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');";
    let forms = [
        "require 'local.php';",
        "include_once(__DIR__ . '/local.php');",
        "@include dirname(__FILE__) . DIRECTORY_SEPARATOR . 'local.php';",
        "$x = require __DIR__ . \"/local.php\";",
        "if (file_exists(__DIR__ . '/local.php')) { include __DIR__ . '/local.php'; }",
        "if ((include 'local.php') === FALSE) { exit; }",
        "(@include 'local.php') or die('no file');",
    ];
    for form in forms {
        let text = format!(
            "<?php\n{form}\nif (!defined('CIVICRM_DSN')) {{ define('CIVICRM_DSN', 'mysql://u:p@h/e'); }}"
        );
        assert_eq!(
            read_beside(&text, &[("local.php", other)]),
            "line 3: u:p@h d",
            "{form}"
        );
    }
    let absent = "<?php\nif (file_exists(__DIR__ . '/local.php')) include 'local.php';\ndefine('CIVICRM_DSN', 'mysql://u:p@h/e');";
    assert_eq!(read(absent), "line 3: u:p@h e");
}

#[test]
fn places_in_included_files_name_the_file() {
    let others = [
        (
            "a/one.php",
            "<?php\n$db = 'd';\nrequire __DIR__ . '/two.php';\nreturn;\n$db = 'x';",
        ),
        (
            "a/two.php",
            "<?php\n\n\ndefine('CIVICRM_DSN', \"mysql://u:p@h:x/$db\");",
        ),
    ];
    assert_eq!(
        read_beside("<?php include 'a/one.php';", &others),
        "a/two.php: line 4: CIVICRM_DSN has a port that is not a number from 1 to 65535; an @ : / ? or % in the user name or the password has to be written as %40 %3A %2F %3F or %25"
    );
}

#[test]
fn values_in_the_name_of_an_included_file_are_not_shown() {
    let shown = |include: &str| {
        let text = read(format!(
            "<?php\n$a = 'secret'; define('B', 'secret');\n{include};"
        ));
        let (_, said) = text.split_once("line 3 includes ").unwrap();
        said.split_once(';').unwrap().0.to_owned()
    };
    assert_eq!(shown("include 'secret'"), "a file that cannot be read here");
    assert_eq!(shown("include $a"), "a file that cannot be read here");
    for include in [
        "include $a . '/x.php'",
        "include \"$a/x.php\"",
        "include B . '/x.php'",
    ] {
        assert_eq!(shown(include), "\"…/x.php\", which cannot be read here");
    }
}

#[test]
fn included_files_that_cannot_be_read_are_named() {
    let text = "<?php\nrequire '/no/such/dsn.php';\nrequire $root . '/x.php';\nrequire_once 'CRM/Core/ClassLoader.php';";
    assert_eq!(
        read(text),
        "civicrm.settings.php: defines no CIVICRM_DSN; line 2 includes \"/no/such/dsn.php\", which cannot be read here; line 3 includes a file whose name only PHP can tell; set CIVICRM_DSN in the environment, or give --host, --user and --database"
    );
}

#[test]
fn a_file_that_includes_itself_comes_to_an_end() {
    let text = format!("<?php\n{}", "include __FILE__;\n".repeat(300));
    let result = read(text);
    assert!(
        result.contains("defines no CIVICRM_DSN") || result.contains("is too long"),
        "{result}"
    );
}

#[test]
fn a_logging_dsn_that_cannot_be_told_does_not_hide_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.php");
    fs::write(
        &path,
        "<?php\ndefine('CIVICRM_DSN', 'mysql://u:p@h/d');\ndefine('CIVICRM_LOGGING_DSN', getenv('LOG'));\ndefine('CIVICRM_DOMAIN_ID', '2');",
    )
    .unwrap();
    let file = SettingsFile::read(&path).unwrap();
    assert_eq!(show(&file.dsn), "line 2: u:p@h d");
    let error = file.logging_dsn.unwrap_err().to_string();
    assert!(
        error.contains("line 3: CIVICRM_LOGGING_DSN is made of getenv('LOG')"),
        "{error}"
    );
}

#[test]
fn a_dsn_is_taken_apart_as_pear_does() {
    let login = |dsn: &str| {
        parse_dsn(dsn.as_bytes()).map(|login| {
            let place = PhpPlace {
                file: PathBuf::new(),
                line: 0,
            };
            let text = show(&Dsn { login, place });
            text.trim_start_matches("line 0: ").to_owned()
        })
    };
    let cases = [
        ("mysql://u:p@h/d", "u:p@h d"),
        ("mysqli://u:p@h:3307/d?new_link=true", "u:p@h:3307 d"),
        ("mysql://u:a@b:c/d?e#f@h/d", "u:a@b:c/d?e#f@h d"),
        ("mysql://u:100%@h/d", "u:100%@h d"),
        ("mysql://u%40x:%25%zz%4@h/my%2Ddb", "u@x:%%zz%4@h my-db"),
        ("mysql://u:a+b%20c@h/d", "u:a+b c@h d"),
        ("mysql://u:p%C3%A4@h/d", "u:pä@h d"),
        ("mysql://u:@h/d", "u:@h d"),
        ("mysql://u@h/d", "u:@h d"),
        ("mysql://h/d", "(no user):(none)@h d"),
        ("mysql://u:p@/d", "u:p@localhost d"),
        (
            "mysql://u:p@unix(/run/mysqld/m.sock)/d?x=1",
            "u:p@(no host) socket /run/mysqld/m.sock d",
        ),
        (
            "mysql://u:p@unix(%2Frun%2Fm.sock)/d",
            "u:p@(no host) socket /run/m.sock d",
        ),
        ("mysql://u:p@tcp(h:3307)/d", "u:p@h:3307 d"),
        (
            "mysql://u:p@localhost/d?new_link=true&socket=%2Frun/m.sock",
            "u:p@localhost socket /run/m.sock d",
        ),
        ("mysql://u:p@h/d?socket=/run/m.sock", "u:p@h d"),
        ("mysql://u:p@[::1]:3307/d", "u:p@::1:3307 d"),
        ("mysql://u:p@[fe80::2]/d", "u:p@fe80::2 d"),
        ("mysql://u:p@::1/d", "u:p@::1 d"),
        ("mysql://u:p@h/d?ssl=1", "u:p@h d Required"),
        ("mysql://u:p@h/d?new_link=true&ssl=0", "u:p@h d Required"),
        ("mysql://u:p@h/d?cipher=AES", "u:p@h d VerifyIdentity"),
        ("mysql://u:p@h/d?ca=", "u:p@h d Required"),
        ("mysql://u:p@h/d?ca=/c.pem&ssl=1", "u:p@h d VerifyIdentity"),
    ];
    for (dsn, expected) in cases {
        assert_eq!(login(dsn).as_deref(), Ok(expected), "{dsn}");
    }
    let wrong = [
        ("", DsnError::Scheme),
        ("mysql:u:p@h/d", DsnError::Scheme),
        ("mysql://u:p@h", DsnError::NoDatabase),
        ("mysql://u:p@h/?x", DsnError::NoDatabase),
        ("mysql://u:p@h:0/d", DsnError::Port),
        ("mysql://u:p@h:65536/d", DsnError::Port),
        ("mysql://u:p@h:x/d", DsnError::Port),
        ("mysql://u:p@unix(/x/d", DsnError::Bracket),
        ("mysql://u:p@[::1/d", DsnError::Bracket),
        ("mysql://u:p@pipe(x)/d", DsnError::Protocol),
        ("mysql://u:p%e4@h/d", DsnError::Encoding),
        (
            "mysql://%%dbUser%%:%%dbPass%%@%%dbHost%%/%%dbName%%",
            DsnError::Template,
        ),
    ];
    for (dsn, expected) in wrong {
        assert_eq!(login(dsn), Err(expected), "{dsn}");
    }
}

#[test]
fn certificates_of_a_dsn_are_kept() {
    let dsn = b"mysql://u:p@h/d?key=%2Fk.pem&cert=/c.pem&ca=/ca.pem&capath=/etc/ssl";
    let tls = parse_dsn(dsn).unwrap().tls;
    assert_eq!(tls.mode, Some(TlsMode::VerifyIdentity));
    assert_eq!(tls.key.as_deref(), Some(Path::new("/k.pem")));
    assert_eq!(tls.certificate.as_deref(), Some(Path::new("/c.pem")));
    assert_eq!(tls.ca.as_deref(), Some(Path::new("/ca.pem")));
    assert_eq!(tls.ca_path.as_deref(), Some(Path::new("/etc/ssl")));
}

#[test]
fn a_settings_file_is_known_by_its_name_or_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    assert!(is_settings(Path::new("sites/default/civicrm.settings.PHP")));
    assert!(is_settings(&file("settings.bak", "\u{feff} \n<?php\n")));
    assert!(!is_settings(&file("dump.sql", "-- <?php\n")));
    assert!(!is_settings(&file("empty", "")));
    assert!(!is_settings(folder.path()));
}

#[test]
fn big_and_deep_files_are_refused() {
    let big = format!("<?php\n{}", " ".repeat(1 << 20));
    assert!(read(big).contains("has more than 1048576 bytes"));
    let bombs = [
        "if (x) ".repeat(100_000),
        "{".repeat(500_000),
        "(".repeat(500_000),
        "if (x) { $a = 1; } ".repeat(50_000),
        "$a = [$a, $a, $a]; ".repeat(50_000),
        format!("$a = 'x'; {}", "$a = $a . $a; ".repeat(60_000)),
        format!(
            "$a = '{}'; {}",
            "x".repeat(60_000),
            "if (x) $b = $a . 'y'; ".repeat(40_000)
        ),
        (0..40_000)
            .map(|at| format!("if (x) $a{at} = 1; "))
            .collect(),
        format!("$a = {};", "!".repeat(500_000)),
        format!("$a = {};", "1 ? ".repeat(200_000)),
        format!("$a = {};", "\"{$b[".repeat(150_000)),
        "a or ".repeat(200_000),
        "$a++ ".repeat(20_000),
        "include ".repeat(100_000),
        "list(".repeat(200_000),
    ];
    // Read without bounds each would take this test past all patience, or its stack.
    for bomb in bombs {
        read(format!("<?php {bomb}"));
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    const PASSWORD: &str = "Zq7Xk2Wv9";

    /// Pieces of settings files, some with the password.
    fn soup() -> impl Strategy<Value = String> {
        let pieces = [
            "define(",
            "'CIVICRM_DSN'",
            "\"CIVICRM_DSN\"",
            ",",
            ")",
            ";",
            "(",
            "{",
            "}",
            "[",
            "]",
            "'mysql://u:Zq7Xk2Wv9@h/d'",
            "\"mysql://u:Zq7Xk2Wv9@h:x/d\"",
            "'mysql://u:Zq7Xk2Wv9'",
            "'Zq7Xk2Wv9'",
            "'mysql://'",
            "'@h/d'",
            " . ",
            "$a",
            " = ",
            " .= ",
            "$a['k']",
            "if ",
            "else ",
            "elseif ",
            "endif;",
            "switch ",
            "case ",
            "default:",
            "break;",
            "return;",
            "!defined('CIVICRM_DSN')",
            "getenv('X')",
            "?",
            ":",
            "=>",
            " or ",
            "||",
            "'",
            "\"",
            "<?php ",
            "?>",
            "//",
            "/*",
            "*/",
            "\n",
            "<<<E\n",
            "\nE",
            "{$a}",
            "${a}",
            "\\",
            "include ",
            "__DIR__",
            "foreach ",
            " as ",
            "while ",
            "function f",
            "class A",
            "const B = ",
            "B",
            "sprintf(",
            "%s",
            "urlencode(",
            "->",
            "::",
            "new ",
            "list(",
            "try ",
            "catch ",
            "unix(",
            "exit ",
            "namespace ",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..60)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = [b"<?php ".as_slice(), &bytes].concat();
            read(bytes);
            read(text);
        }

        #[test]
        fn no_error_holds_the_password(text in soup()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("civicrm.settings.php");
            fs::write(&path, format!("<?php {text}")).unwrap();
            let result = SettingsFile::read(&path);
            let debug = format!("{result:?}");
            prop_assert!(!debug.contains(PASSWORD), "{debug}");
            if let Err(error) = result {
                prop_assert!(!error.to_string().contains(PASSWORD), "{error}");
            }
        }

        #[test]
        fn a_dsn_of_any_text_gives_no_password_away(before in ".{0,12}", after in ".{0,12}") {
            let dsn = format!("mysql://{before}{PASSWORD}{after}@h:99999/d");
            if let Err(error) = parse_dsn(dsn.as_bytes()) {
                prop_assert!(!error.to_string().contains(PASSWORD));
            }
        }

        #[test]
        fn a_quoted_and_encoded_password_comes_back(password in "\\PC{0,20}") {
            let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let dsn = format!("mysql://u:{encoded}@h/d");
            let login = parse_dsn(dsn.as_bytes()).unwrap();
            prop_assert_eq!(login.password.as_ref().map(Secret::reveal), Some(password.as_str()));
            // Literally, as installers before 5.39 wrote it, with PHP's escapes.
            let escaped = password.replace('\\', "\\\\").replace('\'', "\\'");
            let text = format!("<?php define('CIVICRM_DSN', 'mysql://u:{escaped}@h/d');");
            let is_literal = !password.contains('%');
            let result = read(text);
            if is_literal {
                prop_assert_eq!(result, format!("line 1: u:{password}@h d"));
            }
        }
    }
}

#[test]
fn values_of_variables_are_never_printed() {
    for text in [
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', $_ENV[$s]);",
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', getenv($s));",
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', getenv('' . $s));",
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', $GLOBALS[$s]);",
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', $_SERVER[\"$s\"]);",
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', constant($s));",
        "<?php $s = 'hidden1word'; define('CIVICRM_DSN', $$s);",
        "<?php define('S', 'hidden1word'); define('CIVICRM_DSN', $_ENV[S]);",
        "<?php define('S', 'hidden1word'); define('CIVICRM_DSN', getenv(S));",
    ] {
        let said = read(text);
        assert!(!said.contains("hidden1word"), "{text}: {said}");
        assert!(said.contains("CIVICRM_DSN is made of"), "{text}: {said}");
    }
}

#[test]
fn files_of_others_are_included_only_where_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (site, other) = (folder.path().join("site"), folder.path().join("other"));
    for folder in [&site, &other] {
        std::fs::create_dir(folder).unwrap();
    }
    let secret = other.join("secret.php");
    std::fs::write(&secret, "<?php define('SECRET', 'hidden-word');").unwrap();
    let settings = site.join("civicrm.settings.php");
    let text = format!(
        "<?php include '{}'; define('CIVICRM_DSN', 'mysql://' . SECRET . '@attacker.example.org/d');",
        secret.display()
    );
    std::fs::write(&settings, text).unwrap();
    // As long as both belong to one owner, nobody learns anything.
    assert!(SettingsFile::read(&settings).is_ok());
    if std::os::unix::fs::chown(&settings, Some(12345), None).is_err() {
        crate::skip::skip("root", "only root can give a file to somebody else");
        return;
    }
    let error = SettingsFile::read(&settings).unwrap_err().to_string();
    assert!(!error.contains("hidden-word"), "{error}");
    assert!(SettingsFile::read_with(&settings, true).is_ok());
    // Where the constant itself is missing, the file is named.
    std::fs::write(&settings, format!("<?php include '{}';", secret.display())).unwrap();
    let error = SettingsFile::read(&settings).unwrap_err().to_string();
    assert!(error.contains("--include-outside"), "{error}");
}
