use super::*;

fn tokens(text: &str, modes: SqlModes) -> Vec<Token<'_>> {
    let mut lexer = Lexer::new(text, modes);
    std::iter::from_fn(|| Some(lexer.next_lexeme().token))
        .take_while(|token| *token != Token::End)
        .collect()
}

fn one(text: &str) -> Token<'_> {
    let mut tokens = tokens(text, SqlModes::default());
    assert_eq!(tokens.len(), 1, "{text}: {tokens:?}");
    tokens.remove(0)
}

fn text(content: &str) -> Token<'_> {
    Token::Text(content.into())
}

#[test]
fn literals_are_read_in_every_form() {
    for (written, token) in [
        ("'a''b'", text("a'b")),
        (r"'a\'b\\\n\0\%'", text("a'b\\\n\0\\%")),
        (r#""a""b'c""#, text("a\"b'c")),
        ("N'a'", text("a")),
        ("_utf8mb4'a'", text("a")),
        ("_binary 'a'", text("a")),
        ("_latin1 x'41'", Token::Hex("41")),
        ("X'4142'", Token::Hex("4142")),
        ("0x4aF", Token::Hex("4aF")),
        ("b'01'", Token::Bits("01")),
        ("0b10", Token::Bits("10")),
        ("1.5e-3", Token::Number("1.5e-3")),
        (".5", Token::Number(".5")),
        ("12", Token::Number("12")),
    ] {
        assert_eq!(one(written), token, "{written}");
    }
}

#[test]
fn names_and_variables_are_read_in_every_form() {
    for (written, token) in [
        ("`a``b`", Token::Quoted("a`b".into())),
        (r"`a\`", Token::Quoted(r"a\".into())),
        ("1st", Token::Word("1st")),
        ("2e", Token::Word("2e")),
        ("_x", Token::Word("_x")),
        ("naïve$1", Token::Word("naïve$1")),
        ("@a.b_$", Token::UserVariable("a.b_$".into())),
        ("@`a b`", Token::UserVariable("a b".into())),
        ("@'a'", Token::UserVariable("a".into())),
        (
            "@@session.sql_mode",
            Token::SystemVariable("session.sql_mode"),
        ),
        (":=", Token::Assign),
        ("@", Token::Symbol('@')),
    ] {
        assert_eq!(one(written), token, "{written}");
    }
    let account = tokens("u@db-1.example.org", SqlModes::default());
    assert_eq!(account[1], Token::UserVariable("db-1.example.org".into()));
    assert_eq!(tokens(" @a-1", SqlModes::default()).len(), 3);
}

#[test]
fn quotes_and_backslashes_follow_the_modes() {
    let ansi = SqlModes {
        ansi_quotes: true,
        no_backslash_escapes: false,
    };
    assert_eq!(tokens(r#""a""b""#, ansi), [Token::Quoted("a\"b".into())]);
    let plain = SqlModes {
        ansi_quotes: false,
        no_backslash_escapes: true,
    };
    assert_eq!(tokens(r"'a\' b", plain), [text(r"a\"), Token::Word("b")]);
}

#[test]
fn comments_are_skipped_and_version_comments_are_not() {
    for written in [
        "a -- b\nc",
        "a # b\nc",
        "a /* b */ c",
        "a /*+ b */ c",
        "/*!50003 a c*/",
        "/*!500031 a c */",
        "/*! a*/ c",
        "/*M!100616 a */c",
        "/*!50003 a /* b */ c */",
        "/*!50003 a /*!50017 c */ */",
        "a/*!999999 b */ c",
        "a /*M!999999\\- b /* b */ b */ c",
        "a--\n c",
        "\u{feff}a c",
    ] {
        assert_eq!(
            tokens(written, SqlModes::default()),
            [Token::Word("a"), Token::Word("c")],
            "{written}"
        );
    }
    assert_eq!(tokens("1--1", SqlModes::default()).len(), 4);
}

#[test]
fn places_and_marks_are_told() {
    let mut lexer = Lexer::new("/*!50003 a*/ b", SqlModes::default());
    let first = lexer.next_lexeme();
    assert_eq!((first.start, first.end), (9, 10));
    assert!(first.in_version_comment && first.after_marker);
    let second = lexer.next_lexeme();
    assert_eq!((second.start, second.end), (13, 14));
    assert!(!second.in_version_comment && second.after_marker);
    let end = lexer.next_lexeme();
    assert_eq!((end.token, end.after_marker), (Token::End, false));
}

#[test]
fn text_that_breaks_off_is_unterminated() {
    for written in [
        "'a",
        "'a\\'",
        "\"a",
        "`a",
        "x'4",
        "/* a",
        "/*!50003 ",
        "@'a",
        "/*!999999 /* */",
    ] {
        assert!(matches!(one(written), Token::Unterminated(_)), "{written}");
    }
}
