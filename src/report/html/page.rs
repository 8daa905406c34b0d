//! The page around the sources: its head, what it comes to, and its end.

use std::io::{self, Write};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{index, section};
use crate::report::render::{Renderer, Unread};
use crate::report::{Digest, Report};
use crate::text::{count, printable};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What a browser may do with the page: show it, with this style and this script, and nothing else. Markup that came
/// into it from a name could run and load nothing.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    )
});

/// One HTML file that needs nothing besides: with a script that filters and sorts, and readable without it.
#[derive(Debug)]
pub struct Html {
    several: bool,
}

impl Html {
    /// For one report, or for several.
    pub fn new(several: bool) -> Self {
        Self { several }
    }
}

impl Renderer for Html {
    fn report(&self, number: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        write(&section::report(number, report), out)
    }

    fn unread(&self, number: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        write(&section::unread(number, unread), out)
    }

    fn begins_with_all(&self) -> bool {
        true
    }

    fn begin(&self, digests: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        let command = digests.first().map_or("cividb", |digest| &digest.command);
        let what = match digests {
            [one] if !self.several => printable(&one.name()),
            _ => count(digests.len() as u64, "source"),
        };
        let title = format!("cividb {command}: {what}");
        let head = html! {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(*POLICY);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        };
        let beginning = html! {
            a.skip href="#main" { "To the findings" }
            header {
                h1 { (title) }
                p.soft { "Made by cividb " (env!("CARGO_PKG_VERSION")) ". Everything from the source is shown as text." }
            }
            @if self.several { (index::index(digests)) }
            div #tools.tools role="search" hidden {}
        };
        let (doctype, head, beginning) = (DOCTYPE.0, head.0, beginning.0);
        write!(
            out,
            "{doctype}<html lang=\"en\"><head>{head}</head>\n<body>{beginning}\n<main id=\"main\">\n"
        )
    }

    fn finish(&self, _: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</main>\n<script>{SCRIPT}</script></body></html>")
    }
}

fn write(markup: &Markup, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", markup.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_style_nor_script_ends_its_element_or_loads_anything() {
        for text in [STYLE, SCRIPT] {
            for wrong in [
                "</",
                "<!--",
                "http:",
                "https:",
                "url(",
                "@import",
                "import(",
                "innerHTML",
                "eval(",
            ] {
                assert!(!text.contains(wrong), "{wrong}");
            }
        }
        // A style attribute would be refused by the policy.
        assert!(POLICY.starts_with("default-src 'none'; style-src 'sha256-"));
    }
}
