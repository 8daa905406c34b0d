-- What only MySQL 8 and later have.
SET NAMES utf8mb4;
SET sql_mode = '';
CREATE TABLE invisible_columns (a INT, b INT INVISIBLE, c INT DEFAULT 5 INVISIBLE);
CREATE TABLE expressions (
  a VARCHAR(40) DEFAULT (UUID()), b INT DEFAULT (1 + 2), c VARCHAR(20) DEFAULT (CONCAT('it''s', '\\', "q")), d TEXT DEFAULT ('long''s'),
  e BLOB DEFAULT ('x'), f INT DEFAULT (b + 1), g DATETIME DEFAULT (NOW() + INTERVAL 1 DAY), h DATE DEFAULT (CURRENT_DATE), j JSON DEFAULT (JSON_OBJECT('a', 'it''s')),
  k VARCHAR(5) DEFAULT ('new\nline')
) DEFAULT CHARSET=utf8mb4;
CREATE TABLE functional (
  a INT, b VARCHAR(20), c JSON, KEY f1 ((a + 1)), KEY f2 ((LOWER(b)), a DESC), KEY f3 ((CONCAT(b, 'it''s', '\\'))), UNIQUE f4 ((CAST(c->>'$.x' AS UNSIGNED))),
  KEY multi ((CAST(c->'$.list' AS UNSIGNED ARRAY)))
) DEFAULT CHARSET=utf8mb4;
CREATE TABLE vectors (v VECTOR(3), w VECTOR);
CREATE TABLE placed (p POINT NOT NULL SRID 4326, g GEOMETRY NOT NULL SRID 0, SPATIAL KEY (p));
CREATE TABLE not_enforced (a INT, CONSTRAINT loose CHECK (a > 0) NOT ENFORCED);
CREATE TABLE generated_key (a INT, my_row_id_like BIGINT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY);
CREATE TABLE arrayed (j JSON, c VARCHAR(10) AS (j->>'$.name') VIRTUAL, KEY ((CAST(j->'$.z' AS CHAR(10) ARRAY))));
