// node look.mjs PICTURES PAGE.html...: opens each page in a real Chromium, in three widths, light and dark, with and without
// its script, and says what is wrong with it: what axe finds, what does not fit, what it loads, and what a name could run.
// A picture of each goes into the folder PICTURES. Exit code 1 where something is wrong.
import { mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.CIVIDB_BROWSER_MODULES ?? import.meta.dirname, "/"));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");

const [pictures, ...pages] = process.argv.slice(2);
const WIDTHS = [360, 820, 1440];
// The most of a page that a picture shows, in pixels.
const HIGHEST = 6000;
mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CIVIDB_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let wrong = 0;
const complain = (page, where, what) => {
  wrong += 1;
  console.log(`${page}: ${where}: ${what}`);
};

/** Opens a page and gives it to `look`, with complaints about all that it loads, runs or says besides. */
async function open(file, name, where, options, look) {
  // axe is let in past the page's policy, and nothing else is.
  const context = await browser.newContext({ bypassCSP: options.axe ?? false, ...options });
  // A busy machine is slow, which is not wrong with a page.
  context.setDefaultTimeout(600_000);
  const page = await context.newPage();
  const url = pathToFileURL(resolve(file)).href;
  page.on("request", (request) => request.url().split("#")[0] === url || complain(name, where, `it loads ${request.url()}`));
  page.on("console", (message) => complain(name, where, `the console says: ${message.text()}`));
  page.on("pageerror", (error) => complain(name, where, `its script ends by ${error}`));
  page.on("dialog", (dialog) => { complain(name, where, `a dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url);
  await look(page);
  await context.close();
}

/** What a reader has to be able to see: all words of the page, without those of its script. */
const words = (page) => page.evaluate(() => {
  const text = [...document.querySelectorAll("section.source, nav")].map((it) => it.innerText).join("\n");
  const cut = [...document.querySelectorAll("svg text")].filter((it) => {
    const [own, all] = [it.getBBox(), it.ownerSVGElement.viewBox.baseVal];
    return own.x < -1 || own.y < -1 || own.x + own.width > all.width + 1 || own.y + own.height > all.height + 1;
  }).map((it) => it.textContent);
  // Words of a picture that lie upon each other.
  const upon = [...document.querySelectorAll("svg")].flatMap((svg) => {
    const boxes = [...svg.querySelectorAll("text")].map((it) => [it.getBBox(), it.textContent]);
    return boxes.flatMap(([a, first], number) => boxes.slice(number + 1)
      .filter(([b]) => a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width && a.y + 3 < b.y + b.height && b.y + 3 < a.y + a.height)
      .map(([, second]) => `${first} / ${second}`));
  });
  return { text, cut, upon, over: document.documentElement.scrollWidth - document.documentElement.clientWidth };
});

for (const file of pages) {
  const name = basename(file, ".html");
  const seen = new Set();
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"]) {
      const where = `${width} pixels, ${colorScheme}`;
      const size = { viewport: { width, height: 900 }, colorScheme };
      await open(file, name, where, { ...size, axe: true }, async (page) => {
        const { over, cut, upon } = await words(page);
        if (over > 0) complain(name, where, `${over} pixels wider than the window`);
        if (cut.length > 0) complain(name, where, `cut off: ${cut.join("; ")}`);
        if (upon.length > 0) complain(name, where, `upon each other: ${upon.slice(0, 5).join("; ")}`);
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        const clip = { x: 0, y: 0, width, height: Math.min(height, HIGHEST) };
        await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), clip, fullPage: true });
        // Everything that is folded is open, so that axe sees it.
        await page.evaluate(() => { for (const it of document.querySelectorAll("details")) it.open = true; });
        await page.addScriptTag({ path: axe });
        const { violations, passes } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, help, nodes } of violations) complain(name, where, `axe: ${id}: ${help}: ${nodes.slice(0, 3).map((it) => it.html.slice(0, 200)).join(" | ")}`);
        if (passes.length < 10) complain(name, where, `axe ran ${passes.length} rules only`);
      });
      await open(file, name, `${where}, without scripts`, { ...size, javaScriptEnabled: false }, async (page) => {
        // Without scripts nothing can be asked of the page, but its elements.
        const text = await page.locator("body").innerText();
        seen.add(text);
        if (text.length < 500) complain(name, where, "hardly a word without scripts");
        if (await page.locator("#tools").isVisible()) complain(name, where, "tools that do nothing without scripts");
      });
    }
  }
  if (seen.size > 1 && new Set([...seen].map((it) => it.replace(/\s+/g, ""))).size > 1) complain(name, "all", "its words are not the same in all widths");
  // What the script adds: it filters, sorts and copies, by keyboard as well.
  await open(file, name, "script", { viewport: { width: 1440, height: 900 } }, async (page) => {
    if (!(await page.locator("#tools").isVisible())) return complain(name, "script", "no tools");
    const shown = () => page.locator("article:visible").count();
    const [all, errors] = [await shown(), await page.locator("article.is-error").count()];
    if (all === 0) return;
    await page.selectOption("#tools select", "error");
    if ((await shown()) !== errors) complain(name, "script", `${await shown()} findings shown of ${errors} errors`);
    await page.selectOption("#tools select", "all");
    await page.fill("#tools input", "there is no such word");
    if ((await shown()) !== 0) complain(name, "script", "a word that is nowhere leaves findings");
    await page.fill("#tools input", "");
    if ((await shown()) !== all) complain(name, "script", "without a filter not all findings are shown");
    for (const button of await page.locator("table.sortable thead button").all()) {
      await button.focus();
      await page.keyboard.press("Enter");
      const sorted = await button.locator("xpath=..").getAttribute("aria-sort");
      if (sorted !== "descending") complain(name, "script", "a column is not sorted by Enter");
    }
  });
}
await browser.close();
console.log(`${pages.length} pages looked at, ${wrong} complaints`);
process.exit(wrong > 0 ? 1 : 0);
