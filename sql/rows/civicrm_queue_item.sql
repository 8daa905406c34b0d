-- Tasks of an upgrade that are left in the queue.
SELECT * FROM civicrm_queue_item WHERE queue_name = 'CRM_Upgrade' ORDER BY id LIMIT 100
