<?php
define('CIVICRM_DSN', 'mysql://root:@localhost/civicrm?new_link=true');
