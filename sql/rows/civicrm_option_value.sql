-- Paths and URLs of 3.3 to 4.0; the upgrade to 4.1 moves them into civicrm_setting.
SELECT * FROM civicrm_option_value WHERE name IN ('uploadDir', 'imageUploadDir', 'customFileUploadDir', 'customTemplateDir', 'customPHPPathDir', 'extensionsDir', 'userFrameworkResourceURL', 'imageUploadURL', 'customCSSURL') ORDER BY id
