//! Calls, and what they may change besides giving a value.
//!
//! Only what is known to change nothing is passed over: a call of anything else may define constants and assign to
//! variables.

use std::collections::{BTreeMap, BTreeSet};

use super::php::{Lexeme, StringPart, Token};
use super::slices::{bracketed, split};

/// What a call may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The variables among these arguments of it, counted from 0.
    Arguments(&'static [usize]),
    /// All variables.
    Variables,
    /// All variables, and constants that are not defined yet.
    All,
}

/// A function that the script declares, by what its body can do to its caller.
pub(super) type Functions = BTreeMap<String, bool>;

/// Functions of PHP and of the CMS that neither define constants nor assign to variables.
const HARMLESS: &str = "
    abs addcslashes addslashes apache_getenv apache_setenv arg array_change_key_case array_chunk array_column
    array_combine array_count_values array_diff array_diff_assoc array_diff_key array_fill array_fill_keys
    array_flip array_intersect array_intersect_assoc array_intersect_key array_is_list array_key_exists
    array_key_first array_key_last array_keys array_merge array_merge_recursive array_pad array_product array_rand
    array_replace array_replace_recursive array_reverse array_search array_slice array_sum array_unique
    array_values base64_decode base64_encode base_convert base_path basename bin2hex bindec boolval ceil
    check_plain checkdate chmod chr class_exists clearstatcache compact conf_path config_get constant content_url count crc32
    ctype_alnum ctype_alpha ctype_digit ctype_lower ctype_space ctype_upper ctype_xdigit current date
    date_default_timezone_get date_default_timezone_set dechex decoct defined dirname disk_free_space
    drupal_get_path drupal_set_message each error_clear_last error_get_last error_log error_reporting esc_attr
    esc_html escapeshellarg explode extension_loaded fclose feof fgets file file_exists file_get_contents
    file_put_contents filectime filemtime fileowner fileperms filesize filetype filter_input filter_var floatval
    floor flush fnmatch fopen fputs fread function_exists fwrite gc_enable get_bloginfo get_cfg_var get_class
    get_current_blog_id get_current_user get_defined_constants get_include_path get_magic_quotes_gpc
    get_object_vars get_option get_site_url getallheaders getcwd getdate getenv gethostbyname gethostname getmypid
    getmyuid getservbyname gettype glob hash hash_hmac header header_remove hex2bin home_url html_entity_decode
    htmlentities htmlspecialchars http_build_query http_response_code iconv idate ignore_user_abort implode
    in_array ini_get ini_parse_quantity ini_restore ini_set intdiv interface_exists intval ip2long is_a is_array
    is_bool is_dir is_executable is_file is_float is_int is_integer is_link is_multisite is_null is_numeric
    is_object is_readable is_resource is_scalar is_ssl is_string is_writable is_writeable join json_decode
    json_encode json_last_error json_last_error_msg key lcfirst localeconv long2ip ltrim max mb_convert_case
    mb_convert_encoding mb_internal_encoding mb_strlen mb_strpos mb_strtolower mb_strtoupper mb_substr md5
    memory_get_usage method_exists microtime min mkdir mktime module_exists mt_rand mysql_connect mysqli_connect
    nl2br number_format ob_end_clean ob_get_clean ob_start opcache_invalidate openlog openssl_digest ord
    parse_ini_file parse_ini_string parse_url pathinfo php_sapi_name php_uname phpversion plugin_dir_path
    plugin_dir_url plugins_url posix_geteuid posix_getpwuid posix_getuid pow preg_grep preg_last_error preg_quote
    preg_split print_r printf property_exists putenv quotemeta rand random_bytes random_int range rawurldecode
    rawurlencode readfile readlink realpath register_shutdown_function round rtrim scandir serialize
    session_cache_limiter session_get_cookie_params session_id session_name session_save_path
    session_set_cookie_params session_start session_status set_error_handler set_exception_handler
    set_include_path set_magic_quotes_runtime set_time_limit setcookie setlocale sha1 shell_exec
    simplexml_load_file site_url sleep spl_autoload_register spl_object_hash sprintf sqrt stat str_contains
    str_ends_with str_pad str_repeat str_rot13 str_split str_starts_with strcasecmp strchr strcmp strcspn
    stripcslashes stripos stripslashes stristr strlen strnatcasecmp strnatcmp strncasecmp strncmp strpbrk strpos
    strrchr strrev strripos strrpos strspn strstr strtok strtolower strtotime strtoupper strtr strval substr
    substr_count substr_replace sys_get_temp_dir syslog t time touch trailingslashit trigger_error trim ucfirst
    ucwords umask uniqid unlink untrailingslashit url urldecode urlencode usleep utf8_decode utf8_encode var_dump
    var_export variable_get version_compare vsprintf watchdog wordwrap wp_normalize_path wp_upload_dir
