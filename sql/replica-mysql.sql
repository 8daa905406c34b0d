-- Does this server copy another? Needs REPLICATION CLIENT.
SHOW REPLICA STATUS
