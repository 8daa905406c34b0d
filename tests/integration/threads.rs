//! The same answer with any number of threads, with and without vector instructions.

use std::path::Path;
use std::process::Command;

use crate::common;

const THREADS: [&str; 3] = ["1", "2", "8"];

/// What `verify` says of a file, every way it can be read.
#[track_caller]
fn one_answer(path: &Path) -> String {
    let mut answers = THREADS
        .iter()
        .flat_map(|threads| ["", "none"].map(|simd| (threads, simd)))
        .map(|(threads, simd)| {
            let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
                .args(["verify", "--verbose", "--format", "json"])
                .arg(path)
                .env("CIVIDB_THREADS", threads)
                .env("CIVIDB_SIMD", simd)
                .output()
                .expect("cividb runs");
            let report = String::from_utf8(output.stdout).expect("JSON is text");
            (threads, simd, output.status.code(), report)
        });
    let (_, _, code, report) = answers.next().expect("a first answer");
    assert_ne!(code, None, "{}", path.display());
    for (threads, simd, other_code, other) in answers {
        let how = format!("{}: {threads} threads, SIMD '{simd}'", path.display());
        assert_eq!((other_code, &other), (code, &report), "{how}");
    }
    report
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % limit as u64) as usize
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// Rows as dump programs write them.
const USUAL: &[&str] = &[
    "NULL",
    "0",
    "-12.50",
    "'2026-11-23 00:10:00'",
    "'O\\'Brien'",
    "'two ''quotes'''",
    "'a backslash \\\\'",
    "'a \\\"serialized\\\";s:3:\\\"x\\\"'",
    "'(in),(brackets);'",
    "'\\n),\\n(\\n'",
    "'long text, and nothing in it that matters to anybody, over more than a block of bytes'",
    "'é ü'",
    "_binary 'a\\0b'",
];

/// What stops the vector code, switches modes, or breaks the dump.
const ODD: &[&str] = &[
    "POINT(1,2)",
    "1--1",
    "4/2",
    "\"double \\\" (quotes),('\"",
    "'),('",
    "'x'),(1,2),('",
    "\\",
    "`name`",
    "1 -- comment ),(\n",
    "/* comment ),( ' */ 2",
    "1);\nSET sql_mode='NO_BACKSLASH_ESCAPES';\nINSERT INTO `t` VALUES (1,'\\'),(2",
    "1);\nSET sql_mode='ANSI_QUOTES';\nINSERT INTO `t` VALUES (1",
    "1);\nSET sql_mode='';\nINSERT INTO `t` VALUES (1",
    "1);\nDELIMITER ;;\nINSERT INTO `t` VALUES (1);;\nDELIMITER ;\nINSERT INTO `t` VALUES (1",
    "1);\nINSERT INTO `civicrm_log` VALUES (1,'upgrade:5.1->5.2'),(2,'x'),(3,'upgrade:5.2->5.3'),(4",
    "1);\nINSERT INTO `civicrm_setting` VALUES (1,'logging','s'),(2",
    "1) ON DUPLICATE KEY UPDATE a=VALUES(a);\nINSERT INTO `t` VALUES (1",
    "1)\nmysqldump: Error 2013: Lost connection;\nINSERT INTO `t` VALUES (1",
    "'never closed",
];

/// A dump of a few blocks, large enough to be read by several threads.
fn dump(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut text = "CREATE TABLE `t` (`a` int, `b` int);\n\
        CREATE TABLE `civicrm_log` (`id` int, `data` text);\n\
        CREATE TABLE `civicrm_setting` (`id` int, `name` text, `value` text);\n\
        INSERT INTO `t` VALUES (1"
        .to_owned();
    let separator = numbers.one_of(&["),(", "),\n(", "),\r\n("]);
    // One dump in four has nothing odd in it.
    let odd_one_in = [400, 4_000, 20_000, usize::MAX][numbers.below(4)];
    let size = 700_000 + numbers.below(1_500_000);
    while text.len() < size {
        let value = if numbers.below(odd_one_in) == 0 {
            numbers.one_of(ODD)
        } else {
            numbers.one_of(USUAL)
        };
        text.push_str(value);
        let next = match numbers.below(500_000) {
            0..50 => ");\n\nINSERT INTO `t` VALUES (",
            50..100_000 => separator,
            _ => ",",
        };
        text.push_str(next);
    }
    text.push_str("1);\n-- Dump completed on 2026-11-23  0:10:00\n");
    text.into_bytes()
}

#[test]
fn any_number_of_threads_gives_the_same_answer_on_made_up_dumps() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dump.sql");
    for seed in (0..300).step_by(common::every(25)) {
        std::fs::write(&path, dump(seed)).expect("written");
        let report = one_answer(&path);
        assert!(report.contains("\"rows\":"), "seed {seed}: {report}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_answer_on_real_dumps() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dump.sql");
    for dump in common::real_dumps().iter().step_by(common::every(12)) {
        one_answer(dump);
        let text = common::text_of(dump);
        std::fs::write(&path, &text).expect("written");
        one_answer(&path);
        std::fs::write(&path, &text[..text.len() * 2 / 3]).expect("written");
        one_answer(&path);
    }
}

#[test]
fn a_byte_order_mark_and_a_file_of_whole_blocks_are_read_alike_by_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dump.sql");
    let mut text = b"\xEF\xBB\xBF".to_vec();
    text.extend(dump(1));
    std::fs::write(&path, &text).expect("written");
    one_answer(&path);
    text.resize(4 * cividb::dump::container::CHUNK, b'\n');
    std::fs::write(&path, &text).expect("written");
    one_answer(&path);
    std::fs::write(&path, vec![0; text.len()]).expect("written");
    assert!(one_answer(&path).contains("dump-unreadable"));
}