";

/// Functions that assign to their arguments at these places, and change nothing else.
const BY_REFERENCE: [(&[&str], &[usize]); 7] = [
    (
        &[
            "array_pop",
            "array_push",
            "array_shift",
            "array_splice",
            "array_unshift",
            "arsort",
            "asort",
            "end",
            "krsort",
            "ksort",
            "natcasesort",
            "natsort",
            "next",
            "prev",
            "reset",
            "rsort",
            "settype",
            "shuffle",
            "sort",
        ],
        &[0],
    ),
    (&["array_multisort"], &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (&["headers_sent"], &[0, 1]),
    (&["preg_match", "preg_match_all", "is_callable"], &[2]),
    (&["str_replace", "str_ireplace"], &[3]),
    (&["preg_replace"], &[4]),
    (&["exec", "system", "passthru"], &[1, 2]),
];

/// Functions that call what stands at the first place, and assign to their arguments at the other ones.
const CALLING: [(&[&str], usize, &[usize]); 4] = [
    (
        &["array_map", "call_user_func", "call_user_func_array"],
        0,
        &[],
    ),
    (&["array_filter", "array_reduce"], 1, &[]),
    (&["usort", "uasort", "uksort", "array_walk"], 1, &[0]),
    (&["preg_replace_callback"], 1, &[4]),
];

/// Beginnings of the names of classes whose methods define nothing that settings files define.
const HARMLESS_CLASSES: [&str; 15] = [
    "crm_",
    "civi\\",
    "composer\\",
    "composerautoloaderinit",
    "datetime",
    "dotenv\\",
    "drupal\\",
    "drupal",
    "exception",
    "jconfig",
    "jfactory",
    "joomla\\",
    "juri",
    "runtimeexception",
    "stdclass",
];

/// Methods that exceptions have.
const HARMLESS_METHODS: [&str; 5] = [
    "getcode",
    "getfile",
    "getline",
    "getmessage",
    "gettraceasstring",
];

/// Words before a bracket that do not call a function.
const KEYWORDS: [&str; 39] = [
    "and",
    "array",
    "as",
    "break",
    "case",
    "catch",
    "continue",
    "declare",
    "die",
    "do",
    "echo",
    "else",
    "elseif",
    "empty",
    "exit",
    "fn",
    "for",
    "foreach",
    "function",
    "global",
    "if",
    "include",
    "include_once",
    "instanceof",
    "isset",
    "list",
    "match",
    "new",
    "or",
    "print",
    "require",
    "require_once",
    "return",
    "static",
    "switch",
    "throw",
    "unset",
    "use",
    "while",
];

/// Types that stand in brackets before the value to be cast.
const CASTS: [&str; 10] = [
    "array", "binary", "bool", "boolean", "double", "float", "int", "integer", "object", "string",
];

/// A call that changes something, or may.
pub(super) struct Call {
    pub effect: Effect,
    /// What the line does, behind its number.
    pub what: String,
}

/// Finds the calls in an expression, from the left to the right.
pub(super) struct Calls<'a> {
    tokens: &'a [Lexeme],
    functions: &'a Functions,
    /// The place behind the brackets of a call of a harmless class: a method of what it gave is harmless too.
    harmless_end: usize,
}

impl<'a> Calls<'a> {
    pub fn new(tokens: &'a [Lexeme], functions: &'a Functions) -> Self {
        Self {
            tokens,
            functions,
            harmless_end: 0,
        }
    }

    fn is(&self, at: Option<usize>, symbol: &str) -> bool {
        at.and_then(|at| self.tokens.get(at))
            .is_some_and(|lexeme| lexeme.is(symbol))
    }

    fn is_bracket(&self, at: usize) -> bool {
        self.is(Some(at), "(")
    }

