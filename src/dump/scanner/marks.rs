//! The marks at which the scanner knows comments and commands of the client.

#[inline]
pub(super) fn starts_with(bytes: &[u8], at: usize, what: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(what))
}

/// Whether the text begins with a word, in any letter case.
pub(super) fn begins_with(text: &[u8], word: &[u8]) -> bool {
    let start = text.get(..word.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(word))
}

pub(super) fn is_version_comment(bytes: &[u8], at: usize) -> bool {
    starts_with(bytes, at, b"/*!") || starts_with(bytes, at, b"/*M!")
}

/// Whether `/*M!999999\\- enable the sandbox mode */` stands here; the first releases wrote it without the M.
pub(super) fn is_sandbox_mark(bytes: &[u8], at: usize) -> bool {
    starts_with(bytes, at, b"/*M!999999") || starts_with(bytes, at, b"/*!999999")
}

pub(super) fn is_delimiter_command(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let after = rest.get(b"delimiter".len());
    begins_with(rest, b"delimiter") && matches!(after, Some(b' ' | b'\t' | b'\n' | b'\r'))
}
