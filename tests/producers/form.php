<?php
/* form.php FIELD [NAME=VALUE | -NAME[=VALUE]]...  <page.html
 * Prints, URL-encoded, what a browser sends for the form that has a field named FIELD: every field as the page presets it,
 * but for those given here. NAME=VALUE sets a field, -NAME leaves it out, -NAME=VALUE leaves it out where it has that value. */

$page = new DOMDocument();
@$page->loadHTML('<?xml encoding="utf-8">' . stream_get_contents(STDIN));
$find = new DOMXPath($page);
[, $wanted] = $argv;
$form = $find->query("//form[.//*[@name='$wanted']]")->item(0) ?? exit("form.php: no form with a field $wanted\n");

$fields = [];
foreach ($find->query('.//input[@name] | .//select[@name] | .//textarea[@name]', $form) as $field) {
    $name = $field->getAttribute('name');
    $type = $field->tagName === 'input' ? strtolower($field->getAttribute('type')) : $field->tagName;
    if ($field->hasAttribute('disabled') || in_array($type, ['submit', 'button', 'image', 'reset', 'file'])) {
        continue;
    }
    if ($type === 'select') {
        $chosen = $find->query('.//option[@selected]', $field);
        if (! $chosen->length && ! $field->hasAttribute('multiple')) {
            $chosen = $find->query('(.//option)[1]', $field);
        }
        foreach ($chosen as $option) {
            $fields[] = [$name, $option->hasAttribute('value') ? $option->getAttribute('value') : $option->textContent];
        }
    } elseif ($type === 'textarea') {
        $fields[] = [$name, $field->textContent];
    } elseif (! in_array($type, ['checkbox', 'radio'])) {
        $fields[] = [$name, $field->getAttribute('value')];
    } elseif ($field->hasAttribute('checked')) {
        $fields[] = [$name, $field->hasAttribute('value') ? $field->getAttribute('value') : 'on'];
    }
}

foreach (array_slice($argv, 2) as $change) {
    $remove = $change[0] === '-';
    [$name, $value] = array_pad(explode('=', ltrim($change, '-'), 2), 2, null);
    $fields = array_filter($fields, fn ($field) => $field[0] !== $name || ($remove && $value !== null && $field[1] !== $value));
    if (! $remove) {
        $fields[] = [$name, $value];
    }
}

echo implode('&', array_map(fn ($field) => urlencode($field[0]) . '=' . urlencode($field[1]), $fields));
