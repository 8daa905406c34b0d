-- Which servers copy this one, as connections that read its binary log? Without PROCESS only one's own are seen.
SELECT COUNT(*) AS replicas FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'
