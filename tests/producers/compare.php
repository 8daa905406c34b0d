<?php
/* compare.php SOCKET ORIGINAL RESTORED
 * Says in one line what the database RESTORED lacks, or has otherwise, than the database ORIGINAL: objects, definitions and
 * rows. Then uses what is there as a site would, and says which of it fails. Prints nothing when all is well. */

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
[, $socket, $original, $restored] = $argv;
$server = new mysqli('localhost', 'root', '', '', 0, $socket);
$server->set_charset('utf8mb4');

/* Everything a backup has to bring back: "kind name" => its definition, without the database's own name. */
function inventory(mysqli $server, string $database): array
{
    $queries = [
        "SELECT if(table_type = 'VIEW', 'view', 'table'), table_name, engine, table_collation FROM information_schema.tables
            WHERE table_schema = '$database' AND table_type IN ('BASE TABLE', 'VIEW')",
        "SELECT 'definition', table_name, replace(view_definition, '`$database`.', '') FROM information_schema.views
            WHERE table_schema = '$database'",
        "SELECT 'column', concat(c.table_name, '.', column_name), column_type, is_nullable, column_default, extra, collation_name
            FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)
            WHERE table_schema = '$database' AND table_type = 'BASE TABLE'",
        "SELECT 'key', concat(table_name, '.', index_name), min(non_unique), group_concat(column_name ORDER BY seq_in_index)
            FROM information_schema.statistics WHERE table_schema = '$database' GROUP BY table_name, index_name",
        "SELECT 'foreign key', concat(table_name, '.', constraint_name), referenced_table_name, delete_rule
            FROM information_schema.referential_constraints WHERE constraint_schema = '$database'",
        "SELECT 'trigger', trigger_name, action_timing, event_manipulation, event_object_table
            FROM information_schema.triggers WHERE trigger_schema = '$database'",
        "SELECT lower(routine_type), routine_name FROM information_schema.routines WHERE routine_schema = '$database'",
        "SELECT 'event', event_name FROM information_schema.events WHERE event_schema = '$database'",
    ];
    $found = [];
    foreach ($queries as $query) {
        foreach ($server->query($query)->fetch_all(MYSQLI_NUM) as $row) {
            $found["$row[0] $row[1]"] = implode(' ', array_map(fn ($value) => $value ?? 'NULL', array_slice($row, 2)));
        }
    }
    foreach (array_keys($found) as $name) {
        if (str_starts_with($name, 'table ')) {
            $table = str_replace('`', '``', substr($name, 6));
            $rows = array_map('serialize', $server->query("SELECT * FROM `$database`.`$table`")->fetch_all());
            sort($rows);
            $found['rows of ' . substr($name, 6)] = count($rows) . ' ' . md5(serialize($rows));
        }
    }

    return $found;
}

/* "29 trigger (civicrm_a_before_insert ...)" for the kinds of the given names. */
function kinds(array $names): string
{
    $kinds = [];
    foreach ($names as $name) {
        preg_match('/^(foreign key|rows|\w+) (?:of )?(.*)$/s', $name, $part);
        $kinds[$part[1]][] = $part[2];
    }
    // The parts of a lost table or view are lost with it.
    foreach (array_merge($kinds['table'] ?? [], $kinds['view'] ?? []) as $table) {
        foreach (['column', 'definition', 'key', 'foreign key', 'rows'] as $kind) {
            $kinds[$kind] = array_filter($kinds[$kind] ?? [], fn ($of) => $of !== $table && ! str_starts_with($of, "$table."));
        }
    }
    $texts = array_map(
        fn ($kind, $of) => count($of) . " $kind (" . implode(' ', array_slice($of, 0, 2)) . (count($of) > 2 ? ' ...' : '') . ')',
        array_keys($kinds),
        $kinds
    );

    return implode(', ', array_filter($texts, fn ($text) => $text[0] !== '0'));
}

$before = inventory($server, $original);
$after = inventory($server, $restored);
$differing = array_keys(array_filter($before, fn ($value, $name) => isset($after[$name]) && $after[$name] !== $value, ARRAY_FILTER_USE_BOTH));
$said = array_filter([
    'lacks ' => kinds(array_keys(array_diff_key($before, $after))),
    'has otherwise ' => kinds($differing),
    'has besides ' => kinds(array_keys(array_diff_key($after, $before))),
]);
$said = array_map(fn ($how, $what) => $how . $what, array_keys($said), $said);

// A new phone fires the triggers, one of which calls the function; the rest is called by name.
$uses = isset($before['table civicrm_phone']) ? [
    "INSERT INTO civicrm_contact (display_name) VALUES ('New')",
    "INSERT INTO civicrm_phone (contact_id, phone) VALUES (1, '1-2')",
    'UPDATE civicrm_relationship SET is_active = 0',
    'SELECT count(*) FROM site_view_called',
    'CALL site_count_contacts(@contacts)',
] : ["INSERT INTO node (title) VALUES ('New')"];
$server->select_db($restored);
foreach ($uses as $use) {
    try {
        $server->query($use);
    } catch (mysqli_sql_exception $error) {
        $said[] = $error->getCode() . ' ' . $error->getMessage();
    }
}

echo implode('; ', $said);
