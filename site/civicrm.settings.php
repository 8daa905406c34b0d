<?php
require_once __DIR__ . '/sub/dsn.php';
define('CIVICRM_UF','Drupal');
