//! Lines of a width that the user wants.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// The line, broken at blanks where it is wider than `width` columns, with `indent` blanks before what follows; a word
/// that is wider stays whole. What sets colours has no width. Without a width the line stays as it is.
pub(super) fn wrapped(line: &str, width: Option<usize>, indent: usize) -> String {
    let Some(width) = width else {
        return line.to_owned();
    };
    let indent = " ".repeat(indent);
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::fill(line, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_blanks_only_and_colours_take_no_room() {
        let line =
            "\x1b[1merror\x1b[0m  fk-name  one two three FK_a_very_long_name_that_stays_whole end";
        let broken = wrapped(line, Some(30), 7);
        let lines: Vec<&str> = broken.lines().collect();
        assert_eq!(
            lines,
            [
                "\x1b[1merror\x1b[0m  fk-name  one two three",
                "       FK_a_very_long_name_that_stays_whole",
                "       end"
            ]
        );
        assert_eq!(wrapped(line, None, 7), line);
        assert_eq!(wrapped("  fact", Some(40), 4), "  fact");
    }
}
