-- The cached menu, with values that PHP serialized; there are some hundreds.
SELECT path, page_callback, access_callback FROM civicrm_menu ORDER BY id LIMIT 10000
