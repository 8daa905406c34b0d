-- As the above on MySQL before 8.0.22.
SHOW SLAVE STATUS
