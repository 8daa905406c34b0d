-- Custom fields, each a column of its group's table.
SELECT * FROM civicrm_custom_field ORDER BY id
