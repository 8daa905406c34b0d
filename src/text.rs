//! Text that was written by others made inert, with one function for each medium, and numbers in words for people.
//!
//! | where it is printed | function |
//! |---|---|
//! | terminal, messages | [`printable`], [`printable_lines`]; [`Inert`] around all of a report for people |
//! | SQL script: a comment | [`sql_comment`] |
//! | SQL script: a statement | [`sql_statement`] |
//! | CSV | [`csv_cell`] |
//! | JSON | [`printable_json`] |
//! | XML | [`xml_text`] |
//! | HTML | [`printable`], and the templates escape it |
//! | Markdown | [`markdown_code`] |
//! | Prometheus: the value of a label | [`prometheus_label`] |
//! | Nagios: the line of a plugin | [`nagios_text`] |

use std::fmt::Write as _;
use std::io::{self, Write};

/// Control characters, and those that change the direction of text or cannot be seen, become visible escapes: names
/// in a hostile dump must not move the cursor or disguise what a line says.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Lines of text, each as [`printable`] gives it, without a line feed at the end.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// JSON text in which characters that [`printable`] would escape stand as `\u` escapes, so that it may be shown
/// as well.
pub fn printable_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        // Line feeds stand between the lines of the text; inside strings they are escaped already.
        if is_hidden(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// One line of comment in an SQL script. No text ends it: line feeds become visible escapes.
pub fn sql_comment(text: &str) -> String {
    format!("-- {}", printable(text))
}

/// A statement as it stands in an SQL script; or a comment in its place where it holds characters that may not be
/// printed, or a name with a line break: what is printed has to name what is meant, and must neither move the
/// cursor nor look like another statement.
pub fn sql_statement(statement: String) -> String {
    let is_inert = |line: &str| !line.chars().any(is_hidden);
    match sql_on_one_line(&statement) {
        Some(_) if statement.split('\n').all(is_inert) => statement,
        _ => sql_comment(&format!("left out for its names: {statement}")),
    }
}

/// A statement with one blank in the place of each line feed and its indent; `None` where a line feed stands in a
/// name or a text, of which it would make another.
pub fn sql_on_one_line(statement: &str) -> Option<String> {
    let (mut quote, mut is_escaped, mut is_indent) = (None, false, false);
    let mut line = String::with_capacity(statement.len());
    for c in statement.chars() {
        match quote {
            _ if is_escaped => is_escaped = false,
            Some('\'' | '"') if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            None if matches!(c, '`' | '\'' | '"') => quote = Some(c),
            _ => {}
        }
        match (c, quote) {
            ('\n', Some(_)) => return None,
            ('\n', None) => {
                line.push(' ');
                is_indent = true;
            }
            (' ', None) if is_indent => {}
            _ => {
                line.push(c);
                is_indent = false;
            }
        }
    }
    Some(line)
}

/// A cell of a CSV file that people open with a spreadsheet, which takes a text that begins with one of a few
/// characters for a formula: it gets an apostrophe before it, which spreadsheets take for the sign of a text.
pub fn csv_cell(text: &str) -> String {
    let cell = printable(text);
    let is_formula = cell.starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    match is_formula {
        true => format!("'{cell}"),
        false => cell,
    }
}

/// Text of an XML document, between tags or in an attribute. Characters that XML does not know at all are visible escapes
/// already.
pub fn xml_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// A code span of Markdown, in which nothing is markup, a link or a mention: its fence is longer than any row of
/// backticks inside. It has one line, since line feeds are visible escapes.
pub fn markdown_code(text: &str) -> String {
    let text = printable(text);
    let rows = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(rows.max().unwrap_or_default() + 1);
    // Of a space at both ends one is taken away, and a backtick at an end would belong to the fence.
    let is_bare = text.trim_matches(['`', ' ']).len() == text.len() && !text.is_empty();
    let space = if is_bare { "" } else { " " };
    format!("{fence}{space}{text}{space}{fence}")
}

/// The value of a label in the text format of Prometheus, without its quotes.
pub fn prometheus_label(text: &str) -> String {
    // A line feed is a visible escape already.
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Text in the line of a plugin of Nagios: a bar would begin the performance data, and what a shell or a web page takes
/// for something of its own is left out by some of its interfaces, with the rest of the line.
pub fn nagios_text(text: &str) -> String {
    let replaced = |c| match c {
        '|' => '\u{a6}',
        '`' | '"' => '\'',
        '<' => '(',
        '>' => ')',
        '&' => '+',
        '~' | '$' | '\\' => '_',
        _ => c,
    };
    printable(text).chars().map(replaced).collect()
}

/// What goes to a terminal as a whole: line feeds, tabs and colours stay, and whatever else may not be printed
/// becomes a visible escape. What is made of names of others has been made inert before; this is for what was
/// forgotten.
pub fn inert(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = colour(rest).unwrap_or(c.len_utf8());
        let (piece, behind) = rest.split_at(length);
        match is_hidden(c) && length == c.len_utf8() && c != '\n' && c != '\t' {
            // Writing to a String cannot fail.
            true => drop(write!(safe, "{}", c.escape_unicode())),
            false => safe.push_str(piece),
        }
        rest = behind;
    }
    safe
}

/// How long the escape sequence is that sets a colour (SGR), where one begins here.
fn colour(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let is_inside = |c: char| c.is_ascii_digit() || c == ';';
    let end = inside.find(|c| !is_inside(c))?;
    inside[end..].starts_with('m').then_some(end + 3)
}

/// A writer through which everything goes as [`inert`] gives it, line by line.
pub struct Inert<W: Write> {
    output: W,
    line: Vec<u8>,
}

impl<W: Write> Inert<W> {
    /// Writes to `output`; what stands behind the last line feed is written by [`Write::flush`].
    pub fn new(output: W) -> Self {
        let line = Vec::new();
        Self { output, line }
    }

    fn pass(&mut self, length: usize) -> io::Result<()> {
        let rest = self.line.split_off(length);
        let line = std::mem::replace(&mut self.line, rest);
        let shown = inert(&String::from_utf8_lossy(&line));
        self.output.write_all(shown.as_bytes())
    }
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let end = memchr::memrchr(b'\n', text).map(|end| self.line.len() + end + 1);
        self.line.extend_from_slice(text);
        end.map_or(Ok(()), |end| self.pass(end))?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.line.len())?;
        self.output.flush()
    }
}

