//! How a stream ends.

use std::io;

use crate::snapshot::{Damage, DamageKind};

/// How a [`super::ByteStream`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The input was read to its end and every checksum in it holds.
    Clean,
    /// Something is wrong with the container. All text before the damage has been delivered.
    Damaged(Damage),
}

impl Ending {
    /// The consumer fills in how much text came before.
    pub(super) fn damaged(kind: DamageKind, offset: u64, message: impl Into<String>) -> Self {
        Self::Damaged(Damage {
            kind,
            compressed_offset: offset,
            plain_bytes: 0,
            message: message.into(),
        })
    }

    pub(super) fn unreadable(offset: u64, error: &io::Error) -> Self {
        let message = format!("cannot read at byte {offset}: {error}");
        Self::damaged(DamageKind::ReadError, offset, message)
    }

    /// The damage; `None` if the stream ended clean.
    pub fn damage(&self) -> Option<&Damage> {
        match self {
            Self::Clean => None,
            Self::Damaged(damage) => Some(damage),
        }
    }
}
