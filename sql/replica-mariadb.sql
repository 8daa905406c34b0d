-- Does this server copy another? Needs SLAVE MONITOR, or REPLICATION CLIENT before 10.5.
SHOW ALL SLAVES STATUS