    /// The call whose name or whose bracket stands at a place, if it may change anything.
    pub fn at(&mut self, at: usize) -> Option<Call> {
        let lexeme = self.tokens.get(at)?;
        let all = |what: &str| {
            Some(Call {
                effect: Effect::All,
                what: what.to_owned(),
            })
        };
        let before = at.checked_sub(1);
        let is_method = ["->", "?->", "::"]
            .iter()
            .any(|arrow| self.is(before, arrow));
        match &lexeme.token {
            Token::Variable(_) if self.is_bracket(at + 1) => {
                all("calls a function or method whose name a variable holds")
            }
            Token::Symbol(")" | "]" | "}") if self.is_bracket(at + 1) && !self.is_cast(at) => {
                all("calls a function that an expression gives")
            }
            Token::Name(name) if name.eq_ignore_ascii_case("new") => self.new_object(at),
            Token::Name(name) if is_method && self.is_bracket(at + 1) => self.method(name, at),
            Token::Name(name) if self.is_bracket(at + 1) => {
                let is_new = before.and_then(|at| self.tokens.get(at));
                if is_new.is_some_and(|before| before.is_word("new") || before.is_word("function"))
                {
                    return None;
                }
                let length = bracketed(self.tokens.get(at + 1..)?)?;
                let arguments = self.tokens.get(at + 2..at + length)?;
                function(name, arguments, self.functions)
            }
            _ => None,
        }
    }

    /// Whether the bracket that closes here holds nothing but a type.
    fn is_cast(&self, close: usize) -> bool {
        let Some([open, word, _]) = close
            .checked_sub(2)
            .and_then(|at| self.tokens.get(at..=close))
        else {
            return false;
        };
        open.is("(") && CASTS.iter().any(|cast| word.is_word(cast))
    }

    fn behind(&self, name: usize) -> usize {
        let rest = self.tokens.get(name + 1..).unwrap_or_default();
        name + 1 + bracketed(rest).unwrap_or(rest.len())
    }

    fn new_object(&mut self, at: usize) -> Option<Call> {
        let class = self.tokens.get(at + 1).map(|lexeme| &lexeme.token);
        if let Some(Token::Name(class)) = class
            && is_harmless_class(class)
        {
            return None;
        }
        Some(Call {
            effect: Effect::All,
            what: "makes an object of a class that is not followed".to_owned(),
        })
    }

    fn method(&mut self, name: &str, at: usize) -> Option<Call> {
        let arrow = at.saturating_sub(1);
        let class = arrow.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_of_class = self.is(Some(arrow), "::")
            && matches!(class.map(|it| &it.token), Some(Token::Name(class)) if is_harmless_class(class));
        let is_of_result = self.harmless_end > 0 && arrow == self.harmless_end;
        if is_of_class || is_of_result {
            self.harmless_end = self.behind(at);
            return None;
        }
        if HARMLESS_METHODS
            .iter()
            .any(|method| name.eq_ignore_ascii_case(method))
        {
            return None;
        }
        Some(Call {
            effect: Effect::All,
            what: "calls a method that is not followed".to_owned(),
        })
    }
}

fn is_harmless_class(class: &str) -> bool {
    let class = class.trim_start_matches('\\').to_ascii_lowercase();
    let mut known = HARMLESS_CLASSES.iter();
    class.ends_with("exception") || known.any(|known| class.starts_with(known))
}

/// What a call of a function may change; `None` for one that changes nothing, and for `define`.
fn function(name: &str, arguments: &[Lexeme], functions: &Functions) -> Option<Call> {
    let word = name.trim_start_matches('\\').to_ascii_lowercase();
    let arguments: Vec<&[Lexeme]> = split(arguments, ",").collect();
    let is_keyword = KEYWORDS.contains(&word.as_str());
    if is_keyword || word == "define" {
        return None;
    }
    let call = |effect: Effect| {
        let name = super::functions::is_plain(word.as_bytes()).then_some(word.as_str());
        let what = format!("calls the function {}()", name.unwrap_or("…"));
        Some(Call { effect, what })
    };
    match functions.get(&word) {
        Some(true) => return call(Effect::All),
        Some(false) => return None,
        None => {}
    }
    match (word.as_str(), arguments.len()) {
        ("extract" | "parse_str" | "mb_parse_str", 1) | ("extract", _) => {
            return call(Effect::Variables);
        }
        ("parse_str" | "mb_parse_str", _) => return call(Effect::Arguments(&[1])),
        _ => {}
    }
    let mut calling = CALLING.iter();
    if let Some((_, callback, targets)) = calling.find(|(names, ..)| names.contains(&word.as_str()))
    {
        let is_harmless = arguments
            .get(*callback)
            .is_none_or(|it| is_harmless_callback(it, functions));
        return match is_harmless {
            true => call(Effect::Arguments(targets)),
            false => call(Effect::All),
        };
    }
    let mut by_reference = BY_REFERENCE.iter();
    if let Some((_, targets)) = by_reference.find(|(names, _)| names.contains(&word.as_str())) {
        return call(Effect::Arguments(targets));
    }
    match HARMLESS.split_ascii_whitespace().any(|known| known == word) {
        true => None,
        false => call(Effect::All),
    }
}

