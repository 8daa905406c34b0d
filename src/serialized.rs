//! Values that PHP's `serialize` wrote, read without PHP.

/// A value as PHP's `serialize` writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `N;`
    Null,
    /// `b:1;`
    Bool(bool),
    /// `i:7;`
    Int(i64),
    /// `d:0.5;`
    Float(f64),
    /// `s:3:"abc";`, with its length in bytes.
    Text(Vec<u8>),
    /// `a:1:{…}`: keys and values in order.
    Array(Vec<(Value, Value)>),
    /// `O:8:"stdClass":1:{…}`: the name of the class, and the properties in order.
    Object(Vec<u8>, Vec<(Value, Value)>),
}

/// How deep arrays may lie in each other; CiviCRM's and the CMS's have less than ten.
const DEEPEST: usize = 64;

impl Value {
    /// Reads one value, behind which nothing may stand but white space; `None` where the text is not one.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let value = reader.value(0)?;
        reader.rest.trim_ascii().is_empty().then_some(value)
    }

    /// Whether PHP takes the value for true.
    pub fn is_on(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(on) => *on,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !matches!(&text[..], b"" | b"0"),
            Self::Array(entries) => !entries.is_empty(),
            Self::Object(..) => true,
        }
    }

    /// The value of a key of an array or object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let mut entries = self.entries().iter();
        let found =
            entries.find(|(name, _)| matches!(name, Self::Text(name) if name == key.as_bytes()));
        found.map(|(_, value)| value)
    }

    /// The keys and values of an array or object; empty for others.
    pub fn entries(&self) -> &[(Self, Self)] {
        match self {
            Self::Array(entries) | Self::Object(_, entries) => entries,
            _ => &[],
        }
    }

    /// A text or number as text; `None` for all others.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let kind = self.rest.first()?;
        match kind {
            b'N' => self.skip(b"N;").map(|()| Value::Null),
            b'b' => {
                self.skip(b"b:")?;
                let on = self.until(b';')? == b"1";
                Some(Value::Bool(on))
            }
            b'i' => {
                self.skip(b"i:")?;
                number(self.until(b';')?).map(Value::Int)
            }
            b'd' => {
                self.skip(b"d:")?;
                number(self.until(b';')?).map(Value::Float)
            }
            b's' => {
                self.skip(b"s:")?;
                let text = self.quoted()?;
                self.skip(b";")?;
                Some(Value::Text(text))
            }
            b'a' => {
                self.skip(b"a:")?;
                self.entries(depth).map(Value::Array)
            }
            b'O' => {
                self.skip(b"O:")?;
                let class = self.quoted()?;
                self.skip(b":")?;
                let entries = self.entries(depth)?;
                Some(Value::Object(class, entries))
            }
            _ => None,
        }
    }

    /// `3:"abc"`
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let length: usize = number(self.until(b':')?)?;
        self.skip(b"\"")?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.skip(b"\"")?;
        Some(text.to_vec())
    }

    /// `1:{…}`
    fn entries(&mut self, depth: usize) -> Option<Vec<(Value, Value)>> {
        let number: usize = number(self.until(b':')?)?;
        self.skip(b"{")?;
        let mut entries = Vec::new();
        for _ in 0..number {
            let key = self.value(depth + 1)?;
            entries.push((key, self.value(depth + 1)?));
        }
        self.skip(b"}")?;
        Some(entries)
    }

    fn until(&mut self, end: u8) -> Option<&[u8]> {
        let at = memchr::memchr(end, self.rest)?;
        let (found, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest.get(1..)?;
        Some(found)
    }

    fn skip(&mut self, what: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(what)?;
        Some(())
    }
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_on_and_off_is_understood() {
        for (text, on) in [
            ("N;", false),
            ("b:0;", false),
            ("i:0;", false),
            ("d:0;", false),
            ("s:0:\"\";", false),
            ("s:1:\"0\";", false),
            ("a:0:{}", false),
            ("b:1;", true),
            ("i:1;", true),
            ("s:1:\"1\";", true),
            ("O:8:\"stdClass\":0:{}", true),
        ] {
            let value = Value::parse(text.as_bytes()).expect(text);
            assert_eq!(value.is_on(), on, "{text}");
        }
    }

    #[test]
    fn nested_values_are_found_by_their_keys_and_lengths_count_bytes() {
        let text = "a:2:{s:4:\"page\";a:1:{s:5:\"front\";s:5:\"/node\";}i:3;s:2:\"é\";}";
        let value = Value::parse(text.as_bytes()).expect("a value");
        let front = value.get("page").and_then(|page| page.get("front"));
        assert_eq!(front.and_then(Value::as_text).as_deref(), Some("/node"));
        assert_eq!(value.entries().len(), 2);
    }

    #[test]
    fn what_is_not_whole_is_refused_wherever_it_ends() {
        let text = b"a:2:{s:1:\"a\";O:1:\"B\":1:{i:0;d:1.5;}s:1:\"c\";b:1;}";
        assert!(Value::parse(text).is_some());
        for end in 0..text.len() {
            assert_eq!(Value::parse(&text[..end]), None, "{end}");
        }
        // A search and replace that changed the length of a text.
        assert_eq!(Value::parse(b"s:3:\"abcd\";"), None);
        assert_eq!(Value::parse(b"s:99999999999999999999:\"a\";"), None);
        assert_eq!(Value::parse("a:1:{".repeat(9_000).as_bytes()), None);
        assert_eq!(Value::parse("a:1:{i:0;".repeat(9_000).as_bytes()), None);
    }
}
