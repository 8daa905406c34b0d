//! `inflate FILE.gz`: decompresses as cividb does and throws the text away: what `benches/compare`
//! holds the reading of gzip files against.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::{env, process};

use flate2::bufread::MultiGzDecoder;

fn inflate(path: &str) -> io::Result<()> {
    let file = BufReader::with_capacity(128 << 10, File::open(path)?);
    let mut decoder = MultiGzDecoder::new(file);
    let mut text = vec![0; 256 << 10];
    while decoder.read(&mut text)? > 0 {}
    Ok(())
}

fn main() {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: inflate FILE.gz");
        process::exit(2);
    };
    if let Err(error) = inflate(&path) {
        eprintln!("inflate: {path}: {error}");
        process::exit(1);
    }
}
