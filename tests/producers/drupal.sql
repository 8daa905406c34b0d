-- A database beside CiviCRM's that holds no CiviCRM: three tables in the spirit of a Drupal 7 site.
SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE users (
  uid int unsigned NOT NULL DEFAULT 0,
  name varchar(60) NOT NULL DEFAULT '',
  data longblob,
  PRIMARY KEY (uid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE node (
  nid int unsigned NOT NULL AUTO_INCREMENT,
  uid int NOT NULL DEFAULT 0,
  title varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (nid),
  KEY node_title (title)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE cache_menu (
  cid varchar(255) NOT NULL DEFAULT '',
  data longblob,
  PRIMARY KEY (cid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO users (uid, name, data) VALUES (0, '', NULL), (1, 'admin', X'613A303A7B7D00');
INSERT INTO node (nid, uid, title) VALUES (1, 1, 'Welcome; it''s "here"');
