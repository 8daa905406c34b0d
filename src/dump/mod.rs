//! Reading dumps: bytes, then statements, then facts.

pub mod scanner;
