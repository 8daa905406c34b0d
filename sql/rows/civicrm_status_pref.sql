-- When the site's cron ran last, as its status page keeps it.
SELECT * FROM civicrm_status_pref WHERE name = 'checkLastCron' ORDER BY id
