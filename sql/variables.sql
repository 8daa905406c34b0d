-- The settings that matter to CiviCRM, to upgrades and to repairs. A server leaves out what it does not know.
SHOW GLOBAL VARIABLES WHERE Variable_name IN (
  'activate_all_roles_on_login', 'auto_increment_increment', 'character_set_server', 'collation_server', 'default_storage_engine',
  'default_table_encryption', 'explicit_defaults_for_timestamp', 'foreign_key_checks', 'gtid_mode', 'hostname',
  'innodb_default_row_format', 'innodb_file_format', 'innodb_file_per_table', 'innodb_large_prefix', 'innodb_page_size',
  'innodb_read_only_compressed', 'innodb_strict_mode', 'log_bin', 'log_bin_trust_function_creators',
  'lower_case_table_names', 'max_allowed_packet', 'old_mode', 'partial_revokes', 'port', 'read_only',
  'require_secure_transport', 'restrict_fk_on_non_standard_key', 'server_uid', 'server_uuid', 'sql_mode', 'super_read_only',
  'thread_stack', 'version', 'wsrep_on', 'wsrep_cluster_size')
