//! Tests of the whole: one program, one file for each subject.

mod common;
mod cuts;
mod diff;
mod dumps;
mod mutations;
