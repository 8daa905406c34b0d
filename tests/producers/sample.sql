-- A small database in the spirit of a CiviCRM 5.81 site, to be dumped by every producer.
-- Real: names and types of tables, columns, keys, triggers and the function. Ours: all bodies and all rows.
-- The tables named site_* belong to the site, not to CiviCRM; they carry what is hard to write down in a dump.
-- Load it with `--comments`, into an empty database, as root; the account civi@localhost must exist.
SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci;
SET TIMESTAMP = 1767225600;  -- every "now" below is the first second of 2026, UTC
SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO';

CREATE TABLE civicrm_contact (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_type varchar(64) DEFAULT NULL,
  external_identifier varchar(64) DEFAULT NULL,
  display_name varchar(128) DEFAULT NULL,
  sort_name varchar(128) DEFAULT NULL,
  image_URL text DEFAULT NULL,
  employer_id int unsigned DEFAULT NULL,
  birth_date date DEFAULT NULL,
  is_deleted tinyint NOT NULL DEFAULT 0,
  created_date timestamp NULL DEFAULT NULL,
  modified_date timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY UI_external_identifier (external_identifier),
  KEY index_contact_type (contact_type),
  KEY index_is_deleted_sort_name (is_deleted, sort_name, id),
  CONSTRAINT FK_civicrm_contact_employer_id FOREIGN KEY (employer_id) REFERENCES civicrm_contact (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_domain (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(64) DEFAULT NULL,
  description varchar(255) DEFAULT NULL,
  version varchar(32) DEFAULT NULL,
  contact_id int unsigned DEFAULT NULL,
  locales text DEFAULT NULL,
  locale_custom_strings text DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY UI_name (name),
  CONSTRAINT FK_civicrm_domain_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_setting (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  value text DEFAULT NULL,
  domain_id int unsigned DEFAULT NULL,
  contact_id int unsigned DEFAULT NULL,
  is_domain tinyint NOT NULL DEFAULT 0,
  component_id int unsigned DEFAULT NULL,
  created_date datetime DEFAULT NULL,
  created_id int unsigned DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY index_domain_contact_name (domain_id, contact_id, name),
  CONSTRAINT FK_civicrm_setting_domain_id FOREIGN KEY (domain_id) REFERENCES civicrm_domain (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_setting_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_setting_created_id FOREIGN KEY (created_id) REFERENCES civicrm_contact (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_phone (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_id int unsigned DEFAULT NULL,
  is_primary tinyint NOT NULL DEFAULT 0,
  phone varchar(32) DEFAULT NULL,
  phone_ext varchar(16) DEFAULT NULL,
  phone_numeric varchar(32) DEFAULT NULL,
  PRIMARY KEY (id),
  KEY index_phone_numeric (phone_numeric),
  CONSTRAINT FK_civicrm_phone_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_email (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_id int unsigned DEFAULT NULL,
  email varchar(254) DEFAULT NULL,
  is_primary tinyint NOT NULL DEFAULT 0,
  on_hold int unsigned NOT NULL DEFAULT 0,
  signature_html text DEFAULT NULL,
  PRIMARY KEY (id),
  KEY UI_email (email),
  CONSTRAINT FK_civicrm_email_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_address (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_id int unsigned DEFAULT NULL,
  street_address varchar(96) DEFAULT NULL,
  street_number int DEFAULT NULL,
  postal_code varchar(64) DEFAULT NULL,
  geo_code_1 double DEFAULT NULL,
  geo_code_2 double DEFAULT NULL,
  master_id int unsigned DEFAULT NULL,
  PRIMARY KEY (id),
  KEY index_geo_code_1_geo_code_2 (geo_code_1, geo_code_2),
  CONSTRAINT FK_civicrm_address_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_address_master_id FOREIGN KEY (master_id) REFERENCES civicrm_address (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_im (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_id int unsigned DEFAULT NULL,
  name varchar(64) DEFAULT NULL,
  PRIMARY KEY (id),
  CONSTRAINT FK_civicrm_im_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_website (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_id int unsigned DEFAULT NULL,
  url varchar(2048) DEFAULT NULL,
  PRIMARY KEY (id),
  CONSTRAINT FK_civicrm_website_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_activity (
  id int unsigned NOT NULL AUTO_INCREMENT,
  activity_type_id int unsigned NOT NULL DEFAULT 1,
  subject varchar(255) DEFAULT NULL,
  activity_date_time datetime DEFAULT CURRENT_TIMESTAMP,
  details longtext DEFAULT NULL,
  created_date timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  modified_date timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_activity_contact (
  id int unsigned NOT NULL AUTO_INCREMENT,
  activity_id int unsigned NOT NULL,
  contact_id int unsigned NOT NULL,
  record_type_id int unsigned DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY UI_activity_contact (contact_id, activity_id, record_type_id),
  KEY index_record_type (activity_id, record_type_id),
  CONSTRAINT FK_civicrm_activity_contact_activity_id FOREIGN KEY (activity_id) REFERENCES civicrm_activity (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_activity_contact_contact_id FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_case (
  id int unsigned NOT NULL AUTO_INCREMENT,
  case_type_id int unsigned NOT NULL,
  subject varchar(128) DEFAULT NULL,
  start_date date DEFAULT NULL,
  created_date timestamp NULL DEFAULT NULL,
  modified_date timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY index_case_type_id (case_type_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_case_activity (
  id int unsigned NOT NULL AUTO_INCREMENT,
  case_id int unsigned NOT NULL,
  activity_id int unsigned NOT NULL,
  PRIMARY KEY (id),
  KEY UI_case_activity_id (case_id, activity_id),
  CONSTRAINT FK_civicrm_case_activity_case_id FOREIGN KEY (case_id) REFERENCES civicrm_case (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_case_activity_activity_id FOREIGN KEY (activity_id) REFERENCES civicrm_activity (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_relationship_type (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name_a_b varchar(64) DEFAULT NULL,
  name_b_a varchar(64) DEFAULT NULL,
  is_active tinyint NOT NULL DEFAULT 1,
  PRIMARY KEY (id),
  UNIQUE KEY UI_name_a_b (name_a_b),
  UNIQUE KEY UI_name_b_a (name_b_a)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_relationship (
  id int unsigned NOT NULL AUTO_INCREMENT,
  contact_id_a int unsigned NOT NULL,
  contact_id_b int unsigned NOT NULL,
  relationship_type_id int unsigned NOT NULL,
  is_active tinyint NOT NULL DEFAULT 1,
  created_date timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_date timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  CONSTRAINT FK_civicrm_relationship_contact_id_a FOREIGN KEY (contact_id_a) REFERENCES civicrm_contact (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_relationship_contact_id_b FOREIGN KEY (contact_id_b) REFERENCES civicrm_contact (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_relationship_relationship_type_id FOREIGN KEY (relationship_type_id) REFERENCES civicrm_relationship_type (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_relationship_cache (
  id int unsigned NOT NULL AUTO_INCREMENT,
  relationship_id int unsigned NOT NULL,
  relationship_type_id int unsigned NOT NULL,
  orientation char(3) NOT NULL,
  near_contact_id int unsigned NOT NULL,
  near_relation varchar(64) DEFAULT NULL,
  far_contact_id int unsigned NOT NULL,
  far_relation varchar(64) DEFAULT NULL,
  is_active tinyint NOT NULL DEFAULT 1,
  PRIMARY KEY (id),
  UNIQUE KEY UI_relationship (relationship_id, orientation),
  KEY index_nearid_nearrelation (near_contact_id, near_relation),
  CONSTRAINT FK_civicrm_relationship_cache_relationship_id FOREIGN KEY (relationship_id) REFERENCES civicrm_relationship (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_relationship_cache_relationship_type_id FOREIGN KEY (relationship_type_id) REFERENCES civicrm_relationship_type (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_relationship_cache_near_contact_id FOREIGN KEY (near_contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE,
  CONSTRAINT FK_civicrm_relationship_cache_far_contact_id FOREIGN KEY (far_contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_custom_group (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(64) DEFAULT NULL,
  title varchar(64) NOT NULL,
  extends varchar(255) DEFAULT 'Contact',
  table_name varchar(255) DEFAULT NULL,
  is_multiple tinyint NOT NULL DEFAULT 0,
  is_active tinyint NOT NULL DEFAULT 1,
  PRIMARY KEY (id),
  UNIQUE KEY UI_title_extends (title, extends),
  UNIQUE KEY UI_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

-- Custom data with one record a contact has triggers; with several records a contact it has none.
CREATE TABLE civicrm_value_constituent_information_1 (
  id int unsigned NOT NULL AUTO_INCREMENT,
  entity_id int unsigned NOT NULL,
  most_important_issue_1 varchar(255) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY unique_entity_id (entity_id),
  CONSTRAINT FK_civicrm_value_constituent_information_1_entity_id FOREIGN KEY (entity_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE civicrm_value_visits_2 (
  id int unsigned NOT NULL AUTO_INCREMENT,
  entity_id int unsigned NOT NULL,
  visited_on_2 datetime DEFAULT NULL,
  PRIMARY KEY (id),
  CONSTRAINT FK_civicrm_value_visits_2_entity_id FOREIGN KEY (entity_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC;

CREATE TABLE site_empty (
  id int NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE site_fee (
  id int NOT NULL AUTO_INCREMENT,
  net decimal(20,2) NOT NULL DEFAULT 0.00,
  tax decimal(20,2) GENERATED ALWAYS AS (net * 0.2) STORED,
  label varchar(40) GENERATED ALWAYS AS (concat('fee; ', net)) VIRTUAL,
  note varchar(40) DEFAULT 'it''s; "free"',
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE site_nasty (
  id int NOT NULL AUTO_INCREMENT,
  padded int(6) unsigned zerofill DEFAULT NULL,
  words longtext DEFAULT NULL,
  bytes longblob DEFAULT NULL,
  token varbinary(16) DEFAULT NULL,
  amount decimal(30,10) DEFAULT NULL,
  ratio double DEFAULT NULL,
  flags bit(12) DEFAULT NULL,
  kind enum('it''s','a;b','(c),') DEFAULT NULL,
  options json DEFAULT NULL,
  latin varchar(20) CHARACTER SET latin1 DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `site "odd"; name` (
  `the key` int NOT NULL,
  `quo'ted` varchar(20) DEFAULT NULL,
  `select` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`the key`),
  KEY `on quo'ted` (`quo'ted`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

DELIMITER //

CREATE DEFINER=`civi`@`localhost` FUNCTION civicrm_strip_non_numeric(input varchar(255)) RETURNS varchar(255) DETERMINISTIC NO SQL
BEGIN
  DECLARE place int DEFAULT 1;
  DECLARE digits varchar(255) DEFAULT '';
  -- it's a trap; for a reader that takes comments for text
  WHILE place <= char_length(input) DO
    IF substring(input, place, 1) BETWEEN '0' AND '9' THEN
      SET digits = concat(digits, substring(input, place, 1));
    END IF;
    SET place = place + 1;
  END WHILE;
  RETURN digits;
END//

CREATE DEFINER=`civi`@`localhost` PROCEDURE site_count_contacts(OUT contacts int)
    READS SQL DATA
BEGIN
  SELECT count(*) INTO contacts FROM civicrm_contact WHERE display_name <> 'DELIMITER ;';
END//

CREATE DEFINER=`civi`@`localhost` EVENT site_tidy ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO
BEGIN
  DELETE FROM site_empty WHERE id < 0;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_contact_before_insert before insert ON civicrm_contact FOR EACH ROW BEGIN
SET NEW.created_date = CURRENT_TIMESTAMP;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_phone_before_insert before insert ON civicrm_phone FOR EACH ROW BEGIN
SET NEW.phone_numeric = civicrm_strip_non_numeric(NEW.phone);
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_phone_before_update before update ON civicrm_phone FOR EACH ROW BEGIN
SET NEW.phone_numeric = civicrm_strip_non_numeric(NEW.phone);
END//

-- One statement without a block, the rest with one: producers write both.
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_phone_after_insert after insert ON civicrm_phone FOR EACH ROW
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_phone_after_update after update ON civicrm_phone FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_phone_after_delete after delete ON civicrm_phone FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = OLD.contact_id;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_email_after_insert after insert ON civicrm_email FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_email_after_update after update ON civicrm_email FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_email_after_delete after delete ON civicrm_email FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = OLD.contact_id;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_address_after_insert after insert ON civicrm_address FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_address_after_update after update ON civicrm_address FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_address_after_delete after delete ON civicrm_address FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = OLD.contact_id;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_im_after_insert after insert ON civicrm_im FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_im_after_update after update ON civicrm_im FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_im_after_delete after delete ON civicrm_im FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = OLD.contact_id;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_website_after_insert after insert ON civicrm_website FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_website_after_update after update ON civicrm_website FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_website_after_delete after delete ON civicrm_website FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = OLD.contact_id;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_value_constituent_information_1_after_insert after insert ON civicrm_value_constituent_information_1 FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.entity_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_value_constituent_information_1_after_update after update ON civicrm_value_constituent_information_1 FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.entity_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_value_constituent_information_1_after_delete after delete ON civicrm_value_constituent_information_1 FOR EACH ROW BEGIN
UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = OLD.entity_id;
END//

CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_activity_before_insert before insert ON civicrm_activity FOR EACH ROW BEGIN
SET NEW.created_date = CURRENT_TIMESTAMP;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_activity_before_update before update ON civicrm_activity FOR EACH ROW BEGIN
UPDATE civicrm_case k JOIN civicrm_case_activity l ON l.case_id = k.id SET k.modified_date = CURRENT_TIMESTAMP WHERE l.activity_id = OLD.id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_activity_before_delete before delete ON civicrm_activity FOR EACH ROW BEGIN
UPDATE civicrm_case k JOIN civicrm_case_activity l ON l.case_id = k.id SET k.modified_date = CURRENT_TIMESTAMP WHERE l.activity_id = OLD.id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_case_before_insert before insert ON civicrm_case FOR EACH ROW BEGIN
SET NEW.created_date = CURRENT_TIMESTAMP;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_case_activity_after_insert after insert ON civicrm_case_activity FOR EACH ROW BEGIN
UPDATE civicrm_case SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.case_id;
END//

-- The bodies below hold lines that begin with INSERT, and strings in double quotes: both mislead readers of dumps.
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_relationship_after_insert after insert ON civicrm_relationship FOR EACH ROW BEGIN
INSERT INTO civicrm_relationship_cache (relationship_id, relationship_type_id, orientation, near_contact_id, near_relation, far_contact_id, far_relation, is_active)
SELECT NEW.id, t.id, "a_b", NEW.contact_id_a, t.name_a_b, NEW.contact_id_b, t.name_b_a, NEW.is_active FROM civicrm_relationship_type t WHERE t.id = NEW.relationship_type_id;
INSERT INTO civicrm_relationship_cache (relationship_id, relationship_type_id, orientation, near_contact_id, near_relation, far_contact_id, far_relation, is_active)
SELECT NEW.id, t.id, "b_a", NEW.contact_id_b, t.name_b_a, NEW.contact_id_a, t.name_a_b, NEW.is_active FROM civicrm_relationship_type t WHERE t.id = NEW.relationship_type_id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_relationship_after_update after update ON civicrm_relationship FOR EACH ROW BEGIN
UPDATE civicrm_relationship_cache SET is_active = NEW.is_active WHERE relationship_id = NEW.id;
END//
CREATE DEFINER=`civi`@`localhost` TRIGGER civicrm_relationship_type_after_update after update ON civicrm_relationship_type FOR EACH ROW BEGIN
UPDATE civicrm_relationship_cache SET near_relation = NEW.name_a_b, far_relation = NEW.name_b_a WHERE relationship_type_id = NEW.id AND orientation = "a_b";
UPDATE civicrm_relationship_cache SET near_relation = NEW.name_b_a, far_relation = NEW.name_a_b WHERE relationship_type_id = NEW.id AND orientation = "b_a";
END//

DELIMITER ;

-- In the order of names the first view comes before the one it is made of.
CREATE DEFINER=`civi`@`localhost` SQL SECURITY DEFINER VIEW site_view_phone AS
  SELECT c.id AS id, c.display_name AS display_name, p.phone_numeric AS phone_numeric
  FROM civicrm_contact c LEFT JOIN civicrm_phone p ON p.contact_id = c.id;
CREATE DEFINER=`civi`@`localhost` SQL SECURITY DEFINER VIEW site_view_called AS
  SELECT id, display_name FROM site_view_phone WHERE phone_numeric IS NOT NULL;

INSERT INTO civicrm_contact (id, contact_type, external_identifier, display_name, sort_name, image_URL, employer_id, birth_date) VALUES
  (1, 'Organization', NULL, 'Our Organization', 'Our Organization', NULL, NULL, NULL),
  (2, 'Individual', 'A-0007', 'Ms. Ruth O''Neill 🦊', 'O''Neill, Ruth', 'https://example.org/?a=1&b=%27;--', 1, '1961-02-28'),
  (3, 'Individual', '', 'Ümit "Jack" Çelik', 'Çelik, Ümit', '', NULL, NULL),
  (4, 'Household', '0000', 'NULL', 'null', NULL, NULL, NULL);
INSERT INTO civicrm_domain (id, name, description, version, contact_id, locales, locale_custom_strings) VALUES
  (1, 'Default Domain Name', NULL, '5.81.2', 1, NULL, 'a:0:{}');
INSERT INTO civicrm_setting (id, name, value, domain_id, is_domain, created_date) VALUES
  (1, 'logging', 's:1:"0";', 1, 1, '2026-01-01 00:00:00'),
  (2, 'site_json', '{"a": "x\\"y", "b": [1, -2.50, null]}', 1, 1, NULL);
INSERT INTO civicrm_phone (id, contact_id, is_primary, phone) VALUES
  (1, 1, 1, '+49 (0)30 / 90 18-20'), (2, 2, 1, '204 222-1000'), (3, 3, 0, '');
INSERT INTO civicrm_email (id, contact_id, email, is_primary, signature_html) VALUES
  (1, 2, 'ruth.o''neill@example.org', 1, '<p style="color:red">\r\n-- \r\nRuth</p>');
INSERT INTO civicrm_address (id, contact_id, street_address, street_number, postal_code, geo_code_1, geo_code_2, master_id) VALUES
  (1, 1, '15 Main St; Unit #2', 15, '02139', 42.3646, -71.1028, NULL), (2, 2, NULL, -1, '', -0.0001, 1e-10, 1);
INSERT INTO civicrm_im (id, contact_id, name) VALUES (1, 2, 'ruth\\home');
INSERT INTO civicrm_website (id, contact_id, url) VALUES (1, 1, 'https://example.org/');
INSERT INTO civicrm_activity (id, activity_type_id, subject, activity_date_time, details) VALUES
  (1, 1, 'Meeting', '2026-01-01 10:00:00', NULL),
  (2, 1, 'A backup, pasted', '2026-01-02 10:00:00', 'See:\nINSERT INTO `x` VALUES (1);\n-- Dump completed on 2020-01-01  0:00:00\n/*!40000 ALTER TABLE `x` ENABLE KEYS */;\nDELIMITER ;;\nCREATE TABLE `y` (z int);\n');
INSERT INTO civicrm_activity_contact (id, activity_id, contact_id, record_type_id) VALUES (1, 1, 2, 2), (2, 1, 1, 3), (3, 2, 3, 3);
INSERT INTO civicrm_case (id, case_type_id, subject, start_date) VALUES (1, 1, 'Help; now', '2026-01-01');
INSERT INTO civicrm_case_activity (id, case_id, activity_id) VALUES (1, 1, 1);
INSERT INTO civicrm_relationship_type (id, name_a_b, name_b_a) VALUES (5, 'Employee of', 'Employer of');
INSERT INTO civicrm_relationship (id, contact_id_a, contact_id_b, relationship_type_id) VALUES (1, 2, 1, 5);
INSERT INTO civicrm_custom_group (id, name, title, extends, table_name, is_multiple) VALUES
  (1, 'constituent_information', 'Constituent Information', 'Individual', 'civicrm_value_constituent_information_1', 0),
  (2, 'visits', 'Visits', 'Individual', 'civicrm_value_visits_2', 1);
INSERT INTO civicrm_value_constituent_information_1 (id, entity_id, most_important_issue_1) VALUES (1, 2, 'Edu, "Jobs" & (Peace)');
INSERT INTO civicrm_value_visits_2 (id, entity_id, visited_on_2) VALUES (1, 2, '2026-01-01 09:30:00'), (2, 2, NULL);
INSERT INTO site_fee (id, net) VALUES (1, 10.00), (2, -0.50), (3, 99999999999999999.99);
INSERT INTO site_nasty (id, padded, words, bytes, token, amount, ratio, flags, kind, options, latin) VALUES
  (0, 7, 'row zero: a number that AUTO_INCREMENT must not replace', NULL, NULL, 0, 0, b'0', NULL, NULL, NULL),
  (1, 42, 'quote '' double " backslash \\ both \\'' semicolon ; percent % underscore _', X'00', X'', -1.5, -1e300, b'101010101010', 'it''s', '{"k": "v;"}', 'café'),
  (2, NULL, 'line one\n-- line two\n# line three\n/* line four\nINSERT INTO `x` VALUES (1);\n', X'001A0A0D5C275C22080900', X'00FF1A', 0.0000000001, 0.1, b'1', 'a;b', '[]', ''),
  (3, 999999, '', '', X'27', NULL, NULL, NULL, '(c),', '"\\u0000"', NULL),
  (4, 0, 'emoji 🎉👩‍👩‍👧 and ﷽, and a byte order mark ﻿', X'FFFE00DEADBEEFEFBBBF', X'5C', 12345678901234567890.0123456789, 3.14159, b'111', NULL, NULL, X'E9'),
  (5, 1, concat('ends with a backslash ', '\\'), X'5C', X'5C5C', 1, 1, NULL, NULL, NULL, '\\'),
  (6, 1, concat('nul ', char(0), ' and ctrl-z ', char(26), ' in text'), repeat(X'000102FEFF275C', 200), NULL, 1, 1, NULL, NULL, NULL, NULL),
  (7, 1, 'NULL', 'NULL', '0x41', 1, 1, NULL, NULL, 'null', '0x41'),
  (-8, 1, '),(9,NULL,''not a row''),(', '''', '"', 1, 1, NULL, NULL, NULL, NULL);
INSERT INTO `site "odd"; name` (`the key`, `quo'ted`, `select`) VALUES (1, '`', 'FROM'), (2, '``', '"');
