-- Steps that the upgrader noted; the index on entity_table keeps this from reading the whole log.
SELECT * FROM civicrm_log WHERE entity_table = 'civicrm_domain' AND data LIKE 'upgrade:%' ORDER BY id
