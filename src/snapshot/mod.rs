//! All that is known about one database, from whichever source it came.
//!
//! Readers (dumps, servers) fill it, checks read it, and no check asks where a fact came
//! from. A fact that a source cannot give is `None`.

mod dump;
mod facts;
mod server;
mod source;

pub use dump::{
    At, Damage, DamageKind, DumpFacts, Ending, FileEnding, Interrupted, KeyBeforeParent,
    LargeStatement, Open, Part, Place, Position, StrayText, UnevenInsert, VariableReach,
    WithoutCollation,
};
pub use facts::{ObjectKind, Row, RowsWanted, Snapshot};
pub use server::ServerFacts;
pub use source::{Producer, Source, SourceKind};