/// Whether what is handed over to be called is known to change nothing.
fn is_harmless_callback(tokens: &[Lexeme], functions: &Functions) -> bool {
    match tokens {
        [
            Lexeme {
                token: Token::Text(parts),
                ..
            },
        ] => match &parts[..] {
            [StringPart::Literal(name)] => {
                let name = String::from_utf8_lossy(name);
                name != "define" && function(&name, &[], functions).is_none()
            }
            _ => false,
        },
        [first, ..]
            if first.is_word("function") || first.is_word("static") || first.is_word("fn") =>
        {
            // The parameters belong to the closure.
            let at = tokens.iter().position(|lexeme| lexeme.is("("));
            let Some(at) = at else { return false };
            let rest = tokens.get(at..).unwrap_or_default();
            let body = rest
                .get(bracketed(rest).unwrap_or(rest.len())..)
                .unwrap_or_default();
            is_harmless_body(body, functions)
        }
        _ => false,
    }
}

/// The number of tokens of the closure `function (…) use (…) {…}` that begins here; its body runs where it is called.
pub(super) fn closure(tokens: &[Lexeme]) -> Option<usize> {
    let [function, next, ..] = tokens else {
        return None;
    };
    if !function.is_word("function") || !(next.is("(") || next.is("&")) {
        return None;
    }
    let mut at = 1;
    while let Some(lexeme) = tokens.get(at) {
        let length = bracketed(tokens.get(at..)?)?;
        at += length;
        if lexeme.is("{") {
            return Some(at);
        }
    }
    None
}

/// Adds the functions that a script declares, wherever it does, with whether calling them may change anything.
pub(super) fn declare(tokens: &[Lexeme], functions: &mut Functions) {
    let mut bodies = Vec::new();
    let mut class_end = 0;
    for (at, lexeme) in tokens.iter().enumerate() {
        let rest = tokens.get(at + 1..).unwrap_or_default();
        // Methods are no functions.
        if at >= class_end
            && ["class", "interface", "trait", "enum"]
                .iter()
                .any(|word| lexeme.is_word(word))
        {
            let open = rest
                .iter()
                .position(|lexeme| lexeme.is("{") || lexeme.is(";"));
            let body = open.and_then(|open| Some((open, bracketed(rest.get(open..)?)?)));
            class_end = body.map_or(at, |(open, length)| at + 1 + open + length);
        }
        let name = match rest {
            [ampersand, name, open, ..] if ampersand.is("&") && open.is("(") => Some((name, 2)),
            [name, open, ..] if open.is("(") => Some((name, 1)),
            _ => None,
        };
        if at < class_end || !lexeme.is_word("function") {
            continue;
        }
        let Some((
            Lexeme {
                token: Token::Name(name),
                ..
            },
            ahead,
        )) = name
        else {
            continue;
        };
        let parameters = rest.get(ahead..).unwrap_or_default();
        let open = parameters.iter().position(|lexeme| lexeme.is("{"));
        let end = open.and_then(|open| Some(open + bracketed(parameters.get(open..)?)?));
        let whole = parameters
            .get(..end.unwrap_or(parameters.len()))
            .unwrap_or_default();
        let word = name.to_ascii_lowercase();
        // Until it is looked at; a function that calls itself does no more by that.
        functions.entry(word.clone()).or_insert(false);
        bodies.push((word, whole));
    }
    // Once for each of them is enough, since one that is harmful makes those harmful that call it.
    for _ in 0..bodies.len().min(MAX_ROUNDS) {
        let before = functions.clone();
        for (word, body) in &bodies {
            if !is_harmless_body(body, &before) {
                functions.insert(word.clone(), true);
            }
        }
        if *functions == before {
            return;
        }
    }
    for (word, _) in bodies {
        functions.insert(word, true);
    }
}

/// The most rounds in which functions are looked at that call one another.
const MAX_ROUNDS: usize = 20;

