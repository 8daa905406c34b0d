-- Tables of two sites made with Drupal in one database, as 7 and as 10 has them, and of modules that name tables like CiviCRM's.
DROP TABLE IF EXISTS `system`;
CREATE TABLE `system` (
  `filename` varchar(255) NOT NULL DEFAULT '',
  `name` varchar(255) NOT NULL DEFAULT '',
  `type` varchar(12) NOT NULL DEFAULT '',
  `owner` varchar(255) NOT NULL DEFAULT '',
  `status` int(11) NOT NULL DEFAULT 0,
  `bootstrap` int(11) NOT NULL DEFAULT 0,
  `schema_version` smallint(6) NOT NULL DEFAULT -1,
  `weight` int(11) NOT NULL DEFAULT 0,
  `info` blob DEFAULT NULL,
  PRIMARY KEY (`filename`),
  KEY `type_name` (`type`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `system` VALUES ('sites/all/modules/civicrm/drupal/civicrm.module','civicrm','module','',1,0,7400,100,'a:1:{s:4:\"name\";s:7:\"CiviCRM\";}');
DROP TABLE IF EXISTS `users`;
CREATE TABLE `users` (
  `uid` int(10) unsigned NOT NULL DEFAULT 0,
  `name` varchar(60) NOT NULL DEFAULT '',
  `pass` varchar(128) NOT NULL DEFAULT '',
  `data` longblob DEFAULT NULL,
  PRIMARY KEY (`uid`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `users` VALUES (0,'','',NULL),(1,'DEFINER=`root`@`localhost`','x','a\0\\\'b;\n-- Dump completed\nDELIMITER ;;\n');
DROP TABLE IF EXISTS `cache_menu`;
CREATE TABLE `cache_menu` (
  `cid` varchar(255) NOT NULL DEFAULT '',
  `data` longblob DEFAULT NULL,
  `expire` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`cid`),
  KEY `expire` (`expire`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `cache_menu` VALUES ('links','x',0),('router','y',0);
DROP TABLE IF EXISTS `civicrm_group_roles_rules`;
CREATE TABLE `civicrm_group_roles_rules` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `role_id` int(11) NOT NULL,
  `group_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `civicrm_group_roles_rules` VALUES (1,3,2);
DROP TABLE IF EXISTS `civicrm_member_roles_rules`;
CREATE TABLE `civicrm_member_roles_rules` (
  `rule_id` int(11) NOT NULL AUTO_INCREMENT,
  `rid` int(11) NOT NULL,
  PRIMARY KEY (`rule_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `civicrm_member_roles_rules` VALUES (1,4);
DROP TABLE IF EXISTS `d10_key_value`;
CREATE TABLE `d10_key_value` (
  `collection` varchar(128) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '',
  `name` varchar(128) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '',
  `value` longblob NOT NULL,
  PRIMARY KEY (`collection`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `d10_key_value` VALUES ('state','system.cron_last','i:1735689600;');
DROP TABLE IF EXISTS `d10_node`;
CREATE TABLE `d10_node` (
  `nid` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `type` varchar(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
  PRIMARY KEY (`nid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
DROP TABLE IF EXISTS `d10_node__body`;
CREATE TABLE `d10_node__body` (
  `entity_id` int(10) unsigned NOT NULL,
  `body_value` longtext NOT NULL,
  PRIMARY KEY (`entity_id`),
  CONSTRAINT `body_of` FOREIGN KEY (`entity_id`) REFERENCES `d10_node` (`nid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `d10_node` VALUES (1,'page');
INSERT INTO `d10_node__body` VALUES (1,'/*!50003 CREATE*/ it''s');
DROP FUNCTION IF EXISTS `node_title`;
DELIMITER ;;
CREATE DEFINER=`civicrm`@`localhost` FUNCTION `node_title`(id int) RETURNS varchar(32) CHARSET ascii
    READS SQL DATA
BEGIN
  RETURN (SELECT type FROM d10_node WHERE nid = id);
END ;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER=`civicrm`@`localhost` TRIGGER `body_kept` BEFORE UPDATE ON `d10_node__body` FOR EACH ROW BEGIN SET NEW.body_value = CONCAT(NEW.body_value, COALESCE(node_title(1), '')); END ;;
DELIMITER ;
CREATE VIEW `pages` AS select `d10_node`.`nid` AS `nid` from `d10_node`;
