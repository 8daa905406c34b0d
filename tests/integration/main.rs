//! Tests of the whole: one program, one file for each subject.

mod common;
mod cuts;
mod dumps;
mod mutations;
mod reference;
mod version;