/// Characters that move the cursor, change the direction of text or cannot be seen: those of Unicode's categories Cc
/// and Cf, line and paragraph separators, fillers that show nothing, and two that no text may hold.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}'
            | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}' | '\u{110BD}' | '\u{110CD}'
            | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// A text as one word of a shell's command line: in single quotes, unless it is one without them.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=~^".contains(c);
    match !text.is_empty() && !text.starts_with(['~', '=']) && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A number with a comma between thousands: `48,211`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number and its noun, in the plural unless the number is 1: `1 table`, `2 tables`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_gets_through() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{202e}c\r"),
            "a\\u{1b}[2Jb\\u{202e}c\\u{d}"
        );
        assert_eq!(printable("Grüße 😀"), "Grüße 😀");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        for hidden in [
            '\u{61c}',
            '\u{ad}',
            '\u{180e}',
            '\u{e0041}',
            '\u{feff}',
            '\u{2066}',
            '\u{9b}',
            '\u{7f}',
            '\u{3164}',
        ] {
            let text = format!("a{hidden}b");
            assert_eq!(printable(&text), format!("a{}b", hidden.escape_unicode()));
            assert!(!inert(&text).contains(hidden));
            let json = printable_json(&format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn a_comment_has_one_line_and_a_statement_names_what_is_meant() {
        assert_eq!(sql_comment("a\nDROP TABLE b"), "-- a\\u{a}DROP TABLE b");
        for inert in ["ALTER TABLE `a`\n  DROP KEY `b`", "UPDATE t SET a = 'x\\n'"] {
            assert_eq!(sql_statement(inert.to_owned()), inert);
        }
        for other in [
            "ALTER TABLE `a\nb` DROP KEY `c`",
            "DROP TABLE `a\u{1b}[2J`",
            "SELECT 'a\n'",
        ] {
            let shown = sql_statement(other.to_owned());
            assert!(shown.starts_with("-- left out for its names: "), "{shown}");
            assert!(!shown.contains(['\n', '\u{1b}']), "{shown}");
        }
        let line = sql_on_one_line("ALTER TABLE `a`\n  DROP KEY `b`");
        assert_eq!(line.as_deref(), Some("ALTER TABLE `a` DROP KEY `b`"));
    }

    #[test]
    fn a_spreadsheet_takes_no_cell_for_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\u{ff1d}1"] {
            assert_eq!(csv_cell(formula), format!("'{formula}"));
        }
        assert_eq!(csv_cell("\t=1"), "\\u{9}=1");
        assert_eq!(csv_cell("a=1"), "a=1");
    }

    #[test]
    fn xml_has_no_markup_and_no_character_of_others() {
        assert_eq!(
            xml_text("a<b & 'c'=\"d\">\u{0}\u{ffff}"),
            "a&lt;b &amp; &#39;c&#39;=&quot;d&quot;&gt;\\u{0}\\u{ffff}"
        );
    }

    #[test]
    fn no_text_ends_its_code_span() {
        for (text, span) in [
            ("a", "`a`"),
            ("a `b` c", "``a `b` c``"),
            ("`", "`` ` ``"),
            (" x ", "`  x  `"),
            ("", "`  `"),
            ("a\n# b", "`a\\u{a}# b`"),
            ("```x", "```` ```x ````"),
        ] {
            assert_eq!(markdown_code(text), span);
        }
    }

    #[test]
    fn every_medium_gives_back_what_a_name_was() {
        for name in crate::hostile::names() {
            let shown = printable(&name);
            let safe = xml_text(&name);
            let xml = format!("<a b=\"{safe}\" c='{safe}'>{safe}</a>");
            let document = roxmltree::Document::parse(&xml).unwrap();
            let element = document.root_element();
            for read in [
                element.attribute("b"),
                element.attribute("c"),
                element.text(),
            ] {
                assert_eq!(read.unwrap_or_default(), shown);
            }
            let span = markdown_code(&name);
            let fence = span.chars().take_while(|c| *c == '`').count();
            let inside = &span[fence..span.len() - fence];
            assert!(
                inside.split(|c| c != '`').all(|row| row.len() != fence),
                "{span}"
            );
            assert_eq!(inside.trim(), shown.trim());
            let label = prometheus_label(&name);
            let (mut read, mut characters) = (String::new(), label.chars());
            while let Some(c) = characters.next() {
                assert!(c != '"' && c != '\n', "{label}");
                read.extend(match c {
                    '\\' => characters.next(),
                    c => Some(c),
                });
            }
            assert_eq!(read, shown);
            assert!(!nagios_text(&name).contains(['|', '\n', '`', '$', '<']));
        }
    }

    #[test]
    fn labels_and_plugin_lines_end_where_they_should() {
        assert_eq!(prometheus_label("a\"b\\c\nd"), "a\\\"b\\\\c\\\\u{a}d");
        assert_eq!(
            nagios_text("a | b=1 `id` <c>\n"),
            "a \u{a6} b=1 'id' (c)_u{a}"
        );
    }

    #[test]
    fn colours_pass_and_nothing_else_does() {
        let coloured = "\u{1b}[1;31mFAIL\u{1b}[0m\ta\n";
        assert_eq!(inert(coloured), coloured);
        assert_eq!(
            inert("\u{1b}[2J\u{1b}]52;c;eA==\u{7}"),
            "\\u{1b}[2J\\u{1b}]52;c;eA==\\u{7}"
        );
        assert_eq!(inert("\u{1b}[31"), "\\u{1b}[31");
        let mut out = Vec::new();
        let mut writer = Inert::new(&mut out);
        // Pieces end anywhere.
        for byte in "\u{1b}[31mé\u{7}\nß".bytes() {
            writer.write_all(&[byte]).unwrap();
        }
        writer.flush().unwrap();
        assert_eq!(String::from_utf8_lossy(&out), "\u{1b}[31mé\\u{7}\nß");
    }

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        for (text, word) in [
            ("/var/backups/site-1.sql.gz", "/var/backups/site-1.sql.gz"),
            ("my site.sql", "'my site.sql'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("~x", "'~x'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
