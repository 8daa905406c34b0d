// node pictures.mjs PICTURES FOLDER: takes the pictures that docs/ shows into the folder PICTURES, of the pages that
// tests/browser/run makes in FOLDER. All of them are of the sample.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.CIVIDB_BROWSER_MODULES ?? import.meta.dirname, "/"));
const { chromium } = require("playwright-core");

const [pictures, folder] = process.argv.slice(2);
// Name, page, and the elements with which the picture begins and before which it ends, or the ends of the page.
const PICTURES = [
  ["report", "check-bridge", null, "article >> nth=1"],
  ["release", "check-bridge", "h3:has-text('The release')", "h3:has-text('Rows')"],
  ["foreign-keys", "check-bridge", "h3:has-text('Foreign keys')", "h3:has-text('Foreign keys') ~ * >> svg >> nth=1"],
  ["upgrade", "preflight-door", "h3:has-text('The upgrade')", "text=A command for the stop >> nth=0"],
  ["fleet", "few", null, "section.source >> nth=0"],
];
const WIDTH = 820;
mkdirSync(pictures, { recursive: true });

const browser = await chromium.launch({ executablePath: process.env.CIVIDB_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: WIDTH, height: 900 }, colorScheme: "light" });
context.setDefaultTimeout(600_000);
for (const [name, file, from, to] of PICTURES) {
  const page = await context.newPage();
  await page.goto(pathToFileURL(resolve(folder, `${file}.html`)).href);
  const top = async (element) => (await page.locator(element).boundingBox()).y;
  const y = from ? (await top(from)) - 8 : 0;
  const end = to ? await top(to) : await page.evaluate(() => document.documentElement.scrollHeight);
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, clip: { x: 0, y, width: WIDTH, height: end - y - 8 } });
  await page.close();
}
await browser.close();