/// Whether a function with these parameters and this body changes nothing of its caller.
fn is_harmless_body(tokens: &[Lexeme], functions: &Functions) -> bool {
    let mut calls = Calls::new(tokens, functions);
    let mut globals = BTreeSet::from(["GLOBALS"]);
    for (at, lexeme) in tokens.iter().enumerate() {
        let is_word = |word: &str| lexeme.is_word(word);
        if is_reference(tokens, at)
            || ["include", "include_once", "require", "require_once", "goto", "eval"].into_iter().any(is_word)
            // Whether it is called then matters for more than its constants.
            || is_word("CRM_Core_ClassLoader")
            || (is_word("define") && tokens.get(at + 1).is_some_and(|next| next.is("(")))
        {
            return false;
        }
        if let Some(Call {
            effect: Effect::All,
            ..
        }) = calls.at(at)
        {
            return false;
        }
        if is_word("global") {
            let names = tokens.get(at + 1..).unwrap_or_default().iter();
            let names = names.take_while(|lexeme| !lexeme.is(";"));
            globals.extend(names.filter_map(|lexeme| match &lexeme.token {
                Token::Variable(name) => Some(name.as_str()),
                _ => None,
            }));
        }
        if let Token::Text(parts) = &lexeme.token {
            let mut inside = parts.iter().filter_map(|part| match part {
                StringPart::Expression(tokens) => Some(tokens),
                StringPart::Literal(_) => None,
            });
            if inside.any(|tokens| !is_harmless_body(tokens, functions)) {
                return false;
            }
        }
    }
    // An argument by reference may be a global variable too.
    let is_global = |lexeme: &Lexeme| matches!(&lexeme.token, Token::Variable(name) if globals.contains(name.as_str()));
    let mut calls = Calls::new(tokens, functions);
    let by_reference = (0..tokens.len()).any(|at| calls.at(at).is_some());
    let any_global = tokens.iter().filter(|lexeme| is_global(lexeme)).count() > 0;
    !(targets(tokens).any(is_global) || (by_reference && any_global))
}

/// Whether a `&` stands here that makes a reference, and not the one between two numbers.
pub(super) fn is_reference(tokens: &[Lexeme], at: usize) -> bool {
    let is_ampersand = tokens.get(at).is_some_and(|lexeme| lexeme.is("&"));
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let is_operand = match before.map(|lexeme| &lexeme.token) {
        Some(Token::Name(name)) => !name.eq_ignore_ascii_case("as"),
        Some(Token::Symbol(symbol)) => [")", "]", "}"].contains(symbol),
        Some(_) => true,
        None => false,
    };
    let names_variable = tokens.get(at + 1).is_some_and(|next| {
        matches!(next.token, Token::Variable(_)) || next.is("$") || next.is("...")
    });
    is_ampersand && !is_operand && names_variable
}

/// Most tokens before an assignment that are taken for what it assigns to.
const MAX_TARGET: usize = 64;

const ASSIGNMENTS: [&str; 14] = [
    "=", ".=", "??=", "+=", "-=", "*=", "/=", "%=", "**=", "|=", "&=", "^=", "<<=", ">>=",
];

/// Tokens that may stand before the target of an assignment inside an expression.
const BEFORE_TARGETS: [&str; 11] = ["(", "=", ";", "{", "}", "&&", "||", "?", ":", "==", "==="];

/// What the assignment at a place may assign to, if there is one: the variables before the operator and in its keys, those
/// of `[$a, $b] =` and `list()`, the one before or behind `++` and `--`.
pub(super) fn target(tokens: &[Lexeme], at: usize) -> impl Iterator<Item = &Lexeme> {
    let lexeme = tokens.get(at);
    let is_one_of = |symbols: &[&str]| {
        lexeme.is_some_and(|lexeme| symbols.iter().any(|symbol| lexeme.is(symbol)))
    };
    let is_step = is_one_of(&["++", "--"]);
    let before = match is_step || is_one_of(&ASSIGNMENTS) {
        true => tokens.get(at.saturating_sub(MAX_TARGET)..at),
        false => None,
    };
    let is_part = |lexeme: &&Lexeme| !BEFORE_TARGETS.iter().any(|it| lexeme.is(it));
    let before = before.unwrap_or_default().iter().rev().take_while(is_part);
    let behind = match is_step {
        true => tokens.get(at + 1..at + 2),
        false if lexeme.is_some_and(|lexeme| lexeme.is_word("list")) => {
            tokens.get(at + 1..).map(super::slices::argument)
        }
        false => None,
    };
    before.chain(behind.unwrap_or_default())
}

/// All that statements may assign to, as far as it stands in them.
pub(super) fn targets(tokens: &[Lexeme]) -> impl Iterator<Item = &Lexeme> {
    (0..tokens.len()).flat_map(|at| target(tokens, at))
}
