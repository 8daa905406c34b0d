//! Writes what mysqldump 10.13 writes for a MySQL 5.7 database, with fixed dates.

use std::io::{self, Write};

use crate::programs::{FUNCTION, FUNCTION_NAME, triggers_of};

/// `net_buffer_length` of mysqldump: no INSERT statement of several rows grows beyond it.
pub const STATEMENT_SIZE: u64 = 1024 * 1024 - 1025;

const DEFINER: &str = "`civicrm`@`localhost`";

const HEADER: &str = "\
-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)
--
-- Host: localhost    Database: civicrm
-- ------------------------------------------------------
-- Server version\t5.7.37

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
";

const TRAILER: &str = "\
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2025-05-01  2:00:07
";

const BEFORE_PROGRAM: &str = "\
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
";

const AFTER_PROGRAM: &str = "\
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;
";

/// A dump on its way to `sink`.
pub struct Dump<W> {
    sink: W,
    written: u64,
}

impl<W: Write> Dump<W> {
    pub fn begin(sink: W) -> io::Result<Self> {
        let mut dump = Self { sink, written: 0 };
        dump.text(HEADER)?;
        Ok(dump)
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    pub fn end(mut self) -> io::Result<u64> {
        self.text(TRAILER)?;
        self.sink.flush()?;
        Ok(self.written)
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.sink.write_all(bytes)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// The structure of a table that is to hold `rows` rows.
    pub fn structure(&mut self, table: &str, create: &str, rows: u64) -> io::Result<()> {
        let create = if rows > 0 {
            create.replace(
                "ENGINE=InnoDB",
                &format!("ENGINE=InnoDB AUTO_INCREMENT={}", rows + 1),
            )
        } else {
            create.to_owned()
        };
        self.text(&format!(
            "
--
-- Table structure for table `{table}`
--

DROP TABLE IF EXISTS `{table}`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
{create}
/*!40101 SET character_set_client = @saved_cs_client */;
"
        ))
    }

    /// The data of a table: what `rows` writes, within its lock.
    pub fn data(
        &mut self,
        table: &str,
        rows: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.text(&format!(
            "
--
-- Dumping data for table `{table}`
--

LOCK TABLES `{table}` WRITE;
/*!40000 ALTER TABLE `{table}` DISABLE KEYS */;
"
        ))?;
        rows(self)?;
        self.text(&format!(
            "/*!40000 ALTER TABLE `{table}` ENABLE KEYS */;\nUNLOCK TABLES;\n"
        ))
    }

    /// Writes rows as INSERT statements of at most `statement_size` bytes, unless one row alone is bigger.
    /// `next` fills in the columns of the next row, or returns false.
    pub fn inserts(
        &mut self,
        table: &str,
        statement_size: u64,
        mut next: impl FnMut(&Self, &mut Vec<u8>) -> bool,
    ) -> io::Result<()> {
        let mut row = Vec::with_capacity(64 * 1024);
        let mut size = 0;
        while next(self, &mut row) {
            if size > 0 && size + row.len() as u64 + 2 >= statement_size {
                self.text(");\n")?;
                size = 0;
            }
            let before = self.written;
            if size == 0 {
                self.text(&format!("INSERT INTO `{table}` VALUES ("))?;
            } else {
                self.text("),(")?;
            }
            self.bytes(&row)?;
            size += self.written - before;
            row.clear();
        }
        if size > 0 { self.text(");\n") } else { Ok(()) }
    }

    pub fn triggers(&mut self, table: &str) -> io::Result<()> {
        for trigger in triggers_of(table) {
            let (timing, event, body) = (trigger.timing, trigger.event, trigger.body);
            self.text(BEFORE_PROGRAM)?;
            self.text(&format!(
                "/*!50003 CREATE*/ /*!50017 DEFINER={DEFINER}*/ /*!50003 TRIGGER {table}_{timing}_{event} \
                 {timing} {event} ON {table} FOR EACH ROW BEGIN\n{body}\nEND */;;\n"
            ))?;
            self.text(AFTER_PROGRAM)?;
        }
        Ok(())
    }

    pub fn routines(&mut self) -> io::Result<()> {
        self.text(
            "
--
-- Dumping routines for database 'civicrm'
--
",
        )?;
        self.text(&format!(
            "/*!50003 DROP FUNCTION IF EXISTS `{FUNCTION_NAME}` */;\n"
        ))?;
        self.text(BEFORE_PROGRAM)?;
        self.text(&format!("CREATE DEFINER={DEFINER} {FUNCTION} ;;\n"))?;
        self.text(AFTER_PROGRAM)
    }
}
