//! Reading dumps: bytes, then statements, then facts.

pub mod container;
pub mod header;
pub mod reader;
pub mod scanner;
pub mod session;
pub mod values;
