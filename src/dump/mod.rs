//! From the bytes of a dump to the facts in it.

pub mod container;
