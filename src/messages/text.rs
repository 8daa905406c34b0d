//! Text of messages in one form, so that a pattern fits however a program has quoted and wrapped it.

/// HTML's ways to write quotes and signs, as messages have them that were copied from a page.
const ENTITIES: [(&[u8], u8); 7] = [
    (b"&#039;", b'\''),
    (b"&#39;", b'\''),
    (b"&quot;", b'\''),
    (b"&apos;", b'\''),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
    (b"&amp;", b'&'),
];

/// Typographic quotes, in UTF-8.
const QUOTES: [&[u8]; 4] = [
    "\u{2018}".as_bytes(),
    "\u{2019}".as_bytes(),
    "\u{201c}".as_bytes(),
    "\u{201d}".as_bytes(),
];

/// The text with one kind of quote, one blank for each run of white space, and without HTML's entities; letters keep
/// their case. It is at most as long as the input.
pub(super) fn plain(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'`' | b'"' => plain.push(b'\''),
            b'\\' if matches!(behind.first(), Some(b'\'' | b'"' | b'`')) => {}
            b'&' => match ENTITIES.iter().find_map(|(entity, sign)| {
                let after = behind.strip_prefix(entity.get(1..)?)?;
                Some((after, *sign))
            }) {
                Some((after, sign)) => {
                    plain.push(sign);
                    rest = after;
                }
                None => plain.push(b'&'),
            },
            0xE2 => match QUOTES
                .iter()
                .find_map(|quote| behind.strip_prefix(quote.get(1..)?))
            {
                Some(after) => {
                    plain.push(b'\'');
                    rest = after;
                }
                None => plain.push(0xE2),
            },
            first if first.is_ascii_whitespace() => {
                if plain.last().is_some_and(|last| *last != b' ') {
                    plain.push(b' ');
                }
            }
            first => plain.push(*first),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_blanks_and_entities_have_one_form() {
        let text = "  Can\\'t\n   DROP &#039;x&#039; `y` \u{201c}z\u{201d} &amp;&unknown;";
        let plain = plain(text.as_bytes());
        assert_eq!(
            String::from_utf8_lossy(&plain),
            "Can't DROP 'x' 'y' 'z' &&unknown;"
        );
    }
}
