//! A backup restored for real, on a private server that is thrown away, and proved to work.
//!
//! [`Stage`] is the server with its accounts and an empty database; [`restore`] runs the statements of the dump there
//! as a client does; [`compare`] and [`exercise`] prove what arrived. A rollback does the same on another [`Ground`].

mod choice;
pub mod command;
pub mod compare;
mod error;
pub mod exercise;
mod failure;
mod ground;
mod guard;
mod kind;
mod lanes;
mod mend;
mod restore;
mod row;
pub mod space;
mod stage;
pub mod steps;

pub use choice::{Choice, choose};
pub use error::RehearseError;
pub use failure::{Failure, Phase};
pub use ground::Ground;
pub use guard::About;
pub use kind::Kind;
pub use restore::{How, Refusal, Restored, TableWork, restore};
pub use stage::{Definers, Limits, Setup, Stage, account};
