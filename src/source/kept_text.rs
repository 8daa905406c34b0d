//! The text of a small dump, kept between two passes over it.

/// The longest text in bytes that is kept: the dump of a site with few rows has half of it.
const MAX: usize = 8 << 20;

/// The text of a dump that is short, so that a second pass need not read and decompress the file again.
#[derive(Debug, Default)]
pub struct KeptText {
    text: Vec<u8>,
    is_too_long: bool,
    /// The kind of the container, once the whole text is there.
    container: Option<&'static str>,
}

impl KeptText {
    /// Takes the next piece of the text, of whatever length; a text longer than [`MAX`] is let go.
    pub(super) fn add(&mut self, piece: &[u8]) {
        if self.is_too_long || self.text.len() + piece.len() > MAX {
            self.is_too_long = true;
            self.text = Vec::new();
        } else {
            self.text.extend_from_slice(piece);
        }
    }

    /// Notes that the text has come to its end without damage, out of a container of this kind.
    pub(super) fn is_whole(&mut self, container: &'static str) {
        self.container = (!self.is_too_long).then_some(container);
    }

    /// The text and the kind of its container; `None` where it was not kept whole.
    pub(super) fn whole(&self) -> Option<(&[u8], &'static str)> {
        Some((&self.text, self.container?))
    }
}
