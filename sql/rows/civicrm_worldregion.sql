-- The regions of the world, to which countries refer.
SELECT * FROM civicrm_worldregion ORDER BY id
