"use strict";
// Everything can be read without this: it adds what filters, sorts and copies.
(() => {
  const make = (name, text, more) => Object.assign(document.createElement(name), { textContent: text }, more);
  const status = make("p", "", { className: "soft" });
  status.setAttribute("role", "status");
  const copy = (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.body.appendChild(make("textarea", text));
    area.select();
    document.execCommand("copy");
    area.remove();
    return Promise.resolve();
  };
  for (const fix of document.querySelectorAll("pre.fix")) {
    const button = make("button", "Copy", { type: "button" });
    button.addEventListener("click", () =>
      copy(fix.textContent).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Not copied"; }));
    fix.after(button);
  }
  const place = document.getElementById("tools");
  const articles = [...document.querySelectorAll("article")];
  const rows = [...document.querySelectorAll("table.heat tbody tr")];
  const label = make("label", "Show what contains ");
  const input = make("input", "", { type: "search" });
  label.append(input);
  const choice = make("label", "Severity ");
  const select = make("select", "");
  for (const word of ["all", "error", "warning", "note"]) select.append(make("option", word, { value: word }));
  choice.append(select);
  const filter = () => {
    const text = input.value.toLowerCase();
    const has = (it) => it.textContent.toLowerCase().includes(text);
    let shown = 0;
    for (const it of articles) {
      const wanted = select.value === "all" || it.classList.contains("is-" + select.value);
      it.hidden = !(wanted && (has(it) || has(it.closest("section").querySelector("h2"))));
      shown += it.hidden ? 0 : 1;
    }
    for (const it of rows) it.hidden = !has(it);
    status.textContent = shown + " of " + articles.length + " findings shown";
  };
  input.addEventListener("input", filter);
  select.addEventListener("change", filter);
  place.append(label, choice, status);
  place.hidden = false;
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = make("button", cell.textContent, { type: "button" });
      cell.textContent = "";
      cell.append(button);
      button.addEventListener("click", () => {
        const down = cell.getAttribute("aria-sort") === "descending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", down ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.key || row.cells[column].textContent;
        const list = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
        body.append(...(down ? list : list.reverse()));
      });
    });
  }
})();
